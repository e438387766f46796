"""Shortens leases and waits that were counted by a clock that was ahead: nothing waits for it to get there again."""

from __future__ import annotations

import logging

from bot.outbox.worker import LEASE
from bot.scheduler import TIMER_LEASE
from core.ports.clock import Clock
from core.ports.store import Store, Writing

log = logging.getLogger(__name__)


class Leases:
    """The leases of effects and timers in the store, whoever has claimed them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._is_set_back = False

    def note_jump(self, seconds: float) -> None:
        """Take note that the clock was set, so that the next check ends the waits that became too long."""
        self._is_set_back = self._is_set_back or seconds < 0

    async def check(self) -> None:
        """End leases that last longer than any, and after a clock was set back the waits for attempts.

        Raises Unavailable when the database cannot be written; then the next check does it.
        """
        now, is_set_back = self._clock.now(), self._is_set_back

        def shorten(writing: Writing) -> tuple[int, int]:
            shortened = writing.outbox.shorten_leases(now, LEASE) + writing.timers.shorten_leases(now, TIMER_LEASE)
            return shortened, writing.outbox.hasten(now) if is_set_back else 0

        shortened, hastened = await self._store.write(shorten)
        if is_set_back:
            self._is_set_back = False
        if shortened or hastened:
            log.info("the clock was ahead: %s leases are shortened, %s attempts are made now", shortened, hastened)
