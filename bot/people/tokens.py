"""The tokens of the API: makes them, and finds the valid ones. Only the SHA-256 of a token is stored."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.installation import derive
from core.errors import Unauthorized, Unavailable
from core.ports.clock import Clock, Ids
from core.ports.people import Token
from core.ports.store import Store

log = logging.getLogger(__name__)

FRESH = timedelta(seconds=5)
"""How long the tokens in memory are used: a token that another replica revokes works for that long at most."""
USE_RECORD_INTERVAL = timedelta(minutes=1)
"""How often the use of a token is recorded."""


def new_token(person: str, name: str, clock: Clock, ids: Ids, expires_at: datetime | None = None) -> tuple[str, Token]:
    """Return a new secret, and the token to store for it."""
    secret = f"fabu_{ids.token(32)}"
    return secret, Token(ids.new(), digest_of(secret), person, name, clock.now(), expires_at)


def token_for_key(
    key: str, installation: bytes, person: str, name: str, clock: Clock, expires_at: datetime | None
) -> tuple[str, Token]:
    """Return the secret and the token of a request with an idempotency key: the same ones for the same key."""
    use = derive(installation, "tokens by key")
    secret, token_id = (hmac.new(use, f"{part} {key}".encode(), "sha256").hexdigest() for part in ("secret", "id"))
    secret = f"fabu_{secret}"
    return secret, Token(token_id[:32], digest_of(secret), person, name, clock.now(), expires_at)


def digest_of(secret: str) -> str:
    """Return the digest that is stored for a secret. A secret of 256 random bits needs no slower hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class Tokens:
    """Finds tokens, which it keeps in memory for a few seconds.

    However many requests come with unknown tokens, at most one read of the store runs and one waits: requests share it.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._known: Mapping[str, Token] = {}
        self._read_at: datetime | None = None
        self._reading: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def find(self, secret: str) -> Token:
        """Return the valid token with a secret, and record its use. Raises Unauthorized when there is none."""
        digest, now = digest_of(secret), self._clock.now()
        if digest not in self._known or self._read_at is None or now - self._read_at > FRESH:
            await self._refresh()
        token = self._known.get(digest)
        if token is None or token.single_use or token.revoked_at or (token.expires_at and token.expires_at <= now):
            raise Unauthorized
        if token.used_at is None or now - token.used_at > USE_RECORD_INTERVAL:
            token = await self._record_use(token, now)
            self._known = {**self._known, digest: token}
        return token

    async def find_link(self, secret: str) -> Token | None:
        """Return the valid sign-in link with a secret, without using it; None when there is none."""
        digest, now = digest_of(secret), self._clock.now()
        every = await self._store.read(lambda reading: reading.people.tokens())
        link = next((token for token in every if token.digest == digest and token.single_use), None)
        if link is None or link.used_at or link.revoked_at or (link.expires_at and link.expires_at <= now):
            return None
        return link

    async def _record_use(self, token: Token, now: datetime) -> Token:
        """Record the use of a valid token and return it; while nothing can be saved, it is used all the same.

        Raises Unauthorized when it was revoked meanwhile.
        """
        try:
            used = await self._store.write(lambda writing: writing.people.use_token(token.digest, now))
        except Unavailable as error:
            log.info("the use of token %s cannot be recorded: %s", token.id, error)
            return token
        if used is None:
            raise Unauthorized
        return used

    def forget(self) -> None:
        """Forget the tokens in memory, because one has changed."""
        self._read_at = None

    async def _refresh(self) -> None:
        """Wait for a read that begins after this call: one that runs already may miss a new token."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_after(self._reading))
        await asyncio.shield(self._next)

    async def _read_after(self, previous: asyncio.Task[None] | None) -> None:
        if previous:
            await asyncio.wait([previous])
        self._reading, self._next = self._next, None
        self._read_at = self._clock.now()  # before the read, which may miss what changes while it runs
        try:
            tokens = await self._store.read(lambda reading: reading.people.tokens())
        except Unavailable:
            self.forget()  # what is known may have been revoked
            raise
        self._known = {token.digest: token for token in tokens}
