"""The tokens of the API: makes them, and finds the valid ones. Only the SHA-256 of a token is stored."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.installation import derive
from core.errors import Conflict, Unauthorized, Unavailable
from core.people import EVERY_SCOPE, TokenScope
from core.ports.clock import Clock, Ids
from core.ports.people import Token
from core.ports.store import Store, Writing

log = logging.getLogger(__name__)

FRESH = timedelta(seconds=5)
"""How long the tokens in memory are used: a token that another replica revokes works for that long at most."""
USE_RECORD_INTERVAL = timedelta(minutes=1)
"""How often the use of a token is recorded."""


def new_token(
    person: str, name: str, clock: Clock, ids: Ids, expires_at: datetime | None = None,
    scopes: frozenset[TokenScope] = EVERY_SCOPE, parent: str = "",
) -> tuple[str, Token]:  # fmt: skip
    """Return a new secret, and the token to store for it."""
    secret = f"fabu_{ids.token(32)}"
    return secret, Token(
        ids.new(), digest_of(secret), person, name, clock.now(), expires_at, scopes=scopes, parent=parent
    )


def token_for_key(key: str, installation: bytes, made: Token) -> tuple[str, Token]:
    """Return the secret and the token of a request with an idempotency key: the same ones for the same key.

    `made` is the token that a request without a key would get.
    """
    use = derive(installation, "tokens by key")
    secret, token_id = (hmac.new(use, f"{part} {key}".encode(), "sha256").hexdigest() for part in ("secret", "id"))
    secret = f"fabu_{secret}"
    return secret, replace(made, id=token_id[:32], digest=digest_of(secret))


def digest_of(secret: str) -> str:
    """Return the digest that is stored for a secret. A secret of 256 random bits needs no slower hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class Tokens:
    """Finds tokens, which it keeps in memory for a few seconds.

    However many requests come with unknown tokens, at most one read of the store runs and one waits: requests share it.
    `read_link` reads the links that are not stored before they are used (`bot.people.card_links`).
    """

    def __init__(self, store: Store, clock: Clock, read_link: Callable[[str], Token | None]) -> None:
        self._store, self._clock, self._read_link = store, clock, read_link
        self._known: Mapping[str, Token] = {}
        self._by_id: Mapping[str, Token] = {}
        self._read_at: datetime | None = None
        self._reading: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def find(self, secret: str) -> Token:
        """Return the valid token with a secret, and record its use. Raises Unauthorized when there is none."""
        digest, now = digest_of(secret), self._clock.now()
        token = await self._look_up(digest)
        if token is None or token.single_use or not self._is_valid(token):
            raise Unauthorized
        if token.used_at is None or abs(now - token.used_at) > USE_RECORD_INTERVAL:
            token = await self._record_use(token, now)
            self._known = {**self._known, digest: token}
        return token

    async def find_link(self, secret: str) -> Token | None:
        """Return the valid sign-in link with a secret, without using it; None when there is none."""
        link = await self._look_up(digest_of(secret)) or self._read_link(secret)
        return link if link and link.single_use and not link.used_at and self._is_valid(link) else None

    async def use_link(self, link: Token, session: Token) -> bool:
        """Use up a sign-in link that was found, and add the session that it begins: both, or neither.

        Return False when somebody else has just used the link.
        """
        is_stored, now = link.id in self._by_id, self._clock.now()

        def use(writing: Writing) -> bool:
            if is_stored and not writing.people.use_token(link.digest, now):
                return False
            if not is_stored:
                writing.people.add_token(replace(link, used_at=now))
            writing.people.add_token(session)
            return True

        self.forget()
        try:
            return await self._store.write(use)
        except Conflict:
            return False

    async def is_good(self, token_id: str, age: timedelta) -> bool:
        """Return whether a token is still valid, by what the store said at most some time ago."""
        if self._age() >= age:
            await self._refresh()
        token = self._by_id.get(token_id)
        return token is not None and self._is_valid(token)

    async def _look_up(self, digest: str) -> Token | None:
        """Return the token with a digest, valid or not, as it was a few seconds ago."""
        if digest not in self._known or self._age() > FRESH:
            await self._refresh()
        return self._known.get(digest)

    def _age(self) -> timedelta:
        """Return for how long the tokens are known; for ever if they are not, or if the clock was set back since."""
        age = self._clock.now() - self._read_at if self._read_at else timedelta.max
        return age if age >= timedelta() else timedelta.max

    def _is_valid(self, token: Token) -> bool:
        """Return whether a token is neither revoked nor expired, nor the one with which it was made."""
        if token.revoked_at or (token.expires_at and token.expires_at <= self._clock.now()):
            return False
        parent = self._by_id.get(token.parent)
        return not token.parent or (parent is not None and self._is_valid(parent))

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
        self._by_id = {token.id: token for token in tokens}
