"""Shortens leases and waits that were counted by a clock that was ahead: nothing waits for it to get there again."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from bot.outbox.worker import LEASE
from bot.scheduler import TIMER_LEASE
from core.ports.clock import Clock
from core.ports.store import Reading, Store, Writing

log = logging.getLogger(__name__)

_AHEAD = timedelta(seconds=10)
"""How far the clocks of two servers may differ."""


class Leases:
    """The leases of effects and timers in the store, whoever has claimed them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._is_set_back = self._has_looked_back = False

    def note_jump(self, seconds: float) -> None:
        """Take note that the clock was set, so that the next check ends the waits that became too long."""
        self._is_set_back = self._is_set_back or seconds < 0

    async def check(self) -> None:
        """End leases that last longer than any, and after a clock was set back the waits for attempts.

        The first check also ends them when the clock was ahead of this one while an earlier server ran.
        Raises Unavailable when the database cannot be written; then the next check does it.
        """
        now = self._clock.now()
        if not self._has_looked_back:
            self._is_set_back |= await self._store.read(lambda reading: _was_ahead(reading, now))
            self._has_looked_back = True
        is_set_back = self._is_set_back

        def shorten(writing: Writing) -> tuple[int, int]:
            shortened = writing.outbox.shorten_leases(now, LEASE) + writing.timers.shorten_leases(now, TIMER_LEASE)
            return shortened, writing.outbox.hasten(now) if is_set_back else 0

        shortened, hastened = await self._store.write(shorten)
        if is_set_back:
            self._is_set_back = False
        if shortened or hastened:
            log.info("the clock was ahead: %s leases are shortened, %s attempts are made now", shortened, hastened)


def _was_ahead(reading: Reading, now: datetime) -> bool:
    """Return whether the newest entry of the log was written by a clock that was ahead."""
    return any(entry.at > now + _AHEAD for entry in reading.log.since(reading.log.newest() - 1, 1))
