"""More rows like those that the engine has made, written straight into the tables: the engine would take minutes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Table, create_engine, func, insert, select, update

from adapters.store.tables import item_specs, items, plans

_ROWS = 10_000


def multiply_items(database: str, count: int) -> None:
    """Give every plan, which has one item, so many."""

    def more(rows: list[dict[str, Any]], specs: dict[str, dict[str, Any]]) -> Iterator[tuple[Any, Any]]:
        for row in rows:
            for position in range(2, count + 1):
                changed = {"id": uuid4().hex, "key": f"k{position}", "position": position, "name": f"Item {position}"}
                yield row | changed, specs[row["id"]] | {"item_id": changed["id"]}

    with create_engine(database).begin() as connection:
        specs = {spec["item_id"]: spec for spec in _rows(connection, item_specs)}
        pairs = list(more(_rows(connection, items), specs))
        _add(connection, items, [item for item, _ in pairs])
        _add(connection, item_specs, [spec for _, spec in pairs])
        connection.execute(update(plans).values(todo=count))


def multiply_plans(database: str, count: int) -> None:
    """Store so many plans beside those that are there."""
    with create_engine(database).begin() as connection:
        plan = _rows(connection, plans)[0]
        highest = connection.execute(select(func.max(plans.c.number))).scalar_one()
        _add(connection, plans, [plan | {"id": uuid4().hex, "number": highest + n} for n in range(1, count + 1)])


def _rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table)).mappings()]


def _add(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _ROWS):
        connection.execute(insert(table), rows[start : start + _ROWS])
