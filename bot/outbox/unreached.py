"""Whom a chat does not reach: the people to whom it refused the card that asks for their vote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.audit import LogEntry
from core.events import CardsRefused
from core.plan import Plan
from core.ports.cards import CardRecord
from core.ports.store import Reading
from core.status import PlanStatus

_ENTRIES = 5000
"""How many entries of a log are looked at."""


def list_unreached(reading: Reading, plan: Plan, chat: str, records: Iterable[CardRecord]) -> frozenset[str]:
    """Return the people who did not get their approval card of the present stage, and to whom that was refused."""
    if plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
        return frozenset()
    asked = (plan.revision, plan.approval.current)
    waiting = {
        record.audience
        for record in records
        if record.purpose == "approval" and not record.message and (record.revision, record.stage) == asked
    }
    entries: list[LogEntry] = reading.log.of_plan(plan.id, limit=_ENTRIES) if waiting else []
    return frozenset(waiting.intersection(person for entry in entries for person in refused_to(entry, chat)))


def refused_to(entry: LogEntry, chat: str) -> Sequence[str]:
    """Return to whom a chat refused cards, as far as an entry says so."""
    is_about_chat = entry.event == CardsRefused.name and entry.details["chat"] == chat
    return entry.details["recipients"] if is_about_chat else ()
