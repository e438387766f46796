"""Watches the clock of the machine: somebody, or NTP, may set it while the server runs.

Waits are counted by the monotonic clock, which nobody can set; moments, such as the start of a release window, are
compared with the clock of the machine. When that jumps, what is due by the new time has to be looked up at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

log = logging.getLogger(__name__)

LOOK = 0.5
"""Seconds between two comparisons of the clocks."""
JUMP = 2.0
"""Seconds by which the clock has to be off between two comparisons: NTP slews it by far less."""
_HELD_UP = 0.1
"""Seconds that may pass between the readings of one comparison: after more, it says nothing."""


class ClockWatch:
    """Compares the clock of the machine with the monotonic clock, and calls its listeners when it was set."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._last = (wall(), monotonic())
        self._listeners: list[Callable[[float], None]] = []
        self._task: asyncio.Task[None] | None = None

    def listen(self, notify: Callable[[float], None]) -> None:
        """Call a function with the size of each jump, in seconds; below zero when the clock was set back."""
        self._listeners.append(notify)

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._run(), name="clock watch")

    async def stop(self) -> None:
        """Watch no more."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def look(self) -> None:
        """Compare the clocks; log a jump, and tell the listeners of it."""
        before, wall, after = self._monotonic(), self._wall(), self._monotonic()
        if after - before > _HELD_UP:  # such as when the process was stopped in between
            return
        jump = (wall - self._last[0]) - (after - self._last[1])
        self._last = (wall, after)
        if abs(jump) <= JUMP:
            return
        size = timedelta(seconds=round(abs(jump)))
        if jump < 0:
            log.warning("the clock was set back by %s: waits go on, and what is due by the new time is done now", size)
        else:
            log.warning("the clock was set forward by %s, or the machine slept: what became due is done now", size)
        for notify in self._listeners:
            notify(jump)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            self.look()
