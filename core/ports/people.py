"""The port of people, a part of the store: people and groups, their chat accounts, and their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.people import EVERY_SCOPE, Credential, Directory, Group, Person, TokenScope


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the API, or of a one-time sign-in link (`single_use`); only its SHA-256 is stored.

    A token that was made with another one, its `parent`, is valid only as long as that.
    """

    id: str
    digest: str
    person: str
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    single_use: bool = False
    scopes: frozenset[TokenScope] = EVERY_SCOPE
    parent: str = ""

    @property
    def credential(self) -> Credential:
        """What its person may do with it."""
        return Credential(self.scopes, self.id)


class PeopleWrites(Protocol):
    """People, accounts and tokens inside a transaction."""

    def put(self, people: Sequence[Person], groups: Sequence[Group]) -> None:
        """Insert or replace people and groups by id."""
        ...

    def link(self, platform: str, user: str, person: str, now: datetime) -> None:
        """Store which person a chat user is."""
        ...

    def unlink(self, platform: str, user: str) -> None:
        """Delete the link between a chat user and a person."""
        ...

    def add_token(self, token: Token) -> None:
        """Store a token."""
        ...

    def use_token(self, digest: str, now: datetime) -> Token | None:
        """Return a valid token and mark its use; a single-use token is valid once."""
        ...

    def forget_links(self, before: datetime) -> int:
        """Delete single-use tokens that were used, or expired, before a time; return how many."""
        ...

    def revoke_token(self, token_id: str, now: datetime) -> bool:
        """Revoke a token; False when there is none."""
        ...


class PeopleReads(Protocol):
    """People, accounts and tokens inside a snapshot."""

    def directory(self) -> Directory:
        """Return all people and groups."""
        ...

    def identity(self, platform: str, user: str) -> tuple[str, datetime] | None:
        """Return the person that a chat user is, and when that was stored; None when it is not."""
        ...

    def tokens(self, person: str = "") -> list[Token]:
        """Return the tokens of a person, or of everybody."""
        ...
