"""Connections to SQLite and PostgreSQL, configured so that both give the same guarantees."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from adapters.store.troubles import DatabaseTrouble, Trouble, trouble_of
from core.errors import Conflict, Invalid, Problem

log = logging.getLogger(__name__)

READERS = 4
"""Threads and connections for reading."""
_CONNECT = {"connect_timeout": 5, "keepalives_idle": 30, "application_name": "fabu"}
IDLE_LIMIT = "10s"
"""How long PostgreSQL waits for the next statement of a transaction that writes. A server that stands still, or is cut
off, would keep its locks from all others."""
_RETRYABLE = ("40001", "40P01")
"""PostgreSQL, appendix A: serialization_failure and deadlock_detected."""


def parse_url(url: str) -> URL:
    """Return the URL of a database that Fabu can use, with the driver that it uses. Raises ValueError otherwise."""
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and not parsed.database.startswith((":memory:", "file:")):
            return parsed.set(drivername="sqlite+pysqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case _:
            raise ValueError("write the database as sqlite:///FILE, postgresql://USER@HOST/NAME or memory://")


def writing_engine(url: URL, sender: str) -> Engine:
    """Return an engine for the one connection that writes; its notifications carry `sender`."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, pool_size=1)
    engine = _engine(url, pool_size=1, connect_args=_CONNECT, execution_options={"sender": sender})

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, record: Any) -> None:
        connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_LIMIT}'")
        connection.commit()

    return engine


def reading_engine(url: URL) -> Engine:
    """Return an engine for the connections that read; each transaction sees one snapshot."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, pool_size=READERS)
    snapshot = {"isolation_level": "REPEATABLE READ", "pool_pre_ping": True}
    return _engine(url, pool_size=READERS, connect_args=_CONNECT, **snapshot)


def _engine(url: URL, **options: Any) -> Engine:
    """Return an engine whose errors have no parameters: these may be texts of people, or sealed credentials."""
    return create_engine(url, max_overflow=0, hide_parameters=True, **options)


def begin(connection: Connection, sqlite_mode: str) -> None:
    """Begin a transaction; on SQLite the driver would begin it too late, and never as IMMEDIATE (Python docs, sqlite3).

    An event handler of the engine could do the same, but would make every statement slower.
    """
    connection.begin()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"BEGIN {sqlite_mode}")


def connectable(url: URL) -> URL:
    """Return the URL by which a connection is opened; SQLite makes no new file by it where the database is missing."""
    if url.get_backend_name() != "sqlite":
        return url
    file = "file:" + quote(os.path.realpath(str(url.database)))
    return url.set(database=file).update_query_dict({"mode": "rw", "uri": "true"})


def _sqlite(url: URL, *, pool_size: int) -> Engine:
    """Return an engine for SQLite that begins no transaction by itself: see `begin`."""
    engine = _engine(connectable(url), pool_size=pool_size, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None
        # A completed commit survives a power cut (FULL); readers and the writer do not block each other (WAL).
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    return engine


class Availability:
    """Logs one line when a database is lost, and one when it is back, however many requests fail meanwhile.

    Each use of it, such as reading, is lost by itself: a full disk can still be read. The database is back when no use
    is lost any more. Several threads share an object.
    """

    def __init__(self) -> None:
        self._lost: dict[str, Trouble] = {}
        self._lock = Lock()

    @contextmanager
    def track(self, use: str, has_written: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Translate the errors of one use as `translate_errors` does, and log the loss or the return.

        `has_written` tells whether a use that succeeded changed anything.
        """
        try:
            with translate_errors():
                yield
        except DatabaseTrouble as error:
            self._mark_lost(use, error)
            raise
        if use in self._lost and (not self._lost[use].until_written or has_written()):
            self._mark_restored(use)

    def _mark_lost(self, use: str, error: DatabaseTrouble) -> None:
        with self._lock:
            if not self._lost:
                log.error("The database cannot answer: %s; %s", error.reason, error.trouble.cure)
            self._lost[use] = error.trouble

    def _mark_restored(self, use: str) -> None:
        with self._lock:
            if self._lost.pop(use, None) and not self._lost:
                log.info("The database answers again")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate errors of a database into Conflict (a lost race), Invalid (it cannot store this) or DatabaseTrouble.

    What the database says of the first two is dropped: PostgreSQL quotes the values, in lines after the first one.
    """
    try:
        yield
    except IntegrityError:
        raise Conflict from None
    except DataError:
        raise Invalid(
            Problem("text", "the database cannot keep this text or number; look for control characters")
        ) from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") in _RETRYABLE:
            raise Conflict from error
        raise DatabaseTrouble(trouble_of(error.orig), error.orig) from error
