"""Changes of the rows that the engine has made, inside the database: the engine would take minutes for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from adapters.store.sql.tables import effects, item_specs, items, plans


def database_in(folder: Path) -> str:
    """Return the URL of the database in a folder."""
    return f"sqlite:///{folder / 'fabu.db'}"


def end_deliveries(database: str) -> None:
    """End what is still to be delivered: at the pace of the vendors' limits it would take hours."""
    with _writing(database) as connection:
        connection.execute(sa.update(effects).values(state="done", due_at=None))


def multiply_items(database: str, count: int) -> None:
    """Give every plan, which has one item, so many."""
    number = _numbers(2, count)
    word = sa.cast(number.c.n, sa.Text)
    changed = {"id": items.c.id + "-" + word, "key": "k" + word, "position": number.c.n, "name": "Item " + word}
    with _writing(database) as connection:
        _copy(connection, items, number, changed)
        _copy(connection, item_specs, number, {"item_id": item_specs.c.item_id + "-" + word})
        connection.execute(sa.update(plans).values(todo=count))


def multiply_plans(database: str, count: int) -> None:
    """Store so many plans beside those that are there."""
    number = _numbers(1, count)
    first, highest = (sa.select(of(plans.c.number)).scalar_subquery() for of in (sa.func.min, sa.func.max))
    changed = {"id": plans.c.id + "-" + sa.cast(number.c.n, sa.Text), "number": highest + number.c.n}
    with _writing(database) as connection:
        _copy(connection, plans, number, changed, plans.c.number == first)


def _numbers(first: int, last: int) -> sa.CTE:
    """Return a table of whole numbers."""
    start = sa.select(sa.literal(first).label("n")).where(sa.literal(first) <= last).cte(recursive=True)
    return start.union_all(sa.select(start.c.n + 1).where(start.c.n < last))


def _copy(
    connection: sa.Connection, table: sa.Table, number: sa.CTE, changed: dict[str, Any], *which: sa.ColumnElement[bool]
) -> None:
    """Add to a table a copy of its rows, or of some, for every number, with changes."""
    columns = [changed.get(column.name, column) for column in table.c]
    copies = sa.select(*columns).select_from(table.join(number, sa.true())).where(*which)
    connection.execute(sa.insert(table).from_select(list(table.c), copies))


@contextmanager
def _writing(database: str) -> Iterator[sa.Connection]:
    """Give a connection whose changes are in the file itself in the end: no click has to bring them there."""
    engine = sa.create_engine(database)
    with engine.begin() as connection:
        yield connection
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
