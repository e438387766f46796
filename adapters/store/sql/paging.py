"""Pages of a list in the database: the newest rows first, continued by a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select

from adapters.store import cursors
from adapters.store.sql.rows import AnyRow


def page_of(
    connection: Connection, statement: Select[Any], key: Any, cursor: str, limit: int
) -> tuple[Sequence[AnyRow], str]:
    """Return at most `limit` rows, the largest values of the column `key` first, and the cursor of the next page.

    Raises Invalid for a cursor that no page had.
    """
    if cursor:
        statement = statement.where(key < cursors.decode(cursor))
    rows = connection.execute(statement.order_by(key.desc()).limit(limit + 1)).all()
    more = len(rows) > limit
    return rows[:limit], cursors.encode(rows[limit - 1]._mapping[key]) if more else ""
