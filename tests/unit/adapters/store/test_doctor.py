"""The check-up of the store."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.store.doctor import examine, server_time
from adapters.store.migrate import upgrade
from adapters.store.settings import DatabaseSettings
from tests.adapters import wrong
from tests.services import fresh_database

POSTGRES = os.environ.get("FABU_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


async def test_database(tmp_path: Path) -> None:
    file = tmp_path / "fabu.db"
    database = DatabaseSettings(url=f"sqlite:///{file}")
    assert wrong(await examine(database)) == []
    assert not file.exists()
    file.touch()
    assert wrong(await examine(database)) == ["its tables are older"]
    upgrade(database.url)
    assert wrong(await examine(database)) == []
    assert await server_time(database) is None
    [found] = wrong(await examine(DatabaseSettings(url="postgresql://nobody:hunter2@127.0.0.1:1/none")))
    assert found.startswith("the database does not answer")
    assert "hunter2" not in found
    assert wrong(await examine(DatabaseSettings(url="postgresql://db:port/none"))) == ["database.url cannot be read"]


async def test_database_of_several_servers() -> None:
    with fresh_database("PostgreSQL", POSTGRES, drop="DROP DATABASE {} WITH (FORCE)") as url:
        scaled = DatabaseSettings(url=url)
        assert wrong(await examine(scaled)) == ["its tables are older"]
        upgrade(url)
        assert wrong(await examine(scaled)) == []
        there = await server_time(scaled)
        assert there
        assert abs(there - datetime.now(UTC)) < timedelta(seconds=30)
