"""One-time links that sign in to the console: requested in a chat, or sent to people whose chat has no buttons."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.people.tokens import digest_of
from core.ports.clock import Clock, Ids
from core.ports.people import Token
from core.ports.store import Store

REQUESTED_LIFE: Final = timedelta(minutes=10)
"""The life of a link that somebody has requested and waits for."""
SENT_LIFE: Final = timedelta(days=1)
"""The life of a link that is sent without a request."""


class SignInLinks:
    """Makes links that sign in the first person who uses them; `public_url` is the address of the console."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, public_url: str) -> None:
        self._store, self._clock, self._ids, self._public_url = store, clock, ids, public_url

    async def make(self, person: str, life: timedelta, token_id: str = "", plan: int | None = None) -> str:
        """Make a link that signs in as a person, and leads to a plan or to the start page.

        A `token_id` of 32 characters allows one link only: another one with it raises Conflict.
        """
        secret, now = self._ids.token(32), self._clock.now()
        token = Token(
            token_id or self._ids.new(), digest_of(secret), person, "sign-in link", now, now + life, single_use=True
        )
        await self._store.write(lambda writing: writing.people.add_token(token))
        return f"{self._public_url}/sign-in/{secret}" + (f"?plan={plan}" if plan else "")
