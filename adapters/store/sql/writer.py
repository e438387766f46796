"""The one thread that writes: it runs the submitted functions in turn, each in its own transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from adapters.store.sql.cards import SqlCardWrites
from adapters.store.sql.databases import Availability, begin
from adapters.store.sql.digests import SqlDigestWrites
from adapters.store.sql.outbox import SqlOutbox
from adapters.store.sql.people import SqlPeopleWrites
from adapters.store.sql.plan_writes import SqlPlanWrites
from adapters.store.sql.replicas import SqlReplicaWrites
from adapters.store.sql.requests import SqlRequestWrites
from adapters.store.sql.sealing import Sealing
from adapters.store.sql.seen import SqlSeenWrites
from adapters.store.sql.timers import SqlTimers
from adapters.store.sqlite_file import OpenedFile
from core.ports.cards import CardWrites
from core.ports.clock import Clock
from core.ports.digests import DigestWrites
from core.ports.outbox import Outbox
from core.ports.people import PeopleWrites
from core.ports.plans import PlanWrites
from core.ports.replicas import ReplicaWrites
from core.ports.requests import RequestWrites
from core.ports.seen import SeenWrites
from core.ports.store import Writing
from core.ports.timers import Timers

T = TypeVar("T")


class SqlWriting:
    """Implements `Writing`: one transaction."""

    def __init__(self, connection: Connection, sealing: Sealing, clock: Clock) -> None:
        self.plans: PlanWrites = SqlPlanWrites(connection, sealing, clock)
        self.requests: RequestWrites = SqlRequestWrites(connection)
        self.outbox: Outbox = SqlOutbox(connection, clock)
        self.timers: Timers = SqlTimers(connection)
        self.cards: CardWrites = SqlCardWrites(connection)
        self.digests: DigestWrites = SqlDigestWrites(connection)
        self.people: PeopleWrites = SqlPeopleWrites(connection)
        self.seen: SeenWrites = SqlSeenWrites(connection)
        self.replicas: ReplicaWrites = SqlReplicaWrites(connection)


class Writer:
    """Writes over one connection, which it replaces after any error."""

    def __init__(
        self, engine: Engine, sealing: Sealing, clock: Clock, availability: Availability, file: OpenedFile | None
    ) -> None:
        """`file` is that of the database, if it is one."""
        self._engine, self._sealing, self._clock = engine, sealing, clock
        self._availability, self._file = availability, file
        self._thread = ThreadPoolExecutor(1, "fabu-writer")
        self._connection: Connection | None = None

    async def submit(self, work: Callable[[Writing], T]) -> T:
        """Run a function in one transaction and return when it is committed. Raises Conflict and Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def close(self) -> None:
        """Run what was submitted, then disconnect. Blocks."""
        self._thread.shutdown()
        if self._connection:
            self._connection.close()
        self._engine.dispose()

    def _run(self, work: Callable[[Writing], T]) -> T:
        """Run a function and commit. When the connection is lost before the commit is sent, run it once more."""
        with self._availability.track("writing", self._has_written):
            try:
                result = self._execute(work)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                result = self._execute(work)
            with self._use_connection() as connection:
                self._check_file()
                connection.commit()
            return result

    def _has_written(self) -> bool:
        """Tell whether the connection has changed anything since the last error, and there is room for more."""
        if not self._file:
            return True
        driver = self._connection and self._connection.connection.driver_connection
        return bool(getattr(driver, "total_changes", 0)) and self._file.has_room()

    def _check_file(self) -> None:
        """Raise DatabaseTrouble when the file of the database is not the one that was opened any more."""
        if self._file:
            self._file.check()

    def _execute(self, work: Callable[[Writing], T]) -> T:
        self._check_file()
        with self._use_connection() as connection:
            begin(connection, "IMMEDIATE")
            return work(SqlWriting(connection, self._sealing, self._clock))

    @contextmanager
    def _use_connection(self) -> Iterator[Connection]:
        """Yield the connection. After an error close it, which rolls back; the next use opens a new one."""
        connection = self._connection = self._connection or self._engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            self._connection = None
            raise
