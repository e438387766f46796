"""Empty stores of each kind. For speed the tables are created once, and then copied or emptied."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from adapters.store.migrate import upgrade
from adapters.store.open import open_store
from adapters.store.sql.tables import metadata
from core.ports.store import Store
from tests.clock import ManualClock
from tests.contract.store.offices import Office
from tests.worlds import START

SECRET_KEY = b"a key for tests"


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "empty.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_file(empty_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty_file, tmp_path / "fabu.db"))


@pytest.fixture(scope="session")
def postgres_with_tables(postgres_url: str) -> str:
    upgrade(postgres_url)
    return postgres_url


@pytest.fixture
def empty_postgres(postgres_with_tables: str) -> Iterator[str]:
    yield postgres_with_tables
    names = ", ".join(table.name for table in metadata.sorted_tables if table.name != "counters")
    engine = create_engine(postgres_with_tables, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names}"))
        connection.execute(text("UPDATE counters SET value = 0"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    match request.param:
        case "memory":
            return "memory://"
        case "sqlite":
            return f"sqlite:///{request.getfixturevalue('sqlite_file')}"
        case _:
            url: str = request.getfixturevalue("empty_postgres")
            return url


@pytest.fixture
async def store(store_url: str, clock: ManualClock) -> AsyncIterator[Store]:
    opened = open_store(store_url, SECRET_KEY, clock)
    yield opened
    await opened.close()


@pytest.fixture
def office(store: Store, clock: ManualClock) -> Office:
    return Office(store, clock)


@pytest.fixture
async def stores(empty_postgres: str, clock: ManualClock) -> AsyncIterator[list[Store]]:
    opened = [open_store(empty_postgres, SECRET_KEY, clock) for _ in range(2)]
    yield opened
    for store in opened:
        await store.close()


@pytest.fixture
def offices(stores: list[Store], clock: ManualClock) -> list[Office]:
    return [Office(store, clock) for store in stores]
