"""What is logged of a database that is lost: one line, and one when it is back."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from adapters.store.migrate import upgrade
from adapters.store.open import open_store
from adapters.store.sql.databases import Availability
from core.errors import Conflict, Unavailable
from core.ports.store import Store
from tests.services import fresh_postgres

_END_CONNECTIONS = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :database")


@pytest.fixture(autouse=True)
def _level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "adapters.store.sql.databases")


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return what was logged: the level, and the text before the reason."""
    return [(record.levelname, record.getMessage().partition(":")[0]) for record in caplog.records]


async def use(store: Store) -> int:
    """Read three times and write twice, at the same time; return how many of them failed."""
    work = [
        *(store.read(lambda reading: reading.plans.counts()) for _ in range(3)),
        *(store.write(lambda writing: writing.people.unlink("slack", "nobody")) for _ in range(2)),
    ]
    results = await asyncio.gather(*work, return_exceptions=True)
    assert all(isinstance(result, Unavailable) for result in results if isinstance(result, BaseException))
    return sum(isinstance(result, Unavailable) for result in results)


async def test_an_outage_is_logged_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    with fresh_postgres() as url:
        upgrade(url)
        store = open_store(url, b"k" * 32)
        assert await use(store) == 0
        database = make_url(url).database
        server = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with server.connect() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
            connection.execute(_END_CONNECTIONS, {"database": database})
        assert [await use(store) for _ in range(3)] == [5, 5, 5]
        assert lines(caplog) == [("ERROR", "The database cannot answer")]
        with server.connect() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
        assert [await use(store) for _ in range(2)] == [0, 0]
        await store.close()
    assert lines(caplog) == [("ERROR", "The database cannot answer"), ("INFO", "The database answers again")]


def full() -> OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return OperationalError("INSERT", {}, error)


def test_a_full_disk_is_lost_until_something_is_written(caplog: pytest.LogCaptureFixture) -> None:
    availability = Availability()
    for _ in range(3):
        with pytest.raises(Unavailable, match="disk of Fabu's database is full"), availability.track("writing"):
            raise full()
        with availability.track("reading"), availability.track("writing", lambda: False):
            pass
    assert [record.getMessage() for record in caplog.records] == [
        "The database cannot answer: database or disk is full; make room on its disk"
    ]
    with availability.track("writing"):
        pass
    assert lines(caplog)[1:] == [("INFO", "The database answers again")]


def test_other_errors_are_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    availability = Availability()
    for error in (Conflict(), Unavailable()):
        with pytest.raises(type(error)), availability.track("reading"):
            raise error
    assert lines(caplog) == []
