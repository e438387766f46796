"""One-time links that sign in to the console, requested in a chat or over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from bot.people.tokens import digest_of
from core.people import Credential
from core.ports.clock import Clock, Ids
from core.ports.people import Token
from core.ports.store import Store

_LIFE: Final = timedelta(minutes=10)
"""The life of a link that somebody has requested and waits for."""


class SignInLinks:
    """Makes links that sign in the first person who uses them; `public_url` is the address of the console."""

    def __init__(self, store: Store, clock: Clock, ids: Ids, public_url: str) -> None:
        self._store, self._clock, self._ids, self._public_url = store, clock, ids, public_url

    async def make(self, person: str, token_id: str, credential: Credential, plan: str = "") -> str:
        """Make a link that signs in as a person, and leads to the plan with a number, or to the start page.

        The session may do what the `credential` may with which the link was requested, and ends with it. A `token_id`
        of 32 characters allows one link only: another one with it raises Conflict.
        """
        secret, now = self._ids.token(32), self._clock.now()
        token = Token(
            token_id, digest_of(secret), person, "sign-in link", now, now + _LIFE,
            single_use=True, scopes=credential.scopes, parent=credential.token,
        )  # fmt: skip
        await self._store.write(lambda writing: writing.people.add_token(token))
        return f"{self._public_url}/sign-in/{secret}" + (f"?plan={plan}" if plan else "")
