"""The port of the store: one durable write at a time, and reads that never change anything.

`Store.write` runs a function in one transaction and returns when it is durable; everything that a `Writing` offers
takes part in that transaction. `Store.read` runs a function on a snapshot. Both run the function on a thread of the
store, so it must not touch the event loop. Each subject has its own ports for writing and reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from core.ports.cards import CardReads, CardWrites
from core.ports.digests import DigestReads, DigestWrites
from core.ports.log import LogReads
from core.ports.outbox import DeliveryReads, Outbox
from core.ports.people import PeopleReads, PeopleWrites
from core.ports.plans import PlanReads, PlanWrites
from core.ports.replicas import ReplicaReads, ReplicaWrites
from core.ports.requests import RequestReads, RequestWrites
from core.ports.seen import SeenReads, SeenWrites
from core.ports.timers import Timers

T = TypeVar("T")


class Writing(Protocol):
    """One transaction."""

    plans: PlanWrites
    requests: RequestWrites
    outbox: Outbox
    timers: Timers
    cards: CardWrites
    digests: DigestWrites
    people: PeopleWrites
    seen: SeenWrites
    replicas: ReplicaWrites


class Reading(Protocol):
    """A consistent view of the store."""

    plans: PlanReads
    requests: RequestReads
    log: LogReads
    deliveries: DeliveryReads
    cards: CardReads
    digests: DigestReads
    people: PeopleReads
    seen: SeenReads
    replicas: ReplicaReads


class Store(Protocol):
    """Stores plans and everything that belongs to them."""

    async def write(self, work: Callable[[Writing], T]) -> T:
        """Run a function in one transaction, which is durable when this returns.

        Raises Conflict when the transaction lost a race, Unavailable when the database cannot be written.
        """
        ...

    async def read(self, query: Callable[[Reading], T]) -> T:
        """Run a function on a snapshot."""
        ...

    def listen(self, notify: Callable[[], None]) -> None:
        """Call a function, on this event loop, when another replica may have added something to do."""
        ...

    async def close(self) -> None:
        """Finish the functions that have started, and close the database."""
        ...
