"""Jobs of type `sql`: statements that run in one transaction, or each by itself, with the result of each in the output.

In a transaction, PostgreSQL and MariaDB split the text into statements themselves, and SQLite finds the end of a
statement. So strings, comments, triggers and procedures are parsed as the database parses them. Without a transaction,
the text for PostgreSQL is split here: PostgreSQL runs all statements that it gets at once in one transaction.
"""

from __future__ import annotations

import asyncio
import io
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError

from adapters.local.databases import SqliteGuard, open_engine
from adapters.local.settings import LocalSettings
from adapters.local.statements import split_postgresql, split_sqlite
from adapters.local.steps import JobKind, StepContext, StepError, parse_timeout, timeout_problems
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
    transaction: bool = True

    async def run(self, context: StepContext) -> None:
        """Run the statements on their database. Raises StepError when they could not all be run."""
        url = context.settings.databases[self.database].get_secret_value()
        execution = Execution(url, self.statements, transaction=self.transaction)
        await execution.run(context.output.write_line, context.grace)


class Execution:
    """The statements of one step on one database, for one run: in one `transaction`, or each committed by itself.

    In one transaction, all statements are committed, or none. But MariaDB and MySQL commit at every statement that
    changes a definition. On SQLite, the job sends BEGIN and COMMIT, which must not be among the statements.
    """

    def __init__(self, url: str, statements: str, *, transaction: bool) -> None:
        self._engine = open_engine(make_url(url), autocommit=not transaction)
        self._statements = statements
        self._transaction = transaction
        self._completed = 0
        self._connection: DBAPIConnection | None = None
        self._guard: SqliteGuard | None = None
        self._stopped = threading.Event()

    async def run(self, report: Report, grace: float) -> None:
        """Run the statements in a thread; `report` is called in the event loop with lines for the output.

        On cancellation, the running statement is interrupted and its transaction is rolled back. This waits at most
        `grace` seconds for the database; nothing more is committed even if that takes longer.

        Raises:
            StepError: with the error of the database. In one transaction, the job has committed nothing.
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
                if self._engine.dialect.name == "sqlite":
                    self._guard = SqliteGuard(self._connection)
                for number, lines in enumerate(self._execute(connection.cursor()), 1):
                    self._completed = number
                    self._raise_if_stopped()
                    report(f"statement {number}: {lines}")
                if self._transaction:
                    self._raise_if_stopped()
                    connection.commit()
            finally:
                connection.close()  # rolls back without a commit
            if self._transaction:
                report("committed")
        except DBAPIError as error:
            raise self._failure(str(error.orig)) from error
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise self._failure(str(error)) from error

    def _failure(self, error: str) -> StepError:
        if self._guard and self._guard.refused:
            what = self._guard.refused
            return StepError(Message("{what} is refused: an sql job reaches its own database alone", {"what": what}))
        if self._transaction or not self._completed:
            return StepError(Message.verbatim(error))
        detail = Message(
            "{error} (statements completed before, not undone: {count})", {"error": error, "count": self._completed}
        )
        return StepError(detail)

    def _raise_if_stopped(self) -> None:
        if self._stopped.is_set():
            raise StepError(Message("stopped"))

    def _execute(self, cursor: DBAPICursor) -> Iterator[str]:
        """Execute the statements, and yield the lines for the output of each."""
        dialect = self._engine.dialect.name
        if dialect == "sqlite" and self._transaction:
            cursor.execute("BEGIN")
        for text in self._texts(dialect):
            cursor.execute(text)
            yield self._render_result(cursor)
            while dialect != "sqlite" and cursor.nextset():
                yield self._render_result(cursor)

    def _texts(self, dialect: str) -> Iterator[str]:
        """Yield the texts to execute: single statements, or all of them where the database splits the text itself."""
        match dialect:
            case "sqlite":
                yield from split_sqlite(self._statements)
            case "postgresql" if not self._transaction:
                yield from split_postgresql(self._statements)
            case _:
                yield self._statements

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
    yield from timeout_problems(f"{path}.timeout", spec.timeout)


def _step(spec: SqlSpec, name: str, _: Mapping[str, str]) -> SqlStep:
    return SqlStep(name, spec.id, spec.sql, parse_timeout(spec.timeout).total_seconds(), spec.transaction)


KIND = JobKind(_problems, _step)
