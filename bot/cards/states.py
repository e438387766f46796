"""The states of plans and items on cards: tone, mark and word; and how much a reader needs an item's row."""

from __future__ import annotations

from collections.abc import Mapping

from bot.i18n import Locale
from bot.i18n.labels import N_, label
from core.card import State, Tone, Weight
from core.plan import Item, Plan
from core.status import FAILED_CHECK, WAITING_CHECK, ItemStatus, PlanStatus, RunStatus

MARKS: Mapping[Tone, str] = {
    Tone.NEUTRAL: "⚪",
    Tone.WAITING: "🟡",
    Tone.ACTIVE: "🔵",
    Tone.GOOD: "✅",
    Tone.BAD: "❌",
}
"""The marks of the states of plans, by tone."""
_TONES = {
    PlanStatus.WAIT_FOR_APPROVAL: Tone.WAITING,
    PlanStatus.EXECUTING: Tone.ACTIVE,
    PlanStatus.SUCCESS: Tone.GOOD,
    PlanStatus.DENIED: Tone.BAD,
    PlanStatus.TIMEOUT: Tone.BAD,
}
"""The tones of statuses that do not belong to an external check; other plans are neutral."""
_ITEM_STATES = {
    Weight.PERSON: State(Tone.WAITING, "✋", N_("waits for a person")),
    Weight.READY: State(Tone.ACTIVE, "▶️", N_("ready")),
    Weight.RUNNING: State(Tone.ACTIVE, "⏳", N_("running")),
    Weight.LATER: State(Tone.NEUTRAL, "▫️", N_("later")),
}
"""The states of items that wait or run, with English words."""


def choose_tone(plan: Plan) -> Tone:
    """Return the tone of a plan's card, which follows from the plan's status."""
    if plan.status in WAITING_CHECK.values():
        return Tone.WAITING
    if plan.status in FAILED_CHECK.values():
        return Tone.BAD
    return _TONES.get(plan.status, Tone.NEUTRAL)


def state_of(plan: Plan, locale: Locale) -> State:
    """Return the state of a plan; while it is executed, the word says how far it has come."""
    tone, tally = choose_tone(plan), plan.tally
    if plan.deleted:
        return State(Tone.NEUTRAL, MARKS[Tone.NEUTRAL], locale.text("deleted"))
    if plan.status is PlanStatus.EXECUTING and tally.total:
        complete = tally.done + tally.skipped
        word = locale.text("executing, {complete} of {total} done", complete=complete, total=tally.total)
        return State(tone, MARKS[tone], word)
    return State(tone, MARKS[tone], locale.text(label(plan.status)))


def weigh_item(plan: Plan, item: Item) -> Weight:
    """Return how much the readers of a plan's card need an item's row."""
    if item.complete:
        return Weight.DONE
    if item.status is ItemStatus.FAILED:
        return Weight.BAD
    if item.status is ItemStatus.RUNNING:
        return Weight.PERSON if item.waits else Weight.RUNNING
    if plan.deleted or plan.status is not PlanStatus.EXECUTING or not plan.window_open or plan.blockers(item):
        return Weight.LATER
    return Weight.PERSON if item.type == "text" else Weight.READY


def state_of_item(item: Item, weight: Weight, locale: Locale) -> State:
    """Return the state of an item by what `weigh_item` says of it."""
    text, run = locale.text, item.run
    if weight is Weight.BAD:
        mark = "⚠️" if run and run.status is RunStatus.UNKNOWN else "❌"
        return State(Tone.BAD, mark, text(label(run.status if run else item.status)))
    if weight is Weight.DONE:
        return State(Tone.GOOD, "✅" if item.status is ItemStatus.DONE else "⏭️", text(label(item.status)))
    state = _ITEM_STATES[weight]
    word = label(run.status) if run and weight is Weight.RUNNING else state.word
    return State(state.tone, state.mark, text(word))
