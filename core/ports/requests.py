"""The port of accepted requests, a part of the store: repeated requests are recognized by their keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """The result of a request: the plan that it changed and, for a replay, the number of deliveries of all plans."""

    plan_id: str
    replayed: int = 0


class RequestReads(Protocol):
    """Accepted requests inside a snapshot. `PlanWrites.save` adds them together with what they change."""

    def find(self, keys: Collection[str]) -> Mapping[str, AcceptedRequest]:
        """Return the requests that were accepted under these keys, by key."""
        ...


class RequestWrites(RequestReads, Protocol):
    """Accepted requests inside a transaction, and the messages of chats that are answered, by their keys."""

    def claim(self, key: str, now: datetime) -> bool:
        """Note that a message is being answered; return False when it is noted already."""
        ...

    def disclaim(self, key: str) -> None:
        """Delete the note on a message that could not be answered."""
        ...

    def forget(self, before: datetime) -> int:
        """Delete requests that were accepted, and messages that were answered, before a time; return how many."""
        ...
