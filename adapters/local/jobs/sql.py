"""Jobs of type `sql`: statements that run in one transaction, with the result of each in the output.

The text is not parsed here: PostgreSQL and MariaDB split it into statements, and SQLite finds the end of a statement.
So strings, comments, triggers and procedures are parsed as the database parses them.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Engine, NullPool, create_engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError

from adapters.local.settings import LocalSettings
from adapters.local.steps import DEFAULT_TIMEOUT, JobKind, StepContext, StepError
from core.errors import Problem
from core.messages import Message
from core.workflow import SqlSpec

log = logging.getLogger(__name__)

_ROWS = 20
"""Rows of a result in the output."""
_CELL = 60
"""Characters of a value in the output."""
_BATCH = 1000
"""Rows that are read at the same time, to be counted only."""
_INTERRUPT_EVERY = 0.2
"""Seconds between interrupts: one that comes just before a statement begins has no effect."""

Report = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class SqlStep:
    """A step that runs statements on a database of the settings; `timeout` is in seconds."""

    name: str
    database: str
    statements: str
    timeout: float

    async def run(self, context: StepContext) -> None:
        """Run the statements on their database. Raises StepError when nothing was committed."""
        url = context.settings.databases[self.database].get_secret_value()
        await Execution(url, self.statements).run(context.output.write_line, context.grace)


class Execution:
    """The statements of one step on one database, for one run.

    All statements are committed, or none. But MariaDB and MySQL commit at every statement that changes a definition. On
    SQLite, the job sends BEGIN and COMMIT, which must not be among the statements.
    """

    def __init__(self, url: str, statements: str) -> None:
        self._engine = _engine(make_url(url))
        self._statements = statements
        self._connection: DBAPIConnection | None = None
        self._stopped = threading.Event()

    async def run(self, report: Report, grace: float) -> None:
        """Run the statements in a thread; `report` is called in the event loop with lines for the output.

        On cancellation, the running statement is interrupted and all is rolled back. This waits at most `grace` seconds
        for the database; nothing is committed even if that takes longer.

        Raises:
            StepError: with the error of the database; the job has committed nothing.
        """
        loop = asyncio.get_running_loop()
        work = _run_in_thread(lambda: self._run(lambda line: loop.call_soon_threadsafe(report, line)))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stopped.set()
            deadline = loop.time() + grace
            while not work.done() and loop.time() < deadline:
                await asyncio.to_thread(self._interrupt)
                await asyncio.wait({work}, timeout=_INTERRUPT_EVERY)
            raise

    def _run(self, report: Report) -> None:
        try:
            connection = self._engine.raw_connection()
            try:
                self._connection = connection.dbapi_connection
                for number, lines in enumerate(self._execute(connection.cursor()), 1):
                    self._raise_if_stopped()
                    report(f"statement {number}: {lines}")
                self._raise_if_stopped()
                connection.commit()
            finally:
                connection.close()  # rolls back without a commit
            report("committed")
        except DBAPIError as error:
            raise StepError(Message.verbatim(str(error.orig))) from error
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise StepError(Message.verbatim(str(error))) from error

    def _raise_if_stopped(self) -> None:
        if self._stopped.is_set():
            raise StepError(Message("stopped"))

    def _execute(self, cursor: DBAPICursor) -> Iterator[str]:
        """Execute the statements, and yield the lines for the output of each."""
        if self._engine.dialect.name == "sqlite":
            cursor.execute("BEGIN")
            for statement in split_sqlite(self._statements):
                cursor.execute(statement)
                yield self._render_result(cursor)
        else:
            cursor.execute(self._statements)
            yield self._render_result(cursor)
            while cursor.nextset():
                yield self._render_result(cursor)

    def _render_result(self, cursor: DBAPICursor) -> str:
        if cursor.description is None:
            return f"rows affected: {cursor.rowcount}" if cursor.rowcount >= 0 else "done"
        rows = cursor.fetchmany(_ROWS)
        total = len(rows)
        while more := cursor.fetchmany(_BATCH):
            self._raise_if_stopped()
            total += len(more)
        cut = f", the first {len(rows)} are shown" if total > len(rows) else ""
        return f"rows: {total}{cut}\n{_render_table([column[0] for column in cursor.description], rows)}"

    def _interrupt(self) -> None:
        """Interrupt the running statement. Other databases are not interrupted: they roll back when it has ended."""
        connection: Any = self._connection
        try:
            match self._engine.dialect.name if connection else None:
                case "sqlite":
                    connection.interrupt()
                case "postgresql":
                    connection.cancel_safe()
                case "mysql" | "mariadb":
                    with self._engine.connect() as other:
                        other.exec_driver_sql(f"KILL QUERY {connection.thread_id():d}")
                case _:
                    pass
        except (DBAPIError, self._engine.dialect.loaded_dbapi.Error) as error:
            log.warning("a statement could not be interrupted: %s", error)


def _run_in_thread(work: Callable[[], None]) -> asyncio.Future[None]:
    """Run a function in a daemon thread, so that the server can stop even if a database never answers."""
    outcome: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - raised where the outcome is awaited
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    threading.Thread(target=run, daemon=True).start()
    return asyncio.wrap_future(outcome)


def split_sqlite(text: str) -> Iterator[str]:
    """Yield the statements of a text, as SQLite finds their ends; a trigger with its statements is one statement."""
    start = 0
    for end in (place + 1 for place, character in enumerate(text) if character == ";"):
        if sqlite3.complete_statement(text[start:end]):
            yield text[start:end]
            start = end
    if text[start:].strip():
        yield text[start:]


def _engine(url: URL) -> Engine:
    options: dict[str, Any] = {}
    if url.get_driver_name() == "pymysql":
        from pymysql.constants.CLIENT import MULTI_STATEMENTS
        from pymysql.cursors import SSCursor

        # An SSCursor does not read whole results into memory.
        options = {"client_flag": MULTI_STATEMENTS, "cursorclass": SSCursor}
    return create_engine(url, poolclass=NullPool, connect_args=options)


def _render_table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    # Imported here, in the thread of a job: a server that runs no SQL saves 2 MB.
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    columns = [Column(Text(name), max_width=_CELL, no_wrap=True, overflow="ellipsis") for name in names]
    table = Table(*columns, box=box.ASCII)
    for row in rows:
        table.add_row(*(Text(_render_value(value)) for value in row))
    console = Console(file=io.StringIO(), width=len(names) * (_CELL + 3) + 1, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def _render_value(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bytes() | memoryview():
            return f"0x{bytes(value[:_CELL]).hex()}"
        case _:
            return str(value)[: _CELL + 1]


def _problems(spec: SqlSpec, path: str, settings: LocalSettings) -> Iterator[Problem]:
    if spec.id not in settings.databases:
        yield Problem(f"{path}.id", "there is no database {id}; add it to the setting local.databases", {"id": spec.id})
    if not spec.sql.strip():
        yield Problem(f"{path}.sql", "write at least one statement")


def _step(spec: SqlSpec, name: str, _: Mapping[str, str]) -> SqlStep:
    return SqlStep(name, spec.id, spec.sql, DEFAULT_TIMEOUT.total_seconds())


KIND = JobKind(_problems, _step)
