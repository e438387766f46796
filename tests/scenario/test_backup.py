"""`fabu backup` while a server is busy, and `fabu restore` to either kind of database."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest
from aiohttp import ClientSession

from adapters.store.migrate import upgrade
from tests.scenario.office import Json, written_for
from tests.scenario.process import Server, fail_fabu, run_fabu, serving
from tests.services import fresh_postgres
from tests.waiting import until

PLAN = {"name": "Payments 2.4", "items": [{"key": "notes", "name": "Notes", "type": "text", "content": "x"}]}
KINDS = ("sqlite", "postgresql")


class Databases:
    """Makes places for databases."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack

    def place(self, kind: str, name: str) -> Json:
        """Return settings for a database that does not exist yet, or is empty; all have the same secret key."""
        written = written_for(self._folder / name, {})
        url = self._stack.enter_context(fresh_postgres()) if kind == "postgresql" else written["database"]["url"]
        return written | {"database": {"url": url}, "server": written["server"] | {"secret_key": "k" * 64}}


@pytest.fixture
def databases(tmp_path: Path) -> Iterator[Databases]:
    with ExitStack() as stack:
        yield Databases(tmp_path, stack)


class Load:
    """Clients that make plans without an end; `made` are the ids of those that the server has acknowledged."""

    def __init__(self, server: Server, token: str) -> None:
        self._url, self.headers = f"{server.url}/api/v1/plans", {"Authorization": f"Bearer {token}"}
        self.made: list[str] = []

    async def run(self, session: ClientSession) -> None:
        while True:
            self.made.append(await self.create(session))

    async def create(self, session: ClientSession) -> str:
        async with session.post(self._url, json=PLAN, headers=self.headers) as response:
            answer = await response.json()
            assert response.status == 201, answer
            return str(answer["id"])

    async def until(self, number: int) -> None:
        await until(lambda: len(self.made) >= number)


@asynccontextmanager
async def busy(written: Json) -> AsyncIterator[Load]:
    """Run a server with four clients."""
    async with serving(written) as server, ClientSession() as session:
        load = Load(server, await new_token(written))
        async with asyncio.TaskGroup() as tasks:
            clients = [tasks.create_task(load.run(session)) for _ in range(4)]
            yield load
            for client in clients:
                client.cancel()
        await server.end(SIGTERM)


async def new_token(written: Json) -> str:
    code, token = await run_fabu("token", "create", "--as", "alice", written=written, variables={})
    assert code == 0
    return token.split()[0]


async def plans_of(written: Json) -> set[str]:
    """Start a server on a database, let it make a plan, and return the plans that were there before."""
    async with serving(written) as server, ClientSession() as session:
        load = Load(server, await new_token(written))
        found: set[str] = set()
        query = "?limit=100"
        while query:
            async with session.get(f"{server.url}/api/v1/plans{query}", headers=load.headers) as response:
                page: Any = await response.json()
            found |= {plan["id"] for plan in page["items"]}
            query = f"?limit=100&cursor={page['next_cursor']}" if page["next_cursor"] else ""
        assert await load.create(session) not in found
        return found


@pytest.mark.parametrize(("here", "there"), [KINDS, KINDS[::-1]])
async def test_a_backup_of_a_busy_server_is_brought_back(
    databases: Databases, tmp_path: Path, here: str, there: str
) -> None:
    written, file = databases.place(here, "here"), tmp_path / "backup.db"
    if here == "postgresql":
        upgrade(written["database"]["url"])
    async with busy(written) as load:
        await load.until(40)
        acknowledged = set(load.made)
        code, output = await run_fabu("backup", str(file), written=written, variables={})
        assert code == 0, output
        assert "keep server.secret_key of the settings" in output
        await load.until(len(load.made) + 20)
        assert (await fail_fabu("backup", str(file), written=written))[1].startswith(f"{file} exists already")
    assert mode_of(file) == 0o600

    restored = databases.place(there, "there")
    code, output = await run_fabu("restore", str(file), written=restored, variables={})
    assert code == 0, output
    code, output = await run_fabu("audit", "verify", written=restored, variables={})
    assert (code, "The log fits." in output) == (0, True), output
    found = await plans_of(restored)
    assert acknowledged <= found
    assert len(found) < len(load.made), "the server went on meanwhile"
    code, line = await fail_fabu("restore", str(file), written=restored)
    assert (code, "already" in line or "is not empty" in line) == (1, True), line
    assert names_beside(file) == {"backup.db"}


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_restored_where_a_server_runs(databases: Databases, tmp_path: Path, kind: str) -> None:
    written, file = databases.place(kind, "here"), tmp_path / "backup.db"
    if kind == "postgresql":
        upgrade(written["database"]["url"])
    async with serving(written):
        assert (await run_fabu("backup", str(file), written=written, variables={}))[0] == 0
        code, line = await fail_fabu("restore", str(file), written=written)
    assert code == 1
    assert ("Another server runs on this database" in line) or ("A server of Fabu is connected" in line)


async def test_what_is_no_backup_of_this_installation_is_refused(databases: Databases, tmp_path: Path) -> None:
    written, file = databases.place("sqlite", "here"), tmp_path / "backup.db"
    async with serving(written) as server, ClientSession() as session:
        await Load(server, await new_token(written)).create(session)
        assert (await run_fabu("backup", str(file), written=written, variables={}))[0] == 0
    elsewhere = databases.place("sqlite", "there")
    torn, newer = tmp_path / "torn.db", tmp_path / "newer.db"
    write(torn, content_of(file)[: len(content_of(file)) // 2])
    write(newer, content_of(file))
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for name, said in {
        "nothing.db": "There is no ",
        "torn.db": "is no whole backup",
        "newer.db": "was written by a newer version of Fabu",
    }.items():
        code, line = await fail_fabu("restore", str(tmp_path / name), written=elsewhere)
        assert (code, said in line) == (1, True), line
    other = elsewhere | {"server": elsewhere["server"] | {"secret_key": "x" * 64}}
    _, line = await fail_fabu("restore", str(file), written=other)
    assert line.startswith("server.secret_key is not the secret that the database was written with")
    keyless = elsewhere | {"server": elsewhere["server"] | {"secret_key": ""}}
    _, line = await fail_fabu("restore", str(file), written=keyless)
    assert "fabu.key is lost, but the database was written with it: restore it from the backup" in line
    assert names_beside(tmp_path / "there" / "fabu.db") <= {"fabu.db.lock"}


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


def names_beside(file: Path) -> set[str]:
    """Return the names of the files in a file's folder."""
    return {entry.name for entry in os.scandir(file.parent) if entry.is_file()} if file.parent.exists() else set()


def content_of(file: Path) -> bytes:
    return file.read_bytes()


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)
