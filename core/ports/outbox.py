"""The port of the outbox, a part of the store: the effects to deliver, and the results of their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from core.effects import Alarm, Destination, Effect, Undelivered
from core.messages import NO_MESSAGE, Message
from core.ports.paging import Page


class DeliveryState(StrEnum):
    """The state of the delivery of an effect."""

    PENDING = "pending"
    SENDING = "sending"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Hold:
    """Until when a part of a `Sync` is left alone.

    Without `attempts`, a rate limit is the cause, which holds whatever happens. Otherwise so many attempts have failed,
    one after the other, the last at this `version` of the plan: a newer version is attempted at once.
    """

    until: datetime
    attempts: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of an effect. Its number grows with each claim, which tells an earlier claimant from a later one."""

    effect_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """An effect with the state of its delivery. `attempts` counts those that have started, the current one included.

    `holds` are the parts of a `Sync` that wait, by a name that its sender gives them.
    """

    effect: Effect
    state: DeliveryState
    attempts: int = 0
    due_at: datetime | None = None
    created_at: datetime | None = None
    settled_at: datetime | None = None
    error: Message = NO_MESSAGE
    holds: Mapping[str, Hold] = field(default_factory=dict)

    @property
    def claim(self) -> Claim:
        """The claim with which it was taken; the number is that of the attempt."""
        return Claim(self.effect.id, self.attempts)

    @property
    def is_direct(self) -> bool:
        """Whether people wait for it rather than channels: an alarm, or the cards that a `Sync` could not send yet."""
        return isinstance(self.effect.payload, Alarm | Undelivered) or bool(self.holds)


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
    """The result of an attempt, by its claim: the delivery is done, dead, or pending again and due at `due_at`.

    Without an `attempt`, the delivery waits for a rate limit: that counts as no attempt, and is no failure. `holds` are
    the parts of a pending `Sync` that wait, in place of those before.
    """

    claim: Claim
    state: DeliveryState
    attempt: Attempt | None
    due_at: datetime | None = None
    holds: Mapping[str, Hold] = field(default_factory=dict)

    @property
    def effect_id(self) -> str:
        """The id of the effect."""
        return self.claim.effect_id

    def error_after(self, before: Message) -> Message:
        """Return the error of the delivery now: a wait for a limit ends no failure of the parts that wait as well."""
        if self.attempt:
            return self.attempt.error
        return before if any(hold.attempts for hold in self.holds.values()) else NO_MESSAGE


class Outbox(Protocol):
    """Effects inside a transaction."""

    def claim(self, now: datetime, lease: timedelta, limit: int, busy: Collection[Destination] = ()) -> list[Delivery]:
        """Take due effects for delivery: the oldest of each plan and destination, none of the `busy` destinations.

        Those that are due for the longest come first, but all that `is_direct` after the others: the card of a plan in
        a channel does not wait for what one person gets.
        An effect whose lease ends before it is renewed or settled may be claimed again: its sender is presumed dead.
        """
        ...

    def renew(self, claims: Collection[Claim], lease_end: datetime) -> set[Claim]:
        """Extend the leases of claims; return those that are still held. The others were claimed again, or settled."""
        ...

    def release(self, claims: Collection[Claim], now: datetime) -> None:
        """Make effects due at once whose claims are given up while they are still held. Their attempts count."""
        ...

    def release_all(self, now: datetime) -> int:
        """Make all claimed effects due at once; return how many. Call it only when no other process can be sending."""
        ...

    def shorten_leases(self, now: datetime, lease: timedelta) -> int:
        """End leases after `lease` that end later than twice that, and return how many.

        None is that long, so the clock has been set back since, or that of the claimant was ahead. A claimant that
        lives has the time to renew its claim.
        """
        ...

    def hasten(self, now: datetime) -> int:
        """Make all that waits for an attempt due at once, without holds; return how many.

        It is for a clock that was set back: what was to wait for seconds would wait for hours.
        """
        ...

    def settle(self, results: Sequence[Settled]) -> set[Claim]:
        """Store the results of attempts whose claims are still held; return the other claims, whose results are lost.

        A `Sync` that is done is deleted; other effects stay, with their attempts.

        A `Sync` to try again replaces one that was added since the attempt began, and is then due at once; its holds
        stay, so that a change of the plan ends no pause.
        """
        ...

    def add(self, effects: Sequence[Effect]) -> None:
        """Add effects that no command causes; a `Sync` merges with one that is pending, which is due as early.

        The holds of the pending one stay.
        """
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
