"""A consistent view of the store (`core.ports.store.Reading`)."""

from __future__ import annotations

from sqlalchemy import Connection

from adapters.store.sql.cards import SqlCardReads
from adapters.store.sql.deliveries import SqlDeliveryReads
from adapters.store.sql.digests import SqlDigestReads
from adapters.store.sql.log import SqlLogReads
from adapters.store.sql.people import SqlPeopleReads
from adapters.store.sql.plan_reads import SqlPlanReads
from adapters.store.sql.replicas import SqlReplicaReads
from adapters.store.sql.requests import SqlRequestReads
from adapters.store.sql.sealing import Sealing
from adapters.store.sql.seen import SqlSeenReads
from core.ports.cards import CardReads
from core.ports.digests import DigestReads
from core.ports.log import LogReads
from core.ports.outbox import DeliveryReads
from core.ports.people import PeopleReads
from core.ports.plans import PlanReads
from core.ports.replicas import ReplicaReads
from core.ports.requests import RequestReads
from core.ports.seen import SeenReads


class SqlReading:
    """Implements `Reading` in SQL: one snapshot."""

    def __init__(self, connection: Connection, sealing: Sealing) -> None:
        self.people: PeopleReads = SqlPeopleReads(connection)
        self.seen: SeenReads = SqlSeenReads(connection)
        self.replicas: ReplicaReads = SqlReplicaReads(connection)
        self.plans: PlanReads = SqlPlanReads(connection, sealing, self.people)
        self.requests: RequestReads = SqlRequestReads(connection)
        self.log: LogReads = SqlLogReads(connection)
        self.deliveries: DeliveryReads = SqlDeliveryReads(connection)
        self.cards: CardReads = SqlCardReads(connection)
        self.digests: DigestReads = SqlDigestReads(connection)
