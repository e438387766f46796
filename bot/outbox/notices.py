"""Notices: the cards that notify people of what others have done, with the next step as a button.

The manager of a plan is notified of its progress, and of failed runs; of the latter also the assignee of the item.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bot.outbox.reminders import is_reminder
from core.plan import Item, Plan
from core.status import FAILED_CHECK, ItemStatus, PlanStatus, RunStatus

RUN_NOTICE: Final = "notice:run"
"""The purpose of the card about a run of an item that failed, or whose end is unknown."""
ITEM_CARD: Final = "item"
"""The purpose of the card of a single item for its assignee. Such cards are kept up to date until their plan ends, but
posted no more: digests have taken their place."""
_STATUS_NOTICE: Final = "notice:status:"
"""What the purpose of a card about a status of the plan begins with; the status follows, and, while the plan waits for
another stage, the number of those that are complete."""
_BAD_ENDS = frozenset({PlanStatus.DENIED, PlanStatus.TIMEOUT, *FAILED_CHECK.values()})


def is_notice(purpose: str) -> bool:
    """Return whether a card with a purpose is a notice: it shows news, and changes only when that does."""
    return purpose == RUN_NOTICE or purpose.startswith(_STATUS_NOTICE) or is_reminder(purpose)


def list_notices(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield the notices that a plan needs now.

    Each is the purpose of the card, the person whom it is for, and the id of an item, if it is about one.
    """
    if _has_news(plan):
        yield f"{_STATUS_NOTICE}{plan.status}", plan.manager, ""
    if plan.status is PlanStatus.WAIT_FOR_APPROVAL and plan.approval.current:
        yield f"{_STATUS_NOTICE}{plan.status}:{plan.approval.current}", plan.manager, ""
    for item in plan.items.values():
        if _has_failed(item):
            assignee = item.assignee if plan.status is PlanStatus.EXECUTING else ""
            yield from ((RUN_NOTICE, person, item.id) for person in sorted({plan.manager, assignee} - {""}))


def _has_news(plan: Plan) -> bool:
    """Return whether the status of a plan is news for its manager."""
    if plan.status in _BAD_ENDS or plan.passed_check:
        return True
    if plan.status in (PlanStatus.SUCCESS, PlanStatus.CANCEL):
        return plan.updated_by != plan.manager
    return plan.status is PlanStatus.EXECUTING and bool(plan.approval.stages)


def _has_failed(item: Item) -> bool:
    unknown = item.run is not None and item.run.status is RunStatus.UNKNOWN
    return item.status is ItemStatus.FAILED or (unknown and item.status is ItemStatus.RUNNING)
