"""Clocks that tests advance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.simulators.base import Simulator


class ManualClock:
    """A clock that stands still until a test advances it."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time of the clock."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        self._now += by


@dataclass(frozen=True)
class SharedClock:
    """The clock of a simulator as the clock of Fabu, so that a test advances both."""

    simulator: Simulator

    def now(self) -> datetime:
        """Return the present time."""
        return datetime.fromtimestamp(self.simulator.clock.now(), UTC)

    def in_(self, **duration: float) -> str:
        """Return the time after a duration, in the format of the API."""
        return (self.now() + timedelta(**duration)).isoformat()
