"""One transaction in memory (`core.ports.store.Writing`)."""

from __future__ import annotations

from adapters.store.memory.cards import MemoryCardWrites
from adapters.store.memory.digests import MemoryDigestWrites
from adapters.store.memory.outbox import MemoryOutbox
from adapters.store.memory.people import MemoryPeopleWrites
from adapters.store.memory.plan_writes import MemoryPlanWrites
from adapters.store.memory.replicas import MemoryReplicaWrites
from adapters.store.memory.requests import MemoryRequestWrites
from adapters.store.memory.seen import MemorySeenWrites
from adapters.store.memory.state import State
from adapters.store.memory.timers import MemoryTimers
from core.ports.cards import CardWrites
from core.ports.clock import Clock
from core.ports.digests import DigestWrites
from core.ports.outbox import Outbox
from core.ports.people import PeopleWrites
from core.ports.plans import PlanWrites
from core.ports.replicas import ReplicaWrites
from core.ports.requests import RequestWrites
from core.ports.seen import SeenWrites
from core.ports.timers import Timers


class MemoryWriting:
    """Implements `Writing` on a copy of the state."""

    def __init__(self, state: State, clock: Clock) -> None:
        outbox = MemoryOutbox(state, clock)
        self.plans: PlanWrites = MemoryPlanWrites(state, outbox, clock)
        self.requests: RequestWrites = MemoryRequestWrites(state)
        self.outbox: Outbox = outbox
        self.timers: Timers = MemoryTimers(state)
        self.cards: CardWrites = MemoryCardWrites(state)
        self.digests: DigestWrites = MemoryDigestWrites(state)
        self.people: PeopleWrites = MemoryPeopleWrites(state)
        self.seen: SeenWrites = MemorySeenWrites(state)
        self.replicas: ReplicaWrites = MemoryReplicaWrites(state)
