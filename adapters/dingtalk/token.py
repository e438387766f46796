"""Access tokens of DingTalk, which the vendor's SDK leaves to its user."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from core.ports.clock import Clock

EARLY = timedelta(minutes=5)
"""How long before its end a token is replaced, so that none runs out on the way."""

Fetch = Callable[[], Awaitable[tuple[str, timedelta]]]
"""Asks DingTalk for a token; returns it with its life (7200 s at the time of writing)."""


class TokenCache:
    """Keeps one token and renews it in time; callers that wait at the same moment share one request."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at: datetime | None = None

    async def get(self) -> str:
        """Return a token that is good for a while; raise whatever the request for a new one raises."""
        async with self._lock:
            if self._renew_at is None or self._clock.now() >= self._renew_at:
                token, life = await self._fetch()
                self._token = token
                self._renew_at = self._clock.now() + max(life - EARLY, life / 2)
            return self._token

    def invalidate(self, token: str) -> None:
        """Forget a token that DingTalk refused; a newer one that came in the meantime is kept."""
        if token == self._token:
            self._renew_at = None
