"""What is posted below a card: the log entries that its thread has still to have, and whom they concern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from core.audit import LogEntry
from core.events import (
    EVENTS,
    ApprovalExpired,
    Cancelled,
    ContentMismatch,
    Denied,
    RunEnded,
    Succeeded,
    TimedOut,
)
from core.plan import Plan
from core.ports.cards import CardRecord
from core.status import RunStatus

_ENDS: Final = frozenset({Succeeded.name, TimedOut.name, Cancelled.name})
"""The events that end a plan: everybody in the channel has to know."""
_SETBACKS: Final = frozenset({Denied.name, ApprovalExpired.name, ContentMismatch.name})
"""The events that stop a plan until somebody acts, beside the runs that fail."""
_BAD_RUNS: Final = frozenset({RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.UNKNOWN})


def list_new(record: CardRecord, entries: Sequence[LogEntry]) -> list[LogEntry]:
    """Return the log entries that are newer than what is below a card."""
    return [entry for entry in entries if entry.seq > record.log_seq]


def list_thread(record: CardRecord, entries: Sequence[LogEntry], *, threads: bool) -> list[LogEntry]:
    """Return the log entries that have still to be posted below a card.

    All entries of a thread go below the plan card; where the chat has no `threads`, those that everybody has to know:
    each is a message there. Below a notice goes the failure of its run: the person has to act again.
    """
    new = list_new(record, entries)
    if record.purpose == "plan":
        return [entry for entry in new if EVENTS[entry.event].in_thread and (threads or is_important(entry))]
    ended = (entry for entry in new if entry.event == RunEnded.name)
    return [entry for entry in ended if entry.details.get("item_id") == record.item_id][-1:]


def is_important(entry: LogEntry) -> bool:
    """Return whether everybody has to know an entry: a setback, or the end of the plan."""
    return entry.event in _ENDS | _SETBACKS or _is_failure(entry)


def ends_plan(entries: Sequence[LogEntry]) -> bool:
    """Return whether one of the entries ends a plan."""
    return any(entry.event in _ENDS for entry in entries)


def list_mentioned(entries: Sequence[LogEntry], plan: Plan) -> Iterator[str]:
    """Yield the people who have to act on the entries: of a run that failed, the assignee and the manager."""
    failed = [plan.items.get(entry.details.get("item_id", "")) for entry in entries if _is_failure(entry)]
    people = (person for item in failed if item and not item.complete for person in (item.assignee, plan.manager))
    yield from dict.fromkeys(filter(None, people))


def _is_failure(entry: LogEntry) -> bool:
    return entry.event == RunEnded.name and entry.details.get("status") in _BAD_RUNS
