"""The store in an SQL database (`core.ports.store.Store`)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import URL

from adapters.store.sql.databases import READERS, Availability, begin, reading_engine, writing_engine
from adapters.store.sql.reading import SqlReading
from adapters.store.sql.sealing import Sealing
from adapters.store.sql.writer import Writer
from adapters.store.sqlite_file import OpenedFile
from core.ports.clock import Clock
from core.ports.store import Reading, Writing

if TYPE_CHECKING:
    from adapters.store.sql.listening import Listener

T = TypeVar("T")


class SqlStore:
    """Plans in SQLite or PostgreSQL: one thread writes, a few read."""

    def __init__(self, url: URL, secret_key: bytes, clock: Clock) -> None:
        """Use a database that has its tables; credentials are sealed with a key that is derived from `secret_key`."""
        self._url, self._sender = url, secrets.token_hex(8)
        self._sealing = Sealing(secret_key)
        self._availability = Availability()
        self._file = OpenedFile(str(url)) if url.get_backend_name() == "sqlite" else None
        engine = writing_engine(url, self._sender)
        self._writer = Writer(engine, self._sealing, clock, self._availability, self._file)
        self._engine = reading_engine(url)
        self._readers = ThreadPoolExecutor(READERS, "fabu-reader")
        self._listeners: list[Listener] = []

    async def write(self, work: Callable[[Writing], T]) -> T:
        """See `Store.write`."""
        return await self._writer.submit(work)

    async def read(self, query: Callable[[Reading], T]) -> T:
        """See `Store.read`. Raises Unavailable when the database cannot be read."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query)

    def listen(self, notify: Callable[[], None]) -> None:
        """See `Store.listen`. With SQLite there are no other replicas."""
        if self._url.get_backend_name() == "postgresql":
            from adapters.store.sql.listening import Listener  # with SQLite its driver would cost 10 MB for nothing

            loop = asyncio.get_running_loop()
            self._listeners.append(Listener(self._url, self._sender, lambda: _call(loop, notify)))

    async def close(self) -> None:
        """See `Store.close`."""
        await asyncio.to_thread(self._close)

    def _read(self, query: Callable[[Reading], T]) -> T:
        with self._availability.track("reading"):
            if self._file:
                self._file.check()
            with self._engine.connect() as connection:
                begin(connection, "DEFERRED")
                return query(SqlReading(connection, self._sealing))

    def _close(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._readers.shutdown()
        self._engine.dispose()
        self._writer.close()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function)
