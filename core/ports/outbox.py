"""The port of the outbox, a part of the store: effects that are due, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.effects import Destination, Effect
from core.ports.paging import Page


class DeliveryState(StrEnum):
    """Where an effect stands."""

    PENDING = "pending"
    SENDING = "sending"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """An effect with its history. `attempts` counts the tries that have begun, the present one included."""

    effect: Effect
    state: DeliveryState
    attempts: int = 0
    due_at: datetime | None = None
    created_at: datetime | None = None
    settled_at: datetime | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a delivery: how long it took (milliseconds), and what the other side answered (shortened)."""

    at: datetime
    ms: int
    status: int = 0
    error: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Failing:
    """A destination that has done nothing but fail since a moment; `gone` says that it answered 410 (Gone) since."""

    since: datetime
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """How a try ended: done, dead, or pending again and due at a moment."""

    effect_id: str
    state: DeliveryState
    attempt: Attempt
    due_at: datetime | None = None


class Outbox(Protocol):
    """Effects inside a transaction."""

    def claim(self, now: datetime, lease: timedelta, limit: int, busy: Collection[Destination] = ()) -> list[Delivery]:
        """Take due effects for delivery: the oldest of each plan and destination, none of the `busy` destinations.

        A claim that is not settled within the lease may be claimed again: its sender is presumed dead.
        """
        ...

    def release(self, now: datetime) -> int:
        """Make what is being sent due at once; return how much. For a start when nobody else can be sending."""
        ...

    def settle(self, results: Sequence[Settled]) -> None:
        """Record now how tries ended. A `Sync` that is done is forgotten; others stay, with their attempts."""
        ...

    def add(self, effects: Sequence[Effect]) -> None:
        """Add effects that no command causes; a `Sync` joins one that is pending."""
        ...

    def replay(self, effect_ids: Collection[str], now: datetime) -> int:
        """Make ended deliveries pending again; return how many."""
        ...

    def store_bodies(self, bodies: Mapping[str, bytes]) -> None:
        """Keep the rendered bodies of effects, by their ids, so that every try sends the same. The first stays."""
        ...


class DeliveryReads(Protocol):
    """What the store knows of deliveries."""

    def page(self, plan_id: str = "", state: str = "", cursor: str = "", limit: int = 50) -> Page[Delivery]:
        """List deliveries, newest first."""
        ...

    def by_ids(self, effect_ids: Collection[str]) -> list[Delivery]:
        """Return those deliveries that exist, oldest first."""
        ...

    def attempts(self, effect_id: str) -> list[Attempt]:
        """Return the tries of a delivery, oldest first."""
        ...

    def failing(self, destination: Destination) -> Failing | None:
        """Return since when every try of a destination has failed; None when the newest one went well or none was."""
        ...

    def body(self, effect_id: str) -> bytes | None:
        """Return the body that is kept of an effect; None before it was rendered."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Return how many deliveries there are in each state that has any."""
        ...
