"""The port of the outbox, a part of the store: the effects to deliver, and the results of their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.effects import Destination, Effect
from core.messages import NO_MESSAGE, Message
from core.ports.paging import Page


class DeliveryState(StrEnum):
    """The state of the delivery of an effect."""

    PENDING = "pending"
    SENDING = "sending"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """An effect with the state of its delivery. `attempts` counts those that have started, the current one included."""

    effect: Effect
    state: DeliveryState
    attempts: int = 0
    due_at: datetime | None = None
    created_at: datetime | None = None
    settled_at: datetime | None = None
    error: Message = NO_MESSAGE


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a delivery: its duration in milliseconds, and the shortened answer of the other side."""

    at: datetime
    ms: int
    status: int = 0
    error: Message = NO_MESSAGE
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Outage:
    """A row of failed attempts at a destination: since when, and whether one was answered with 410 (Gone)."""

    since: datetime
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of an attempt: the delivery is done, dead, or pending again and due at `due_at`."""

    effect_id: str
    state: DeliveryState
    attempt: Attempt
    due_at: datetime | None = None


class Outbox(Protocol):
    """Effects inside a transaction."""

    def claim(self, now: datetime, lease: timedelta, limit: int, busy: Collection[Destination] = ()) -> list[Delivery]:
        """Take due effects for delivery: the oldest of each plan and destination, none of the `busy` destinations.

        An effect that is not settled within the lease may be claimed again: its sender is presumed dead.
        """
        ...

    def release(self, now: datetime) -> int:
        """Make all claimed effects due at once; return how many. Call it only when no other process can be sending."""
        ...

    def settle(self, results: Sequence[Settled]) -> None:
        """Store the results of attempts. A `Sync` that is done is deleted; other effects stay, with their attempts.

        A `Sync` to try again replaces one that was added since the attempt began, and is then due at once.
        """
        ...

    def add(self, effects: Sequence[Effect]) -> None:
        """Add effects that no command causes; a `Sync` merges with one that is pending, which is due as early."""
        ...

    def replay(self, effect_ids: Collection[str], now: datetime) -> int:
        """Make ended deliveries pending again; return how many."""
        ...

    def store_bodies(self, bodies: Mapping[str, bytes]) -> None:
        """Store the rendered bodies of effects by id, so that all attempts send the same. A stored body stays."""
        ...


class DeliveryReads(Protocol):
    """Deliveries inside a snapshot."""

    def page(self, plan_id: str = "", state: str = "", cursor: str = "", limit: int = 50) -> Page[Delivery]:
        """List deliveries, newest first."""
        ...

    def by_ids(self, effect_ids: Collection[str]) -> list[Delivery]:
        """Return the deliveries that exist of these effects, oldest first."""
        ...

    def attempts(self, effect_id: str) -> list[Attempt]:
        """Return the attempts of a delivery, oldest first."""
        ...

    def outage(self, destination: Destination) -> Outage | None:
        """Return since when all attempts at a destination have failed; None when the newest did not, or none was."""
        ...

    def body(self, effect_id: str) -> bytes | None:
        """Return the stored body of an effect; None before it is rendered."""
        ...

    def counts(self, plan_id: str = "") -> Mapping[str, int]:
        """Return the number of deliveries in each state that has any, of all plans or of one."""
        ...

    def failing(self) -> Mapping[Destination, int]:
        """Return the number of deliveries that are tried again after a failed attempt, by destination."""
        ...
