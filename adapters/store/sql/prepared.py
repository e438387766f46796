"""Statements that are compiled once, and sent for many rows as the driver takes them.

`Connection.execute` makes the parameters of each row anew: it looks up every column, its type and its default, which
takes longer than the statement. The columns here have types that both drivers take as they are, and no defaults.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.sql.compiler import SQLCompiler

_Compiled = tuple[str, tuple[str, ...] | None]
"""The text of a statement, and the names of its parameters in their order, where the driver takes them by position."""


class Prepared:
    """An INSERT, UPDATE or DELETE whose rows all name the same columns, and every parameter of it."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def execute(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
        """Execute the statement for each row, and return how many rows of its table it has changed."""
        text, names = self._compile(connection, tuple(rows[0]))
        parameters = rows if names is None else [tuple([row[name] for name in names]) for row in rows]
        return connection.exec_driver_sql(text, parameters).rowcount

    def _compile(self, connection: Connection, columns: tuple[str, ...]) -> _Compiled:
        key = connection.dialect.name, columns
        if key not in self._compiled:
            compiled = self._statement.compile(dialect=connection.dialect, column_keys=list(columns))
            positions = compiled.positiontup if isinstance(compiled, SQLCompiler) else None
            self._compiled[key] = str(compiled), tuple(positions) if positions else None
        return self._compiled[key]
