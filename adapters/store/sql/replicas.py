"""The servers that work on this database (`core.ports.replicas`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, TextClause, bindparam, delete, select

from adapters.store.sql.rows import micros
from adapters.store.sql.tables import replicas

# SQLite and PostgreSQL write it alike.
_BEAT = TextClause(
    """
    INSERT INTO replicas (id, beats, seen_at) VALUES (:replica, 1, :now)
    ON CONFLICT (id) DO UPDATE SET beats = replicas.beats + 1, seen_at = excluded.seen_at
    """
)
_FORGET = delete(replicas).where(replicas.c.seen_at < bindparam("before"))
_BEATS = select(replicas.c.id, replicas.c.beats)


class SqlReplicaWrites:
    """Implements `ReplicaWrites` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def beat(self, replica_id: str, now: datetime) -> None:
        """See `ReplicaWrites.beat`."""
        self._connection.execute(_BEAT, {"replica": replica_id, "now": micros(now)})

    def forget(self, before: datetime) -> None:
        """See `ReplicaWrites.forget`."""
        self._connection.execute(_FORGET, {"before": micros(before)})


class SqlReplicaReads:
    """Implements `ReplicaReads` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def beats(self) -> Mapping[str, int]:
        """See `ReplicaReads.beats`."""
        return {row.id: row.beats for row in self._connection.execute(_BEATS)}
