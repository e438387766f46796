"""Accepted requests in the database (`core.ports.requests`); `saving` adds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy import text as sql

from adapters.store.sql.rows import micros
from adapters.store.sql.tables import answered, inbox
from core.ports.requests import AcceptedRequest

_FIND = select(inbox.c.key, inbox.c.plan_id, inbox.c.replayed).where(inbox.c.key.in_(bindparam("keys", expanding=True)))
_CLAIM = sql("INSERT INTO answered (key, at) VALUES (:key, :at) ON CONFLICT DO NOTHING")
_DISCLAIM = delete(answered).where(answered.c.key == bindparam("of"))
_FORGET = tuple(delete(table).where(table.c.at < bindparam("before")) for table in (inbox, answered))


class SqlRequestReads:
    """Implements `RequestReads` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, keys: Collection[str]) -> Mapping[str, AcceptedRequest]:
        """See `RequestReads.find`."""
        rows = self._connection.execute(_FIND, {"keys": list(keys)})
        return {key: AcceptedRequest(plan_id, replayed or 0) for key, plan_id, replayed in rows}


class SqlRequestWrites(SqlRequestReads):
    """Implements `RequestWrites` in SQL."""

    def claim(self, key: str, now: datetime) -> bool:
        """See `RequestWrites.claim`."""
        return self._connection.execute(_CLAIM, {"key": key, "at": micros(now)}).rowcount == 1

    def disclaim(self, key: str) -> None:
        """See `RequestWrites.disclaim`."""
        self._connection.execute(_DISCLAIM, {"of": key})

    def forget(self, before: datetime) -> int:
        """See `RequestWrites.forget`."""
        return sum(self._connection.execute(each, {"before": micros(before)}).rowcount for each in _FORGET)
