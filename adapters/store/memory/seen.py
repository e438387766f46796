"""What people were shown, in memory (`core.ports.seen`)."""

from __future__ import annotations

from datetime import datetime

from adapters.store.memory.state import State


class MemorySeenWrites:
    """Implements `SeenWrites`."""

    def __init__(self, state: State) -> None:
        self._seen = state.seen

    def put(self, plan_id: str, person: str, revision: int, at: datetime) -> None:
        """See `SeenWrites.put`."""
        self._seen.setdefault((plan_id, person, revision), at)


class MemorySeenReads:
    """Implements `SeenReads`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def revisions(self, plan_id: str, person: str) -> tuple[int, ...]:
        """See `SeenReads.revisions`."""
        return tuple(sorted(seen[2] for seen in self._state.seen if seen[:2] == (plan_id, person)))
