"""One-time links that sign in to the console: asked for in a chat, or sent to somebody who has no buttons there."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.people.tokens import digest_of
from core.ports.clock import Clock, Ids
from core.ports.people import Token
from core.ports.store import Store

ASKED_FOR: Final = timedelta(minutes=10)
SENT: Final = timedelta(days=1)
"""How long a link is good that nobody waits for."""


class SignInLinks:
    """Makes links that sign in whoever opens them first; `public_url` is where the console is."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, public_url: str) -> None:
        self._store, self._clock, self._ids, self._public_url = store, clock, ids, public_url

    async def make(self, person: str, life: timedelta, token_id: str = "", plan: int | None = None) -> str:
        """Return a link for a person, to a plan or to the start page.

        Give a `token_id` of 32 characters where no second link may be made for the same request.
        """
        secret, now = self._ids.token(32), self._clock.now()
        token = Token(
            token_id or self._ids.new(), digest_of(secret), person, "sign-in link", now, now + life, single_use=True
        )
        await self._store.write(lambda writing: writing.people.add_token(token))
        return f"{self._public_url}/sign-in/{secret}" + (f"?plan={plan}" if plan else "")
