"""The port of digests, a part of the store: the messages that list what waits for each person, and what they know."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DigestRecord:
    """A message of a chat that lists what waits for a person, over all plans.

    A record without `message` is an intent: posting has started. `content` is a hash of what the message shows, and
    `shown` identifies the things in it that somebody can do now. A record that has `moved` is of a message that a newer
    one replaces, and that has still to say so. `refused` is whether it was reported that the chat refuses the message.
    """

    id: str
    person: str
    platform: str
    channel: str = ""
    message: str = ""
    content: str = ""
    shown: frozenset[str] = frozenset()
    posted_at: datetime | None = None
    moved: bool = False
    refused: bool = False


class DigestWrites(Protocol):
    """Digests inside a transaction."""

    def put(self, record: DigestRecord) -> None:
        """Insert a record, or replace the one with its id."""
        ...

    def drop(self, ids: Collection[str]) -> None:
        """Delete records by id."""
        ...

    def set_parts(self, plan_id: str, parts: Mapping[str, str]) -> None:
        """Replace what the digests of people know of a plan, by person."""
        ...

    def forget_parts(self, person: str) -> None:
        """Delete what the digest of a person knows of all plans."""
        ...


class DigestReads(Protocol):
    """Digests inside a snapshot."""

    def of_person(self, person: str) -> list[DigestRecord]:
        """Return the records of a person, oldest first; an intent comes last."""
        ...

    def people(self) -> frozenset[str]:
        """Return the people who have a record."""
        ...

    def parts(self, plan_id: str) -> Mapping[str, str]:
        """Return what the digests of people know of a plan, by person."""
        ...
