"""How many requests are waiting: what is not urgent gives way to decisions."""

from __future__ import annotations

import asyncio
from contextlib import suppress

BURST = 4
"""So many requests decided together mean that people wait for each other."""
QUIET = 0.2
"""Seconds with fewer requests at a time after which the pressure is over."""


class Pressure:
    """Knows whether requests come faster than they can be decided one by one."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._over.set()
        self._timer: asyncio.TimerHandle | None = None

    def record_batch(self, requests: int) -> None:
        """Take note of how many requests were decided together."""
        if requests < BURST:
            return
        self._over.clear()
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(QUIET, self._over.set)

    async def wait_until_quiet(self, patience: float) -> bool:
        """Wait until there is none, at most `patience` seconds; tell whether there is none."""
        if not self._over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._over.wait()
        return self._over.is_set()
