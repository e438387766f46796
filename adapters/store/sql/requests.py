"""Accepted requests in the database (`core.ports.requests`); `saving` adds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from adapters.store.sql.rows import micros
from adapters.store.sql.tables import inbox
from core.ports.requests import AcceptedRequest

_FIND = select(inbox.c.key, inbox.c.plan_id, inbox.c.replayed).where(inbox.c.key.in_(bindparam("keys", expanding=True)))
_FORGET = delete(inbox).where(inbox.c.at < bindparam("before"))


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

    def forget(self, before: datetime) -> int:
        """See `RequestWrites.forget`."""
        return self._connection.execute(_FORGET, {"before": micros(before)}).rowcount
