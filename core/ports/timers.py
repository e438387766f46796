"""The port of timers, a part of the store: moments at which something has to happen to a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.timers import TimerKind


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer whose moment has come."""

    plan_id: str
    kind: TimerKind
    due_at: datetime


class Timers(Protocol):
    """Timers inside a transaction."""

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[DueTimer]:
        """Take due timers; one that is still there after the lease comes again."""
        ...

    def drop(self, timers: Sequence[DueTimer]) -> None:
        """Remove timers that turned out stale, unless they were set anew."""
        ...
