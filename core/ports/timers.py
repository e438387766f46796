"""The port of timers, a part of the store: when something has to happen to a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.timers import TimerKind


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer that is due."""

    plan_id: str
    kind: TimerKind
    due_at: datetime


class Timers(Protocol):
    """Timers inside a transaction."""

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[DueTimer]:
        """Claim due timers; one that still exists after the lease can be claimed again."""
        ...

    def shorten_leases(self, now: datetime, lease: timedelta) -> int:
        """End leases after `lease` that end later than twice that, and return how many (see `Outbox.shorten_leases`).

        A timer whose moment is later is claimed at that moment.
        """
        ...

    def drop(self, timers: Sequence[DueTimer]) -> None:
        """Delete stale timers, unless they have been set to another time since."""
        ...
