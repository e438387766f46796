"""The operation log in memory (`core.ports.log.LogReads`)."""

from __future__ import annotations

from collections.abc import Collection

from adapters.store.memory.state import State
from core.audit import Head, LogEntry


class MemoryLogReads:
    """Implements `LogReads`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def of_plan(self, plan_id: str, after: int = 0, limit: int = 500) -> list[LogEntry]:
        """See `LogReads.of_plan`."""
        return [e for e in self._state.log.values() if e.plan_id == plan_id and e.seq > after][:limit]

    def since(self, entry_id: int, limit: int = 500) -> list[LogEntry]:
        """See `LogReads.since`."""
        return [entry for entry in self._state.log.values() if entry.id > entry_id][:limit]

    def latest(self, plan_id: str, events: Collection[str]) -> LogEntry | None:
        """See `LogReads.latest`."""
        found = [entry for entry in self._state.log.values() if entry.plan_id == plan_id and entry.event in events]
        return max(found, key=lambda entry: entry.seq, default=None)

    def head(self) -> Head:
        """See `LogReads.head`."""
        return self._state.head

    def newest(self) -> int:
        """See `LogReads.newest`."""
        return max(self._state.log, default=0)
