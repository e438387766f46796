"""The check-up of the store."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.store.doctor import examine, server_time
from adapters.store.lock import exclusive_lock
from adapters.store.migrate import upgrade
from adapters.store.open import open_store
from adapters.store.settings import DatabaseSettings
from tests.adapters import wrong
from tests.services import fresh_database

POSTGRES = os.environ.get("FABU_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


async def test_database(tmp_path: Path) -> None:
    file = tmp_path / "fabu.db"
    database = DatabaseSettings(url=f"sqlite:///{file}")
    assert wrong(await examine(database)) == []
    assert not file.exists()
    upgrade(database.url)
    assert wrong(await examine(database)) == []
    assert await server_time(database) is None
    file.write_bytes(b"no database" * 1000)
    assert wrong(await examine(database)) == ["the database does not answer: file is not a database"]
    file.unlink()
    file.with_name("fabu.db.lock").write_text("A server has used it.")
    [found] = wrong(await examine(database))
    assert "was moved, removed or emptied" in found
    [found] = wrong(await examine(DatabaseSettings(url="postgresql://nobody:hunter2@127.0.0.1:1/none")))
    assert found.startswith("the database does not answer")
    assert "hunter2" not in found
    assert wrong(await examine(DatabaseSettings(url="postgresql://db:port/none"))) == ["database.url cannot be read"]


def expose(*files: Path) -> None:
    for file in files:
        file.chmod(0o644)


async def test_the_files_of_a_database_are_for_their_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "fabu.db"
    database = DatabaseSettings(url=f"sqlite:///{file}")
    before = os.umask(0)
    try:
        store = open_store(database.url, b"k" * 32)
        with exclusive_lock(database.url):
            await store.write(lambda writing: writing.people.unlink("slack", "nobody"))
    finally:
        os.umask(before)
    names = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
    assert names == dict.fromkeys(("fabu.db", "fabu.db-wal", "fabu.db-shm", "fabu.db.lock"), 0o600)
    assert wrong(await examine(database)) == []
    await store.close()
    expose(file, file.with_name("fabu.db.lock"))
    exposed = [f"{file}{suffix} has the permissions 0644" for suffix in ("", ".lock")]
    assert wrong(await examine(database)) == exposed


async def test_database_of_several_servers() -> None:
    with fresh_database("PostgreSQL", POSTGRES, drop="DROP DATABASE {} WITH (FORCE)") as url:
        scaled = DatabaseSettings(url=url)
        assert wrong(await examine(scaled)) == ["its tables are older"]
        upgrade(url)
        assert wrong(await examine(scaled)) == []
        there = await server_time(scaled)
        assert there
        assert abs(there - datetime.now(UTC)) < timedelta(seconds=30)
