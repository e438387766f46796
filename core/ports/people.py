"""The port of people, a part of the store: who there is, which chat users they are, and their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.people import Directory, Group, Person


@dataclass(frozen=True, slots=True)
class Token:
    """A key to the API, or a one-time sign-in link (`single_use`); only its SHA-256 is kept."""

    id: str
    digest: str
    person: str
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    single_use: bool = False


class PeopleWrites(Protocol):
    """People and their keys inside a transaction."""

    def put(self, people: Sequence[Person], groups: Sequence[Group]) -> None:
        """Insert or replace people and groups by id."""
        ...

    def link(self, platform: str, user: str, person: str, now: datetime) -> None:
        """Remember which person a chat user is."""
        ...

    def unlink(self, platform: str, user: str) -> None:
        """Forget which person a chat user is."""
        ...

    def add_token(self, token: Token) -> None:
        """Keep a token's digest."""
        ...

    def use_token(self, digest: str, now: datetime) -> Token | None:
        """Return a valid token and mark its use; a single-use token is valid once."""
        ...

    def forget_links(self, before: datetime) -> int:
        """Forget single-use tokens that were used, or expired, before a moment; return how many."""
        ...

    def revoke_token(self, token_id: str, now: datetime) -> bool:
        """Revoke a token; False when there is none."""
        ...


class PeopleReads(Protocol):
    """What the store knows of people."""

    def directory(self) -> Directory:
        """Return all people and groups."""
        ...

    def identity(self, platform: str, user: str) -> tuple[str, datetime] | None:
        """Return the person that a chat user was found to be, and when."""
        ...

    def tokens(self, person: str = "") -> list[Token]:
        """List the tokens of a person, or all."""
        ...
