"""The stages of an approval: how far each has come, who votes in it, why it is there, and the votes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bot.cards.naming import shorten
from bot.i18n import Locale
from bot.i18n.labels import label
from core.card import Line, Part, Row, Section, State, Tone, Weight, join_lines, line
from core.people import Directory
from core.plan import Decision, Plan, Stage, Vote
from core.status import PlanStatus
from core.text import join_names

_COMMENT: Final = 300
"""The longest comment of a vote, in characters."""


@dataclass(frozen=True, slots=True)
class StageRows:
    """Makes the rows of the stages of one plan."""

    locale: Locale
    directory: Directory
    plan: Plan

    def sections(self) -> Iterator[Section]:
        """Yield the approval; it is closed where nobody has to vote. A plan without approval has none."""
        stages = self.plan.approval.stages
        if stages:
            rows = tuple(self._row(stage, index) for index, stage in enumerate(stages))
            is_over = self.plan.status is not PlanStatus.WAIT_FOR_APPROVAL
            yield Section(self.locale.text("Approval"), rows, folded=is_over, part=Part.VOTES)

    def rule(self, stage: Stage) -> str:
        """Return how many of the approvers of a stage must approve."""
        text = self.locale.text
        rules = {"all": text("all must approve"), "any": text("one must approve")}
        return rules.get(str(stage.rule)) or text("{count} must approve", count=stage.rule)

    def _row(self, stage: Stage, index: int) -> Row:
        who = join_names(self.directory.name(approver) for approver in stage.approvers)
        votes = tuple(self._vote(vote) for vote in self.plan.votes_of(index))
        parts = [line(who), line(self.rule(stage)), line(self._because(stage))]
        return Row(stage.name, Weight.SAME, self._state(stage, index), join_lines(parts), votes)

    def _because(self, stage: Stage) -> str:
        """Return why a policy added a stage; empty for a stage of the author."""
        if stage.reason:
            return self.locale.text("because: {reason}", reason=stage.reason)
        return self.locale.text("by the policy {policy}", policy=stage.policy) if stage.policy else ""

    def _state(self, stage: Stage, index: int) -> State:
        text, plan = self.locale.text, self.plan
        if stage in plan.reverted_stages:
            return State(Tone.BAD, "↩️", text("revoked"))
        if any(vote.decision is Decision.REJECT for vote in plan.votes_of(index)):
            return State(Tone.BAD, "❌", text(label(Decision.REJECT)))
        if plan.approval.current > index and plan.status is not PlanStatus.PLANNING:
            return State(Tone.GOOD, "✅", text(label(Decision.APPROVE)))
        if plan.approval.current == index and plan.status is PlanStatus.WAIT_FOR_APPROVAL:
            return State(Tone.WAITING, "🟡", text("being decided"))
        return State(Tone.NEUTRAL, "▫️", text("later"))

    def _vote(self, vote: Vote) -> Line:
        """Return a vote with its comment; a delegate votes for the person who asked them to."""
        text, voter = self.locale.text, self.directory.name(vote.person)
        if vote.delegate:
            voter = text("{delegate} for {person}", delegate=self.directory.name(vote.delegate), person=voter)
        decision, comment = text(label(vote.decision)), shorten(vote.comment, _COMMENT)
        said = text("{decision}: {comment}", decision=decision, comment=comment) if comment else decision
        mark = "👍" if vote.decision is Decision.APPROVE else "👎"
        return line(f"{mark} {voter} · {said}")
