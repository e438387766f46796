"""Timers inside a transaction in memory (`core.ports.timers.Timers`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from adapters.store.memory.state import State, Timer
from core.ports.timers import DueTimer


class MemoryTimers:
    """Implements `Timers`."""

    def __init__(self, state: State) -> None:
        self._timers = state.timers

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[DueTimer]:
        """See `Timers.claim`."""
        due = sorted((timer.claim_at, *key) for key, timer in self._timers.items() if timer.claim_at <= now)
        taken = [(plan_id, kind) for _, plan_id, kind in due[:limit]]
        for key in taken:
            self._timers[key] = Timer(self._timers[key].due_at, now + lease)
        return [DueTimer(plan_id, kind, self._timers[plan_id, kind].due_at) for plan_id, kind in taken]

    def shorten_leases(self, now: datetime, lease: timedelta) -> int:
        """See `Timers.shorten_leases`."""
        claimed = {key: timer for key, timer in self._timers.items() if timer.claim_at != timer.due_at}
        overlong = {key: timer for key, timer in claimed.items() if timer.claim_at > now + 2 * lease}
        for key, timer in overlong.items():
            self._timers[key] = Timer(timer.due_at, max(timer.due_at, now + lease))
        return len(overlong)

    def drop(self, timers: Sequence[DueTimer]) -> None:
        """See `Timers.drop`."""
        for due in timers:
            key = due.plan_id, due.kind
            if key in self._timers and self._timers[key].due_at == due.due_at:
                del self._timers[key]
