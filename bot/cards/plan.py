"""The cards of one plan: the plan card of a channel, the approval card of an approver, and notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.cards.deciding import Contents
from bot.cards.paging import Pages, paging_buttons, paging_sections
from bot.i18n import Locale
from bot.i18n.labels import label
from bot.richtext import to_plain
from bot.verbs import WORDS, ChatVerb
from core.card import Button, Card, Fact, Field, Form, Row, Section, Tone
from core.commands import Verb
from core.people import Directory
from core.plan import Controls, Decision, Item, Plan, Stage
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
"""The tones of statuses that do not belong to an external check; other plans are neutral."""
_MARKS = {
    ItemStatus.TODO: "▫️",
    ItemStatus.RUNNING: "⏳",
    ItemStatus.DONE: "✅",
    ItemStatus.SKIPPED: "⏭️",
    ItemStatus.FAILED: "❌",
}
_VERBS_WHILE_WAITING = (Verb.APPROVE, Verb.REJECT, Verb.REPLAN)
"""The verbs with a button on the card of a plan that waits for approval, if the plan accepts them."""
_VERBS_OTHERWISE = (Verb.SUBMIT, Verb.RECHECK, Verb.REPLAN, Verb.CANCEL)
"""The verbs with a button on the card of any other plan, if the plan accepts them."""
_NEXT_STEPS: Mapping[PlanStatus, tuple[Verb, ...]] = {
    PlanStatus.FINISH_PLANNING: (Verb.SUBMIT,),
    PlanStatus.DENIED: (Verb.REPLAN,),
    PlanStatus.TIMEOUT: (Verb.REPLAN,),
    **dict.fromkeys(FAILED_CHECK.values(), (Verb.RECHECK, Verb.REPLAN)),
}
"""The verbs with a button on a notice to the manager of a plan; in other statuses the plan card has the next steps."""
_UNDECIDED = frozenset(
    {
        PlanStatus.PLANNING,
        PlanStatus.FINISH_PLANNING,
        PlanStatus.WAIT_FOR_APPROVAL,
        PlanStatus.FINISH_CHECK,
        PlanStatus.FINISH_CHECK_FAILED,
    }
)
"""The statuses in which cards say what will run, and not how far it has come."""
_DESCRIPTION_LIMIT = 1500
"""The longest description or text of an item on a card, in characters."""
_DETAIL_LIMIT = 300
"""The longest detail of a row, in characters."""


def choose_tone(plan: Plan) -> Tone:
    """Return the tone of a plan's card, which follows from the plan's status."""
    if plan.status in WAITING_CHECK.values():
        return Tone.WAITING
    if plan.status in FAILED_CHECK.values():
        return Tone.BAD
    return _TONES.get(plan.status, Tone.NEUTRAL)


def shorten(text: str, limit: int) -> str:
    """Return the text; cut and with an ellipsis when it has more characters than the limit."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class PlanCards:
    """Makes the cards of plans for one reader or one channel, in the language and time zone of `locale`."""

    locale: Locale
    directory: Directory
    public_url: str

    def plan(self, plan: Plan, pages: Pages | None = None) -> Card:
        """Return the full card: status, content, approval, and items with their buttons.

        With `pages`, the items are those of one page.
        """
        contents = self._contents(plan)
        items = self._items(plan, contents, pages=pages)
        sections = (*paging_sections(pages, self.locale), self._content(plan), self._approval(plan), items)
        buttons = (*self._plan_buttons(plan), *paging_buttons(pages, self.locale))
        return self._card(plan, sections, buttons, contents)

    def approval(self, plan: Plan) -> Card:
        """Return the card for an approver: content, items, votes, and buttons to approve and reject."""
        contents = self._contents(plan)
        sections = (self._content(plan), self._items(plan, contents, buttons=False), self._approval(plan))
        card = self._card(plan, sections, self._buttons(plan, Verb.APPROVE, Verb.REJECT), contents)
        return replace(card, summary=self._ask(plan, card))

    def notice(self, plan: Plan, item_id: str = "") -> Card:
        """Return the card that notifies of the plan's status, or of the failed run of an item."""
        text, title = self.locale.text, f"#{plan.number} {plan.name}"
        if item := plan.items.get(item_id):
            news = text("“{item}”: {status}", item=item.name, status=item.run.status if item.run else item.status)
            card = self._card(plan, (Section(rows=(self._row(plan, item),)),), ())
            return replace(card, summary=f"{title}: {news}")
        show = Button(ChatVerb.SHOW, text("Show"), plan.ref)
        steps = (Verb.REPLAN,) if plan.reverted_stages else _NEXT_STEPS.get(plan.status, ())
        card = self._card(plan, (self._approval(plan),), self._buttons(plan, *steps) or (show,))
        passed = text("The external check passed: {event}", event=plan.passed_check) if plan.passed_check else ""
        note = " ".join(part for part in (passed, card.note) if part)
        return replace(card, note=note, summary=f"{card.summary}. {note}" if note else card.summary)

    def replaced(self, plan: Plan, revision: int) -> Card:
        """Return what is left of a card that asked for something of an older revision: which one replaces it."""
        text = self.locale.text
        title, note = f"#{plan.number} {plan.name}", text("Replaced by revision {revision}.", revision=plan.revision)
        return Card(
            title,
            f"{title}: {note}",
            tag=text("replaced"),
            facts=(Fact(text("Revision"), str(revision)),),
            note=note,
            more=Button("open", text("Open"), url=f"{self.public_url}/plans/{plan.number}"),
        )

    def form(self, plan: Plan, verb: str, ref: str) -> Form | None:
        """Return the form that a button of the plan's card opens; None when the button has no field or does not exist.

        `verb` and `ref` are those of the button.
        """
        buttons = {plan.ref: (plan.name, self._plan_buttons(plan))} | {
            plan.item_ref(item.id): (item.name, self.item_buttons(plan, item)) for item in plan.items.values()
        }
        name, offered = buttons.get(ref, ("", ()))
        for button in offered:
            if button.verb == verb and button.field:
                return Form(verb, ref, f"{button.label}: {name}", button.label, (button.field,))
        return None

    def _contents(self, plan: Plan) -> Contents | None:
        """Return what the plan does, for those who decide on it: until it is executed, and where specs are loaded."""
        if plan.status not in _UNDECIDED or all(item.spec is None for item in plan.items.values()):
            return None
        return Contents.of(plan, self.locale)

    def _ask(self, plan: Plan, card: Card) -> str:
        """Return the line that notifies an approver: who asks for what, and the worst risk."""
        if plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
            return card.summary
        text, title = self.locale.text, f"#{plan.number} {plan.name}"
        ask = text("{manager} asks for your approval: {plan}", manager=self.directory.name(plan.manager), plan=title)
        return text("{ask}; risk: {risk}", ask=ask, risk=card.notices[0]) if card.notices else ask

    def _card(
        self,
        plan: Plan,
        sections: Iterable[Section | None],
        buttons: tuple[Button, ...],
        contents: Contents | None = None,
    ) -> Card:
        text = self.locale.text
        status = text("deleted") if plan.deleted else text(label(plan.status))
        return Card(
            title=f"#{plan.number} {plan.name}",
            summary=f"#{plan.number} {plan.name}: {status}",
            tone=choose_tone(plan),
            tag=status,
            notices=contents.notices() if contents else (),
            facts=(*self._touches(contents), *self._facts(plan)),
            sections=tuple(section for section in sections if section),
            buttons=buttons,
            note=self._note(plan),
            more=Button("open", text("Open"), url=f"{self.public_url}/plans/{plan.number}"),
        )

    def _touches(self, contents: Contents | None) -> tuple[Fact, ...]:
        touches = contents.touches() if contents else ""
        return (Fact(self.locale.text("Touches"), touches),) if touches else ()

    def _facts(self, plan: Plan) -> Iterable[Fact]:
        text, time = self.locale.text, self.locale.time
        yield Fact(text("Manager"), self.directory.name(plan.manager))
        if others := [self.directory.name(person) for person in plan.editors if person != plan.manager]:
            yield Fact(text("Edited by"), ", ".join(others))
        yield Fact(text("Revision"), str(plan.revision))
        if executors := self._executors(plan.controls):
            yield Fact(text("Executors"), executors)
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

    def _executors(self, controls: Controls | None) -> str:
        """Return who alone may execute by the policies; empty if they leave it to the plan."""
        if controls is None:
            return ""
        lists = [", ".join(map(self.directory.name, names)) for names in controls.executors]
        rule = (self.locale.text("not who approved"),) if controls.separate_executor else ()
        return "; ".join((*lists, *rule))

    def _note(self, plan: Plan) -> str:
        """Return what the plan waits for or why it ended, and what can be done about it; empty when neither applies."""
        return " ".join(part for part in (self._revoked(plan), self._state(plan)) if part)

    def _revoked(self, plan: Plan) -> str:
        """Return that an approval was revoked when it was too late to request it again; empty when none was."""
        text = self.locale.text
        notes = [
            text("The approval of stage {stage} was revoked in {platform}.", stage=stage.name, platform=stage.channel)
            for stage in plan.reverted_stages
        ]
        if notes and plan.status is PlanStatus.EXECUTING and not plan.gate:
            notes.append(
                text("The schedule starts nothing more; what runs goes on. Replan, or execute what is left by hand.")
            )
        return " ".join(notes)

    def _state(self, plan: Plan) -> str:
        text, check = self.locale.text, plan.check
        if plan.deleted:
            return text("This plan was deleted.")
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
            reason = plan.reason or text(label(plan.status))
            return text(
                "No: {reason}. The system that asked is told so; it asks anew when its plan changes.", reason=reason
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
        return Section(text=shorten(description, _DESCRIPTION_LIMIT)) if description else None

    def _approval(self, plan: Plan) -> Section | None:
        stages = plan.approval.stages
        if not stages:
            return None
        rows = [row for index in range(len(stages)) for row in self._stage_rows(plan, index)]
        return Section(self.locale.text("Approval"), rows=tuple(rows))

    def _stage_rows(self, plan: Plan, index: int) -> Iterable[Row]:
        """Yield the row of a stage, then one for each vote in it."""
        text, name = self.locale.text, self.directory.name
        stage = plan.approval.stages[index]
        votes = plan.votes_of(index)
        passed = plan.approval.current > index and plan.status is not PlanStatus.PLANNING
        current = plan.approval.current == index and plan.status is PlanStatus.WAIT_FOR_APPROVAL
        rules = {"all": text("all must approve"), "any": text("one must approve")}
        rule = rules.get(str(stage.rule)) or text("{count} must approve", count=stage.rule)
        who = ", ".join(name(approver) for approver in stage.approvers)
        revoked = stage in plan.reverted_stages
        mark = "↩️" if revoked else "✅" if passed else "⏳" if current else "▫️"
        parts = (who, rule, self._because(stage), text("revoked") if revoked else "")
        yield Row(stage.name, mark, " · ".join(part for part in parts if part))
        for vote in votes:
            voter = name(vote.person)
            if vote.delegate:
                voter = text("{delegate} for {person}", delegate=name(vote.delegate), person=voter)
            decision, comment = text(label(vote.decision)), shorten(vote.comment, _DETAIL_LIMIT)
            detail = text("{decision}: {comment}", decision=decision, comment=comment) if comment else decision
            yield Row(voter, "👍" if vote.decision is Decision.APPROVE else "👎", detail)

    def _because(self, stage: Stage) -> str:
        """Return why a policy added a stage; empty for a stage of the author."""
        if stage.reason:
            return self.locale.text("because: {reason}", reason=stage.reason)
        return self.locale.text("by the policy {policy}", policy=stage.policy) if stage.policy else ""

    def _items(
        self, plan: Plan, contents: Contents | None, *, buttons: bool = True, pages: Pages | None = None
    ) -> Section | None:
        items = plan.items_in_order
        shown = pages.part(items) if pages else items
        rows = tuple(self._row(plan, item, contents, buttons=buttons) for item in shown)
        return Section(self.locale.text("Release items"), rows=rows) if rows else None

    def _row(self, plan: Plan, item: Item, contents: Contents | None = None, *, buttons: bool = True) -> Row:
        mark = "⚠️" if item.run and item.run.status is RunStatus.UNKNOWN else _MARKS[item.status]
        url = item.run.url if item.run else ""
        offered = self.item_buttons(plan, item) if buttons else ()
        title, detail = f"{item.position}. {item.name}", self._detail(plan, item, contents)
        if contents is None:
            return Row(title, mark, detail, url, offered)
        return Row(title, mark, detail, url, offered, contents.lines(item), contents.is_risky(item))

    def _detail(self, plan: Plan, item: Item, contents: Contents | None) -> str:
        """Return the text of an item's row: status, workflow, people, blockers, the runner's message and the remark.

        What `contents` say of the workflow is not repeated.
        """
        text, name, run = self.locale.text, self.directory.name, item.run
        shows_run = item.status in (ItemStatus.RUNNING, ItemStatus.FAILED)
        parts = [text(label(run.status if run and shows_run else item.status))]
        if item.type == "workflow":
            attempt = f" #{run.attempt}" if run and run.attempt > 1 else ""
            parts.append(f"{reveal_invisible(item.workflow)} ({item.runner}){attempt}")
            parts += [] if contents else _describe_workflow(item.spec)
        if item.assignee:
            parts.append(f"@{name(item.assignee)}")
        if item.complete and item.executed_by:
            parts.append(
                text("by {person}", person=name(item.executed_by) if item.executed_by != "system" else text("schedule"))
            )
        blockers = plan.blockers(item)
        if blockers and item.status is ItemStatus.TODO:
            parts.append(text("after: {items}", items=", ".join(other.name for other in blockers)))
        if run and run.message and not item.complete:
            parts.append(self.locale.message(run.message))
        if item.remark:
            parts.append(f"“{item.remark}”")
        return shorten(" · ".join(part for part in parts if part), _DETAIL_LIMIT)

    def _plan_buttons(self, plan: Plan) -> tuple[Button, ...]:
        waiting = plan.status is PlanStatus.WAIT_FOR_APPROVAL
        return self._buttons(plan, *(_VERBS_WHILE_WAITING if waiting else _VERBS_OTHERWISE))

    def _buttons(self, plan: Plan, *verbs: Verb) -> tuple[Button, ...]:
        """Return the buttons of the verbs that the plan accepts now. The plan of a gate is replanned in its system."""
        accepted = [verb for verb in verbs if plan.status in VERBS[verb].statuses and not plan.deleted]
        return tuple(self._button(verb, plan.ref) for verb in accepted if not (plan.gate and verb is Verb.REPLAN))

    def item_buttons(self, plan: Plan, item: Item) -> tuple[Button, ...]:
        """Return the buttons of an item in its present state. Works with a plan that is loaded without its items."""
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
        """Return the button of a verb, labelled with `name` or else with the verb's label.

        If `asks`, the button has the field of the verb's argument, when the verb has one.
        """
        text, words, argument = self.locale.text, WORDS[verb], VERBS[verb].argument
        field = None
        if asks and words.question and argument:
            field = Field(text(words.question), hint=text(words.hint), required=argument.required, multiline=True)
        return Button(verb, name or text(label(verb)), ref, words.style, field, text(words.confirm))


def _describe_workflow(spec: Mapping[str, Any] | None) -> list[str]:
    """Return the parameters of a workflow that have a value, without credentials, and the names of its jobs."""
    if not spec:
        return []
    workflow = Workflow.model_validate(spec)
    params = [f"{p.name}={p.value}" for p in workflow.params if p.value and not p.is_credential]
    jobs = [job.name for stage in workflow.stages for job in stage.jobs]
    return [reveal_invisible(part) for part in (", ".join(params), " → ".join(jobs)) if part]
