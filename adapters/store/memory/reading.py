"""A consistent view of the store in memory (`core.ports.store.Reading`)."""

from __future__ import annotations

from adapters.store.memory.cards import MemoryCardReads
from adapters.store.memory.deliveries import MemoryDeliveryReads
from adapters.store.memory.digests import MemoryDigestReads
from adapters.store.memory.log import MemoryLogReads
from adapters.store.memory.people import MemoryPeopleReads
from adapters.store.memory.plan_reads import MemoryPlanReads
from adapters.store.memory.replicas import MemoryReplicaReads
from adapters.store.memory.requests import MemoryRequestReads
from adapters.store.memory.seen import MemorySeenReads
from adapters.store.memory.state import State
from core.ports.cards import CardReads
from core.ports.digests import DigestReads
from core.ports.log import LogReads
from core.ports.outbox import DeliveryReads
from core.ports.people import PeopleReads
from core.ports.plans import PlanReads
from core.ports.replicas import ReplicaReads
from core.ports.requests import RequestReads
from core.ports.seen import SeenReads


class MemoryReading:
    """Implements `Reading` on a state that no longer changes."""

    def __init__(self, state: State) -> None:
        self.people: PeopleReads = MemoryPeopleReads(state)
        self.seen: SeenReads = MemorySeenReads(state)
        self.replicas: ReplicaReads = MemoryReplicaReads(state)
        self.plans: PlanReads = MemoryPlanReads(state, self.people)
        self.requests: RequestReads = MemoryRequestReads(state)
        self.log: LogReads = MemoryLogReads(state)
        self.deliveries: DeliveryReads = MemoryDeliveryReads(state)
        self.cards: CardReads = MemoryCardReads(state)
        self.digests: DigestReads = MemoryDigestReads(state)
