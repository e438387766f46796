"""Errors of a database: which are tried again, what they are called, and that none of them shows a value."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from adapters.store.open import open_store
from core import commands as c
from core.effects import Effect, Sync
from core.errors import Conflict, FabuError, Unavailable
from core.ports.people import Token
from core.ports.store import Store, Writing
from tests.clock import ManualClock
from tests.contract.store.conftest import SECRET_KEY
from tests.contract.store.offices import Office
from tests.waiting import eventually
from tests.worlds import SLACK, START, draft, stage

SECRET = "5ecret-value"


class Calls:
    """Work in a transaction that counts how often it is done."""

    def __init__(self, work: Callable[[Writing], object]) -> None:
        self._work, self.count = work, 0

    def __call__(self, writing: Writing) -> None:
        self.count += 1
        self._work(writing)


def token(name: str = "t1") -> Token:
    return Token(name, SECRET, SECRET, SECRET, START)


def add_twice(writing: Writing) -> None:
    writing.people.add_token(token())
    writing.people.add_token(token("t2"))  # with the same digest


def add_unstorable(writing: Writing) -> None:
    writing.people.link(SECRET, f"{SECRET}\0", SECRET, START)


def divide(_: Writing) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(("work", "error"), [(add_twice, Conflict), (divide, ZeroDivisionError)])
async def test_what_is_no_lost_connection_is_not_tried_again(
    store: Store, work: Callable[[Writing], object], error: type[Exception]
) -> None:
    calls = Calls(work)
    with pytest.raises(error):
        await store.write(calls)
    assert calls.count == 1
    assert await store.read(lambda reading: reading.people.tokens()) == []


async def test_a_table_that_is_missing_is_not_looked_for_again(sqlite_file: Path) -> None:
    store = open_store(f"sqlite:///{sqlite_file}", SECRET_KEY)
    with closing(sqlite3.connect(sqlite_file)) as other:
        other.execute("DROP TABLE tokens")
    calls = Calls(lambda writing: writing.people.add_token(token()))
    with pytest.raises(Unavailable):
        await store.write(calls)
    assert calls.count == 1
    await store.close()


def terminate(url: str) -> None:
    """End all other connections of a PostgreSQL database, as a restart of the server does."""
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with create_engine(url, poolclass=NullPool).connect() as connection:
        connection.execute(text(others))


async def test_work_is_done_once_more_when_its_connection_is_lost(empty_postgres: str) -> None:
    store = open_store(empty_postgres, SECRET_KEY)

    def lose(writing: Writing) -> None:
        writing.people.add_token(token())
        if calls.count == 1:
            terminate(empty_postgres)
        writing.people.add_token(Token("t2", "another", "bob", "ci", START))

    calls = Calls(lose)
    await store.write(calls)
    assert calls.count == 2
    assert [found.id for found in await store.read(lambda reading: reading.people.tokens())] == ["t1", "t2"]
    await store.close()


async def test_work_is_not_done_a_third_time(empty_postgres: str) -> None:
    store = open_store(empty_postgres, SECRET_KEY)

    def lose(writing: Writing) -> None:
        writing.people.add_token(token())
        terminate(empty_postgres)
        writing.people.add_token(token("t2"))

    calls = Calls(lose)
    with pytest.raises(Unavailable):
        await store.write(calls)
    assert calls.count == 2
    assert await store.read(lambda reading: reading.people.tokens()) == []
    await store.close()


def waits_for_lock(url: str) -> bool:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar())


async def test_a_command_that_deadlocks_with_another_replica_is_executed_all_the_same(
    empty_postgres: str, clock: ManualClock
) -> None:
    first, second = (open_store(empty_postgres, SECRET_KEY, clock) for _ in range(2))
    office = Office(second, clock)
    plan = await office.create(draft(stage("bob")))
    begun, cross = threading.Event(), threading.Event()

    def hold(writing: Writing) -> None:
        writing.outbox.add([Effect("other", "another plan", SLACK, Sync())])  # holds the lock of the announcements
        begun.set()
        assert cross.wait(20)
        writing.outbox.add([Effect("same", plan.id, SLACK, Sync())])

    holding = asyncio.create_task(first.write(hold))
    assert await asyncio.to_thread(begun.wait, 20)
    asked = asyncio.create_task(office.do(c.Submit, plan))  # adds the plan's sync, then waits for the announcements
    await eventually(asyncio.to_thread, waits_for_lock, empty_postgres, wanted=bool)
    cross.set()
    held, _ = await asyncio.gather(holding, asked, return_exceptions=True)
    assert held is None or isinstance(held, Conflict), "the database ends one of both"
    assert asked.exception() is None
    assert [entry.event for entry in await office.log(plan)] == ["created", "finished", "submitted"]
    for store in (first, second):
        await store.close()


def all_text(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


async def shown(store: Store, work: Callable[[Writing], Any], caplog: pytest.LogCaptureFixture) -> str:
    """Return everything that a log would show of the failure of some work."""
    with pytest.raises(FabuError) as caught:
        await store.write(work)
    return f"{caught.value}\n{all_text(caught.value)}\n{caplog.text}"


async def test_no_lost_race_shows_a_value(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    assert SECRET not in await shown(store, add_twice, caplog)


async def test_what_cannot_be_stored_is_not_shown(empty_postgres: str, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(empty_postgres, SECRET_KEY)
    assert SECRET not in await shown(store, add_unstorable, caplog)
    await store.close()


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
async def test_no_outage_shows_a_value(
    request: pytest.FixtureRequest, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = (
        f"sqlite:///{request.getfixturevalue('sqlite_file')}"
        if where == "sqlite"
        else request.getfixturevalue("empty_postgres")
    )
    store, engine = open_store(url, SECRET_KEY), create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE tokens RENAME TO elsewhere")
    try:
        text_of = await shown(store, lambda writing: writing.people.add_token(token()), caplog)
        with pytest.raises(Unavailable) as caught:
            await store.read(lambda reading: reading.people.tokens(SECRET))
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO tokens")
        await store.close()
    assert "tokens" in text_of, "the log says what is missing"
    assert SECRET not in text_of + all_text(caught.value)
