"""What people were shown, in the database (`core.ports.seen`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Connection, Integer, Text, bindparam, exists, insert, select

from adapters.store.sql.rows import micros
from adapters.store.sql.tables import seen

_plan: BindParameter[Any] = bindparam("of", type_=Text)
_person: BindParameter[Any] = bindparam("who", type_=Text)
_revision: BindParameter[Any] = bindparam("shown", type_=Integer)
_HAS = exists().where(seen.c.plan_id == _plan, seen.c.person == _person, seen.c.revision == _revision)
_ADD = insert(seen).from_select(
    ["plan_id", "person", "revision", "at"],
    select(_plan, _person, _revision, bindparam("now", type_=BigInteger)).where(~_HAS),
)
_REVISIONS = select(seen.c.revision).where(seen.c.plan_id == _plan, seen.c.person == _person).order_by(seen.c.revision)


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
