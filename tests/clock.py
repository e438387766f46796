"""Clocks that tests move by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.simulators.base import Simulator


class ManualClock:
    """A clock that stands still until it is told to move: for tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the moment the clock was last set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        self._now += by


@dataclass(frozen=True)
class SharedClock:
    """Lets Fabu go by the clock of a simulator, which a test moves."""

    simulator: Simulator

    def now(self) -> datetime:
        """Return the present time."""
        return datetime.fromtimestamp(self.simulator.clock.now(), UTC)

    def in_(self, **duration: float) -> str:
        """Return a time from now on, as the API takes it."""
        return (self.now() + timedelta(**duration)).isoformat()
