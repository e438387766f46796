"""Plans inside a transaction (`core.ports.plans.PlanWrites`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, update

from adapters.store.sql.loading import LOCKED_HEADS, Loader
from adapters.store.sql.saving import Saver
from adapters.store.sql.sealing import Sealing
from adapters.store.sql.tables import counters
from core.plan import Plan
from core.ports.clock import Clock
from core.ports.plans import Change, Scope

_COUNT = (
    update(counters).where(counters.c.name == "plans").values(value=counters.c.value + 1).returning(counters.c.value)
)


class SqlPlanWrites:
    """Implements `PlanWrites` in SQL."""

    def __init__(self, connection: Connection, sealing: Sealing, clock: Clock) -> None:
        self._connection, self._sealing, self._clock = connection, sealing, clock

    def load(self, scopes: Mapping[str, Scope]) -> Mapping[str, Plan]:
        """See `PlanWrites.load`."""
        return Loader(self._connection, self._sealing).load(scopes, LOCKED_HEADS)

    def next_number(self) -> int:
        """See `PlanWrites.next_number`. The counter's row stays locked, so numbers have no gaps."""
        return int(self._connection.execute(_COUNT).scalar_one())

    def save(self, changes: Sequence[Change], link_key: bytes) -> None:
        """See `PlanWrites.save`."""
        Saver(self._connection, self._sealing, self._clock.now()).save(changes, link_key)
