"""Timers inside a transaction (`core.ports.timers.Timers`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Integer, bindparam, case, delete, select, update

from adapters.store.sql.rows import micros, moment
from adapters.store.sql.tables import CLAIMED_TIMER, timers
from core.ports.timers import DueTimer
from core.timers import TimerKind

_this = (timers.c.plan_id == bindparam("plan"), timers.c.kind == bindparam("which"))
_CLAIMABLE = (
    select(timers)
    .where(timers.c.claim_at <= bindparam("now"))
    .order_by(timers.c.claim_at)
    .limit(bindparam("limit", type_=Integer))
    .with_for_update(skip_locked=True)
)
_TAKE = update(timers).where(*_this).values(claim_at=bindparam("lease_end"))
_SHORTEN = (
    update(timers)
    .where(CLAIMED_TIMER, timers.c.claim_at > bindparam("longest"))
    .values(claim_at=case((timers.c.due_at > bindparam("lease_end"), timers.c.due_at), else_=bindparam("lease_end")))
)
_DROP = delete(timers).where(*_this, timers.c.due_at == bindparam("due"))


class SqlTimers:
    """Implements `Timers` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, now: datetime, lease: timedelta, limit: int) -> list[DueTimer]:
        """See `Timers.claim`."""
        rows = self._connection.execute(_CLAIMABLE, {"now": micros(now), "limit": limit}).all()
        lease_end = micros(now + lease)
        if rows:
            taken = [{"plan": row.plan_id, "which": row.kind, "lease_end": lease_end} for row in rows]
            self._connection.execute(_TAKE, taken)
        return [DueTimer(row.plan_id, TimerKind(row.kind), moment(row.due_at)) for row in rows]

    def shorten_leases(self, now: datetime, lease: timedelta) -> int:
        """See `Timers.shorten_leases`."""
        bounds = {"longest": micros(now + 2 * lease), "lease_end": micros(now + lease)}
        return self._connection.execute(_SHORTEN, bounds).rowcount

    def drop(self, timers: Sequence[DueTimer]) -> None:
        """See `Timers.drop`."""
        if timers:
            stale = [{"plan": t.plan_id, "which": t.kind.value, "due": micros(t.due_at)} for t in timers]
            self._connection.execute(_DROP, stale)
