"""The card of one plan, in three uses: the plan card of a channel, the approval card, and the card of an assignee."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.i18n import Locale
from bot.i18n.labels import label
from bot.richtext import to_plain
from bot.verbs import WORDS
from core.card import Button, Card, Fact, Field, Form, Row, Section, Tone
from core.commands import Verb
from core.people import Directory
from core.plan import Decision, Item, Plan
from core.status import FAILED_CHECK, WAITING_CHECK, ItemStatus, PlanStatus, RunStatus
from core.text import reveal_invisible
from core.verbs import VERBS
from core.workflow import Workflow

_TONES = {
    PlanStatus.WAIT_FOR_APPROVAL: Tone.WAITING,
    PlanStatus.EXECUTING: Tone.ACTIVE,
    PlanStatus.SUCCESS: Tone.GOOD,
    PlanStatus.DENIED: Tone.BAD,
    PlanStatus.TIMEOUT: Tone.BAD,
}
_MARKS = {
    ItemStatus.TODO: "▫️",
    ItemStatus.RUNNING: "⏳",
    ItemStatus.DONE: "✅",
    ItemStatus.SKIPPED: "⏭️",
    ItemStatus.FAILED: "❌",
}
_WHILE_WAITING = (Verb.APPROVE, Verb.REJECT, Verb.REPLAN)
_OTHERWISE = (Verb.SUBMIT, Verb.RECHECK, Verb.REPLAN, Verb.CANCEL)
"""The buttons of a plan, while it waits for approval and otherwise, as far as it accepts them."""
_DESCRIPTION_LIMIT = 1500
_DETAIL_LIMIT = 300


def tone_of(plan: Plan) -> Tone:
    """Return the mood of a plan's card."""
    if plan.status in WAITING_CHECK.values():
        return Tone.WAITING
    if plan.status in FAILED_CHECK.values():
        return Tone.BAD
    return _TONES.get(plan.status, Tone.NEUTRAL)


def shortened(text: str, limit: int) -> str:
    """Return the text, cut with an ellipsis when it is longer than the limit."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class PlanCards:
    """Makes the cards of plans for one reader (or one channel) in that reader's language."""

    locale: Locale
    directory: Directory
    public_url: str

    def plan(self, plan: Plan) -> Card:
        """Return the full card: state, content, approval, items with buttons for whoever has the right."""
        return self._card(
            plan, (self._content(plan), self._approval(plan), self._items(plan)), self._plan_buttons(plan)
        )

    def approval(self, plan: Plan) -> Card:
        """Return the card for an approver: what is to be released, who has decided, and the two buttons."""
        sections = (self._content(plan), self._items(plan, buttons=False), self._approval(plan))
        return self._card(plan, sections, self._buttons_of(plan, Verb.APPROVE, Verb.REJECT))

    def item(self, plan: Plan, item_id: str) -> Card:
        """Return the card for the assignee of an item."""
        item = plan.items[item_id]
        row = self._row(plan, item)
        text = to_plain(str((item.spec or {}).get("content", ""))) if item.type == "text" else ""
        section = Section(self.locale.text("Your item"), shortened(text, _DESCRIPTION_LIMIT), (row,))
        return self._card(plan, (section,), ())

    def form(self, plan: Plan, verb: str, ref: str) -> Form | None:
        """Return what a button of the plan's card asks for, as a form; None when it asks nothing or is not there."""
        buttons = {plan.ref: (plan.name, self._plan_buttons(plan))} | {
            plan.item_ref(item.id): (item.name, self.item_buttons(plan, item)) for item in plan.items.values()
        }
        about, offered = buttons.get(ref, ("", ()))
        for button in offered:
            if button.verb == verb and button.field:
                return Form(verb, ref, f"{button.label}: {about}", button.label, (button.field,))
        return None

    def _card(self, plan: Plan, sections: Iterable[Section | None], buttons: tuple[Button, ...]) -> Card:
        text = self.locale.text
        status = text(label(plan.status))
        return Card(
            title=f"#{plan.number} {plan.name}",
            summary=f"#{plan.number} {plan.name}: {status}",
            tone=tone_of(plan),
            tag=status,
            facts=tuple(self._facts(plan)),
            sections=tuple(section for section in sections if section),
            buttons=buttons,
            note=self._note(plan),
            more=Button("open", text("Open"), url=f"{self.public_url}/plans/{plan.number}"),
        )

    def _facts(self, plan: Plan) -> Iterable[Fact]:
        text, time = self.locale.text, self.locale.time
        yield Fact(text("Manager"), self.directory.name(plan.manager))
        window = plan.window
        if window.start or window.end:
            yield Fact(text("Window"), f"{time(window.start)} – {time(window.end)}")
        if plan.schedule_at:
            yield Fact(text("Scheduled"), time(plan.schedule_at))
        tally = plan.tally
        yield Fact(
            text("Items"),
            text("{complete} of {total} complete", complete=tally.done + tally.skipped, total=tally.total),
        )
        if plan.content and plan.content.jira_sprints:
            yield Fact(
                text("Jira sprints"),
                ", ".join(str(s.get("sprint_name") or s.get("sprint_id", "")) for s in plan.content.jira_sprints),
            )

    def _note(self, plan: Plan) -> str:
        """Say what the plan is waiting for, since when, and how to get out of it."""
        text, check = self.locale.text, plan.check
        if check and plan.status in WAITING_CHECK.values():
            waiting = text(
                "Waiting for an external system ({event}) since {since}, until {deadline}.",
                event=check.event, since=check.since, deadline=check.deadline,
            )  # fmt: skip
            return " ".join((waiting, check.progress, text("To get out of it: replan or cancel."))).replace("  ", " ")
        if plan.status in FAILED_CHECK.values():
            return text(
                "The external check failed: {reason}. Check again, replan or cancel.", reason=plan.reason or "?"
            )
        if plan.gate and plan.status in (PlanStatus.DENIED, PlanStatus.TIMEOUT):
            said = plan.reason or text(label(plan.status))
            return text(
                "No: {reason}. The system that asked is told so; it asks anew when its plan changes.", reason=said
            )
        if plan.status is PlanStatus.DENIED:
            return text("Rejected: {reason}. Replan to mend it and ask again.", reason=plan.reason)
        if plan.status is PlanStatus.TIMEOUT:
            return text("Time ran out before the plan was complete. Replan to go on.")
        if plan.status is PlanStatus.EXECUTING and not plan.window_open:
            return text("The release window opens at {start}.", start=plan.window.start)
        return text("Reason: {reason}", reason=plan.reason) if plan.reason and plan.status is PlanStatus.CANCEL else ""

    def _content(self, plan: Plan) -> Section | None:
        description = to_plain(plan.content.description) if plan.content else ""
        return Section(text=shortened(description, _DESCRIPTION_LIMIT)) if description else None

    def _approval(self, plan: Plan) -> Section | None:
        stages = plan.approval.stages
        if not stages:
            return None
        rows = [row for index in range(len(stages)) for row in self._stage_rows(plan, index)]
        return Section(self.locale.text("Approval"), rows=tuple(rows))

    def _stage_rows(self, plan: Plan, index: int) -> Iterable[Row]:
        text, name = self.locale.text, self.directory.name
        stage = plan.approval.stages[index]
        votes = plan.votes_of(index)
        passed = plan.approval.current > index and plan.status is not PlanStatus.PLANNING
        current = plan.approval.current == index and plan.status is PlanStatus.WAIT_FOR_APPROVAL
        rules = {"all": text("all must approve"), "any": text("one must approve")}
        rule = rules.get(str(stage.rule)) or text("{count} must approve", count=stage.rule)
        who = ", ".join(name(approver) for approver in stage.approvers)
        yield Row(stage.name, "✅" if passed else "⏳" if current else "▫️", f"{who} · {rule}")
        for vote in votes:
            voter = name(vote.person)
            if vote.delegate:
                voter = text("{delegate} for {person}", delegate=name(vote.delegate), person=voter)
            said, comment = text(label(vote.decision)), shortened(vote.comment, _DETAIL_LIMIT)
            if comment:
                said = text("{decision}: {comment}", decision=said, comment=comment)
            yield Row(voter, "👍" if vote.decision is Decision.APPROVE else "👎", said)

    def _items(self, plan: Plan, *, buttons: bool = True) -> Section | None:
        items = sorted(plan.items.values(), key=lambda item: item.position)
        rows = tuple(self._row(plan, item, buttons=buttons) for item in items)
        return Section(self.locale.text("Release items"), rows=rows) if rows else None

    def _row(self, plan: Plan, item: Item, *, buttons: bool = True) -> Row:
        mark = "⚠️" if item.run and item.run.status is RunStatus.UNKNOWN else _MARKS[item.status]
        shown = self.item_buttons(plan, item) if buttons else ()
        return Row(
            f"{item.position}. {item.name}", mark, self._detail(plan, item), item.run.url if item.run else "", shown
        )

    def _detail(self, plan: Plan, item: Item) -> str:
        text, name = self.locale.text, self.directory.name
        parts = [
            text(
                label(
                    item.run.status
                    if item.run and item.status in (ItemStatus.RUNNING, ItemStatus.FAILED)
                    else item.status
                )
            )
        ]
        if item.type == "workflow":
            parts.append(
                f"{reveal_invisible(item.workflow)} ({item.runner})"
                + (f" #{item.run.attempt}" if item.run and item.run.attempt > 1 else "")
            )
            parts += _parameters(item.spec)
        if item.assignee:
            parts.append(f"@{name(item.assignee)}")
        if item.complete and item.executed_by:
            parts.append(
                text("by {person}", person=name(item.executed_by) if item.executed_by != "system" else text("schedule"))
            )
        blockers = plan.blockers(item)
        if blockers and item.status is ItemStatus.TODO:
            parts.append(text("after: {items}", items=", ".join(other.name for other in blockers)))
        if item.run and item.run.message and not item.complete:
            parts.append(self.locale.message(item.run.message))
        if item.remark:
            parts.append(f"“{to_plain(item.remark)}”")
        return shortened(" · ".join(part for part in parts if part), _DETAIL_LIMIT)

    def _plan_buttons(self, plan: Plan) -> tuple[Button, ...]:
        waiting = plan.status is PlanStatus.WAIT_FOR_APPROVAL
        return self._buttons_of(plan, *(_WHILE_WAITING if waiting else _OTHERWISE))

    def _buttons_of(self, plan: Plan, *verbs: Verb) -> tuple[Button, ...]:
        """Return the buttons of those verbs that the plan accepts now; a plan of another system is replanned there."""
        accepted = [verb for verb in verbs if plan.status in VERBS[verb].statuses]
        return tuple(self._button(verb, plan.ref) for verb in accepted if not (plan.gate and verb is Verb.REPLAN))

    def item_buttons(self, plan: Plan, item: Item) -> tuple[Button, ...]:
        """Return what can be done with an item now; the plan may come without its items."""
        open_now = plan.status is PlanStatus.EXECUTING and plan.window_open
        text, ref = self.locale.text, plan.item_ref(item.id)
        if open_now and item.waits and plan.approval.stages:
            return (self._button(Verb.EXECUTE, ref, text("Let it go on"), asks=False),)
        if not open_now or item.status not in (ItemStatus.TODO, ItemStatus.FAILED):
            return ()
        skip = self._button(Verb.SKIP, ref)
        if item.status is ItemStatus.FAILED:
            return self._button(Verb.RETRY, ref), skip
        if plan.blockers(item):
            return (skip,)
        if item.type == "text":
            return self._button(Verb.EXECUTE, ref, text("Done")), skip
        return self._button(Verb.EXECUTE, ref, asks=False), skip

    def _button(self, verb: Verb, ref: str, name: str = "", *, asks: bool = True) -> Button:
        """Return the button of a verb, with another name than the verb's if one is given; it may ask for a text."""
        text, words, argument = self.locale.text, WORDS[verb], VERBS[verb].argument
        field = None
        if asks and words.question and argument:
            field = Field(text(words.question), hint=text(words.hint), required=argument.required, multiline=True)
        return Button(verb, name or text(label(verb)), ref, words.style, field, text(words.confirm))


def _parameters(spec: Mapping[str, Any] | None) -> list[str]:
    """Return what a workflow will be run with, as far as it helps to decide; credentials are never shown."""
    if not spec:
        return []
    workflow = Workflow.model_validate(spec)
    params = [f"{p.name}={p.value}" for p in workflow.params if p.value and not p.is_credential]
    jobs = [job.name for stage in workflow.stages for job in stage.jobs]
    return [reveal_invisible(part) for part in (", ".join(params), " → ".join(jobs)) if part]
