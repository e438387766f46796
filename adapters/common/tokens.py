"""An access token of a vendor: fetched once for all concurrent calls, and renewed before it expires.

The clients pass a token from here to every call of a vendor's SDK. Some SDKs cache no token. Others cache it globally,
fetch it with blocking calls on the event loop, and keep it after the vendor has rejected it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from core.ports.clock import Clock

Fetch = Callable[[], Awaitable[tuple[str, timedelta]]]
"""Requests a token; returns it with its lifetime."""


class Token:
    """Caches one token.

    The token is renewed `early` before it expires, or after three quarters of its lifetime if that is later.
    """

    def __init__(self, fetch: Fetch, early: timedelta, clock: Clock) -> None:
        self._fetch, self._early, self._clock = fetch, early, clock
        self._lock = asyncio.Lock()
        self._value = ""
        self._good: tuple[datetime, datetime] | None = None
        """From when to when the token is used."""

    async def get(self) -> str:
        """Return a token that does not expire soon. Raises what `fetch` raises."""
        async with self._lock:
            if not self._is_good(self._clock.now()):
                self._value, lifetime = await self._fetch()
                now = self._clock.now()
                self._good = (now, now + lifetime - min(self._early, lifetime / 4))
            return self._value

    def forget(self, token: str) -> None:
        """Drop a token that the vendor has rejected; keep it if it was renewed in the meantime."""
        if token == self._value:
            self._good = None

    def _is_good(self, now: datetime) -> bool:
        """Return whether the token is known and does not expire soon; not if the clock was set back since."""
        return self._good is not None and self._good[0] <= now < self._good[1]
