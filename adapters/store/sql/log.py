"""Reads of the operation log in the database (`core.ports.log.LogReads`); `saving` adds to it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, func, select

from adapters.store.sql.linking import read_head
from adapters.store.sql.rows import log_of
from adapters.store.sql.tables import log
from core.audit import Head, LogEntry


class SqlLogReads:
    """Implements `LogReads` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_plan(self, plan_id: str, after: int = 0, limit: int = 500) -> list[LogEntry]:
        """See `LogReads.of_plan`."""
        statement = select(log).where(log.c.plan_id == plan_id, log.c.seq > after).order_by(log.c.seq)
        return [log_of(row) for row in self._connection.execute(statement.limit(limit))]

    def since(self, entry_id: int, limit: int = 500) -> list[LogEntry]:
        """See `LogReads.since`."""
        statement = select(log).where(log.c.id > entry_id).order_by(log.c.id).limit(limit)
        return [log_of(row) for row in self._connection.execute(statement)]

    def latest(self, plan_id: str, events: Collection[str]) -> LogEntry | None:
        """See `LogReads.latest`."""
        statement = select(log).where(log.c.plan_id == plan_id, log.c.event.in_(events)).order_by(log.c.seq.desc())
        row = self._connection.execute(statement.limit(1)).first()
        return log_of(row) if row else None

    def head(self) -> Head:
        """See `LogReads.head`."""
        return read_head(self._connection)

    def newest(self) -> int:
        """See `LogReads.newest`."""
        return int(self._connection.execute(select(func.coalesce(func.max(log.c.id), 0))).scalar_one())
