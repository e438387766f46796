"""The port of accepted requests, a part of the store: each is known by its key when it comes again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """What a request did: it changed a plan and, if it is a replay, began `replayed` deliveries of all plans again."""

    plan_id: str
    replayed: int = 0


class RequestReads(Protocol):
    """What the store knows of accepted requests. `PlanWrites.save` adds them with what they change."""

    def find(self, keys: Collection[str]) -> Mapping[str, AcceptedRequest]:
        """Return the requests that were accepted under these keys, by key."""
        ...


class RequestWrites(RequestReads, Protocol):
    """Accepted requests inside a transaction."""

    def forget(self, before: datetime) -> int:
        """Forget requests that were accepted before a moment; return how many keys they had."""
        ...
