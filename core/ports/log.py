"""The port of the operation log, a part of the store. `PlanWrites.save` adds to the log."""

from __future__ import annotations

from typing import Protocol

from core.audit import LogEntry


class LogReads(Protocol):
    """The operation log inside a snapshot."""

    def of_plan(self, plan_id: str, after: int = 0, limit: int = 500) -> list[LogEntry]:
        """Return a plan's log entries that follow a sequence number, in order."""
        ...

    def since(self, entry_id: int, limit: int = 500) -> list[LogEntry]:
        """Return log entries of all plans that follow an entry's id, in order."""
        ...

    def newest(self) -> int:
        """Return the id of the newest log entry of all plans; 0 when there is none."""
        ...
