"""The tenant access token: fetched once for all who wait for it, renewed before it runs out.

The SDK's own token cache is global, fetches with blocking HTTP on the running loop, and never learns that a token was
refused; therefore the client hands every call a token from here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

RENEWAL: Final = 600.0  # seconds before expiry; from 30 minutes before it on, Feishu issues a new token alongside

Fetch = Callable[[], Awaitable[tuple[str, float]]]


class TenantToken:
    """Keeps one token fresh; `fetch` returns a token and its remaining life in seconds."""

    def __init__(self, fetch: Fetch, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._value = ""
        self._renew_at = 0.0

    async def get(self) -> str:
        """Return a token that is good for now; raises what `fetch` raises."""
        async with self._lock:
            if not self._value or self._monotonic() >= self._renew_at:
                self._value, life = await self._fetch()
                self._renew_at = self._monotonic() + life - min(RENEWAL, life / 4)
            return self._value

    def invalidate(self, token: str) -> None:
        """Forget a token that Feishu refused; one that replaced it meanwhile stays."""
        if token == self._value:
            self._value = ""
