"""What people were shown, in the database (`core.ports.seen`)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, TextClause, bindparam, select

from adapters.store.sql.rows import micros
from adapters.store.sql.tables import seen

# SQLite and PostgreSQL write it alike; two that add the same at once do not fail.
_ADD = TextClause(
    "INSERT INTO seen (plan_id, person, revision, at) VALUES (:of, :who, :shown, :now) ON CONFLICT DO NOTHING"
)
_REVISIONS = (
    select(seen.c.revision)
    .where(seen.c.plan_id == bindparam("of"), seen.c.person == bindparam("who"))
    .order_by(seen.c.revision)
)


class SqlSeenWrites:
    """Implements `SeenWrites` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, plan_id: str, person: str, revision: int, at: datetime) -> None:
        """See `SeenWrites.put`."""
        self._connection.execute(_ADD, {"of": plan_id, "who": person, "shown": revision, "now": micros(at)})


class SqlSeenReads:
    """Implements `SeenReads` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def revisions(self, plan_id: str, person: str) -> tuple[int, ...]:
        """See `SeenReads.revisions`."""
        return tuple(self._connection.execute(_REVISIONS, {"of": plan_id, "who": person}).scalars())
