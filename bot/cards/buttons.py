"""The buttons of plans and items: those of the verbs that they accept in their present state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.i18n import Locale
from bot.i18n.labels import label
from bot.verbs import WORDS
from core.card import Button, Card, Field, Row, Style
from core.commands import Verb
from core.plan import Item, Plan
from core.status import FAILED_CHECK, ItemStatus, PlanStatus
from core.verbs import VERBS

_WHILE_WAITING = (Verb.APPROVE, Verb.REJECT, Verb.REPLAN)
"""The verbs with a button on the card of a plan that waits for approval, if the plan accepts them."""
_OTHERWISE = (Verb.SUBMIT, Verb.RECHECK, Verb.REPLAN, Verb.CANCEL)
"""The verbs with a button on the card of any other plan, if the plan accepts them."""
_NEXT_STEPS: Mapping[PlanStatus, tuple[Verb, ...]] = {
    PlanStatus.FINISH_PLANNING: (Verb.SUBMIT,),
    PlanStatus.DENIED: (Verb.REPLAN,),
    PlanStatus.TIMEOUT: (Verb.REPLAN,),
    **dict.fromkeys(FAILED_CHECK.values(), (Verb.RECHECK, Verb.REPLAN)),
}
"""The verbs with a button on a notice to the manager of a plan; in other statuses the plan card has the next steps."""


@dataclass(frozen=True, slots=True)
class Buttons:
    """Makes buttons in a reader's language."""

    locale: Locale

    def of_plan(self, plan: Plan) -> tuple[Button, ...]:
        """Return the buttons of the plan's card."""
        waiting = plan.status is PlanStatus.WAIT_FOR_APPROVAL
        return self.of_verbs(plan, *(_WHILE_WAITING if waiting else _OTHERWISE))

    def of_notice(self, plan: Plan) -> tuple[Button, ...]:
        """Return the buttons with which the manager goes on; none where there is nothing to decide."""
        return self.of_verbs(plan, *((Verb.REPLAN,) if plan.reverted_stages else _NEXT_STEPS.get(plan.status, ())))

    def of_verbs(self, plan: Plan, *verbs: Verb) -> tuple[Button, ...]:
        """Return the buttons of the verbs that the plan accepts now. The plan of a gate is replanned in its system."""
        accepted = [verb for verb in verbs if plan.status in VERBS[verb].statuses and not plan.deleted]
        return tuple(self._button(verb, plan.ref) for verb in accepted if not (plan.gate and verb is Verb.REPLAN))

    def of_item(self, plan: Plan, item: Item) -> tuple[Button, ...]:
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


def link_to(name: str, public_url: str, plan: Plan | None = None) -> Button:
    """Return the button that opens the page of a plan, or the start page."""
    return Button("open", name, url=page_of(public_url, plan.number if plan else ""))


def page_of(public_url: str, number: object = "") -> str:
    """Return the URL of the page of the plan with a number, or of the start page."""
    return f"{public_url}/plans/{number}" if number else f"{public_url}/"


def emphasize_one(card: Card) -> Card:
    """Return the card with one primary button at most: the first of the card itself, or else of its rows."""
    found = False

    def soften(button: Button) -> Button:
        nonlocal found
        if button.style is not Style.PRIMARY:
            return button
        kept, found = not found, True
        return button if kept else replace(button, style=Style.DEFAULT)

    def soften_row(row: Row) -> Row:
        return replace(row, buttons=tuple(map(soften, row.buttons)))

    buttons = tuple(map(soften, card.buttons))
    return replace(card.with_rows(soften_row), buttons=buttons)
