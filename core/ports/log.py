"""The port of the operation log, a part of the store. `PlanWrites.save` adds to the log."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from core.audit import Head, LogEntry


class LogReads(Protocol):
    """The operation log inside a snapshot."""

    def of_plan(self, plan_id: str, after: int = 0, limit: int = 500) -> list[LogEntry]:
        """Return a plan's log entries that follow a sequence number, in order."""
        ...

    def since(self, entry_id: int, limit: int = 500) -> list[LogEntry]:
        """Return log entries of all plans that follow an entry's id, in order."""
        ...

    def latest(self, plan_id: str, events: Collection[str]) -> LogEntry | None:
        """Return the newest of a plan's entries of some events, or None."""
        ...

    def head(self) -> Head:
        """Return the newest entry of the chain over all plans. Its link is empty when the entry was removed."""
        ...

    def newest(self) -> int:
        """Return the id of the newest log entry of all plans; 0 when there is none."""
        ...
