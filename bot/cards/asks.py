"""The first lines of a plan's card: what is wanted, by when; what the plan waits for; or why it ended.

What can be done about it is said, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.cards.items import ItemRows
from bot.cards.stages import StageRows
from bot.cards.states import state_of
from bot.i18n import Locale
from bot.i18n.labels import label
from core.approval import pending_voters
from core.card import Line, Notice, Text, join_lines, line
from core.people import Directory
from core.plan import Decision, Plan, Vote
from core.status import FAILED_CHECK, WAITING_CHECK, PlanStatus
from core.text import format_duration, join_names

_DRAFT: Final = frozenset({PlanStatus.PLANNING, PlanStatus.FINISH_PLANNING})


@dataclass(frozen=True, slots=True)
class Asks:
    """Makes the first lines of the cards of one plan, for one reader or, if `reader` is empty, for everybody."""

    locale: Locale
    directory: Directory
    plan: Plan
    reader: str = ""

    def of_plan(self) -> tuple[Line, ...]:
        """Return what the plan waits for or why it ended, and what can be done about it; none when neither applies."""
        return tuple(each for each in self._of_plan() if each)

    def of_approval(self, *, again: bool = False) -> tuple[Line, ...]:
        """Return what an approver is asked for, what they have decided, or else what has become of the plan.

        They may be asked `again`, after they were shown an earlier revision.
        """
        plan, text = self.plan, self.locale.text
        if vote := self.own_vote:
            return (self._decided(vote), *filter(None, [self._afterwards()]))
        if plan.status is not PlanStatus.WAIT_FOR_APPROVAL or plan.approval.stage is None:
            return self.of_plan()
        name = self.directory.name(plan.manager)
        asked = text("{manager} asks for your approval", manager=name)
        if again:
            asked = text("{manager} asks again, with revision {revision}", manager=name, revision=plan.revision)
        head = join_lines([(Text(asked, strong=True),), line(plan.approval.stage.name)])
        times = join_lines([self._deadline(), self.window()])
        return (head, times) if times else (head,)

    @property
    def own_vote(self) -> Vote | None:
        """The last vote of the reader on this revision, in their own name or for somebody; None if there is none."""
        own = [vote for vote in self.plan.votes if self.reader and self.reader in (vote.person, vote.delegate)]
        return own[-1] if own else None

    def handed_over(self) -> Line:
        """Return to whom the reader handed a decision over that is still open; empty if to nobody."""
        delegate = self.plan.approval.delegates.get(self.reader)
        if not delegate or self.own_vote or self.plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
            return ()
        return line(self.locale.text("Handed over to {name}, who decides for you.", name=self.directory.name(delegate)))

    def window(self) -> Line:
        """Return when the plan may be executed; empty if at any time."""
        window = self.plan.window
        if not (window.start or window.end):
            return ()
        return self.locale.spans("window {start} – {end}", start=window.start, end=window.end)

    def of_reminder(self, now: datetime) -> tuple[Line, ...]:
        """Return that the plan still waits for the reader's vote, and for how long it does; or what has become of it.

        Time left is said in a new message alone: no card is drawn again because time passes.
        """
        if self.plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
            return self.of_plan()
        text, deadline = self.locale.text, self.plan.approval.deadline
        waits = (Text(text("Waits for your approval"), strong=True),)
        left = text("{left} left", left=format_duration(_in_minutes(deadline - now))) if deadline else ""
        return (join_lines([waits, line(left), self._deadline()]),)

    def revoked(self) -> tuple[Notice, ...]:
        """Return that an approval was revoked when it was too late to request it again; none when none was."""
        text, plan = self.locale.text, self.plan
        notes = [
            text("The approval of stage {stage} was revoked in {platform}.", stage=stage.name, platform=stage.channel)
            for stage in plan.reverted_stages
        ]
        if notes and plan.status is PlanStatus.EXECUTING and not plan.gate:
            notes.append(
                text("The schedule starts nothing more; what runs goes on. Replan, or execute what is left by hand.")
            )
        return (Notice(line(" ".join(notes))),) if notes else ()

    def _of_plan(self) -> Iterator[Line]:
        plan, text = self.plan, self.locale.text
        if plan.deleted:
            yield line(text("This plan was deleted."))
        elif plan.status in _DRAFT:
            manager = self.directory.name(plan.manager)
            yield line(text("Draft of {manager}. Submit it when it is complete.", manager=manager))
        elif plan.status is PlanStatus.WAIT_FOR_APPROVAL:
            yield self._waiting()
            yield join_lines([self._deadline(), self.window()])
        elif plan.status is PlanStatus.EXECUTING:
            yield self._progress()
            yield self._time_left()
        elif plan.status in WAITING_CHECK.values():
            yield from self._checking()
        else:
            yield line(self._end())

    def _waiting(self) -> Line:
        """Return for whose votes the plan waits."""
        stage = self.plan.approval.stage
        if stage is None:
            return ()
        people = sorted(map(self.directory.name, pending_voters(self.plan, self.directory) or stage.approvers))
        waits = self.locale.spans(
            "Waits for {stage}: {people}", stage=Text(stage.name, strong=True), people=join_names(people)
        )
        return join_lines([waits, line(StageRows(self.locale, self.directory, self.plan).rule(stage))])

    def _deadline(self) -> Line:
        deadline = self.plan.approval.deadline
        return self.locale.spans("by {deadline}", deadline=deadline) if deadline else ()

    def _progress(self) -> Line:
        """Return how many items wait for what; empty where the items are not loaded."""
        plan = self.plan
        return ItemRows(self.locale, self.directory, plan).counts() if len(plan.items) == plan.tally.total else ()

    def _time_left(self) -> Line:
        window = self.plan.window
        if not self.plan.window_open:
            return self.locale.spans("The release window opens at {start}.", start=window.start)
        return self.locale.spans("The release window ends at {end}.", end=window.end) if window.end else ()

    def _checking(self) -> Iterator[Line]:
        if check := self.plan.check:
            yield self.locale.spans(
                "Waiting for an external system ({event}) since {since}, until {deadline}.",
                event=check.event, since=check.since, deadline=check.deadline,
            )  # fmt: skip
            yield line(
                " ".join(filter(None, (check.progress, self.locale.text("To get out of it: replan or cancel."))))
            )

    def _end(self) -> str:
        """Return why the plan does not go on by itself, and the way on."""
        plan, text = self.plan, self.locale.text
        if plan.status in FAILED_CHECK.values():
            reason = plan.reason or "?"
            return text("The external check failed: {reason}. Check again, replan or cancel.", reason=reason)
        if plan.gate and plan.status in (PlanStatus.DENIED, PlanStatus.TIMEOUT):
            reason = plan.reason or text(label(plan.status))
            return text(
                "No: {reason}. The system that asked is told so; it asks anew when its plan changes.", reason=reason
            )
        match plan.status:
            case PlanStatus.DENIED:
                return text("Rejected: {reason}. Replan to mend it and ask again.", reason=plan.reason)
            case PlanStatus.TIMEOUT:
                return text("Time ran out before the plan was complete. Replan to go on.")
            case PlanStatus.SUCCESS:
                return text("Complete since {time}: {count} items.", time=plan.success_at, count=plan.tally.total)
            case _:
                return text("Reason: {reason}", reason=plan.reason) if plan.reason else ""

    def _afterwards(self) -> Line:
        """Return what has become of the plan since the reader voted."""
        state, first = state_of(self.plan, self.locale), self.of_plan()[:1]
        is_open = self.plan.status is PlanStatus.WAIT_FOR_APPROVAL
        return join_lines([() if is_open else line(f"{state.mark} {state.word}"), *first])

    def _decided(self, vote: Vote) -> Line:
        """Return what the reader has decided."""
        texts = {
            Decision.APPROVE: self.locale.text("You approved revision {revision}", revision=self.plan.revision),
            Decision.REJECT: self.locale.text("You rejected revision {revision}", revision=self.plan.revision),
        }
        return join_lines([(Text(texts[vote.decision], strong=True),), (self.locale.moment(vote.at),)])


def _in_minutes(duration: timedelta) -> timedelta:
    """Return a duration without seconds, of at least a minute."""
    return max(timedelta(minutes=1), duration - duration % timedelta(minutes=1))
