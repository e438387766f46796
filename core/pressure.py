"""Whether requests pile up: work that is not urgent then waits."""

from __future__ import annotations

import asyncio
from contextlib import suppress

BURST = 4
"""From this many requests in one commit on, requests pile up."""
QUIET = 0.2
"""How many seconds after the last such commit the pressure is over."""


class Pressure:
    """Detects that requests arrive faster than they are committed."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._over.set()
        self._timer: asyncio.TimerHandle | None = None

    def record_batch(self, requests: int) -> None:
        """Record how many requests share a commit."""
        if requests < BURST:
            return
        self._over.clear()
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(QUIET, self._over.set)

    async def wait_until_quiet(self, patience: float) -> bool:
        """Wait until the pressure is over, at most `patience` seconds; return whether it is over."""
        if not self._over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._over.wait()
        return self._over.is_set()
