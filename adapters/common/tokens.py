"""An access token, fetched once for all who wait for it, and renewed before it expires.

The vendors' SDKs keep no token, or one that is global, is fetched with blocking calls on the running loop, and is never
forgotten when it is refused; therefore the clients hand every call a token from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from core.ports.clock import Clock

Fetch = Callable[[], Awaitable[tuple[str, timedelta]]]
"""Requests a token; returns it with its life."""


class Token:
    """Keeps one token fresh.

    It is renewed `early` before it expires, or when three quarters of its life are over if that is later.
    """

    def __init__(self, fetch: Fetch, early: timedelta, clock: Clock) -> None:
        self._fetch, self._early, self._clock = fetch, early, clock
        self._lock = asyncio.Lock()
        self._value = ""
        self._renew_at: datetime | None = None

    async def get(self) -> str:
        """Return a token that is good for a while. Raises what `fetch` raises."""
        async with self._lock:
            if self._renew_at is None or self._clock.now() >= self._renew_at:
                self._value, life = await self._fetch()
                self._renew_at = self._clock.now() + life - min(self._early, life / 4)
            return self._value

    def forget(self, token: str) -> None:
        """Forget a token that was refused; one that has replaced it in the meantime is kept."""
        if token == self._value:
            self._renew_at = None
