"""The file of an SQLite database and its disk, under a server that runs as a process of its own."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.scenario.mounts import mounted
from tests.scenario.office import Json, written_for
from tests.scenario.process import Server, fail_fabu, run_fabu, serving
from tests.waiting import eventually, until

PLAN = {"name": "Payments 2.4", "items": [{"key": "notes", "name": "Notes", "type": "text", "content": "x"}]}
GONE = "The file of Fabu's database was moved, removed or replaced while Fabu runs."


@pytest.fixture
def written(tmp_path: Path) -> Json:
    return written_for(tmp_path / "data", {})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "fabu.db"


class Client:
    """A person with a token of a server that runs."""

    def __init__(self, session: ClientSession, server: Server, token: str) -> None:
        self._session, self._server = session, server
        self._headers = {"Authorization": f"Bearer {token}"}

    async def request(self, method: str, path: str, body: Any = None) -> tuple[int, Json]:
        async with self._session.request(method, self._server.url + path, json=body, headers=self._headers) as response:
            return response.status, await response.json()

    async def create(self) -> tuple[int, Json]:
        return await self.request("POST", "/api/v1/plans", PLAN)

    async def readiness(self) -> Json:
        return (await self.request("GET", "/readyz"))[1]


async def client_of(session: ClientSession, server: Server, written: Json) -> Client:
    code, token = await run_fabu("token", "create", "--as", "alice", written=written, variables={})
    assert code == 0
    return Client(session, server, token.split()[0])


async def refused(*arguments: str, written: Json) -> str:
    """Run a command that ends by itself with an error, and return the last line of it."""
    return (await fail_fabu(*arguments, written=written))[1]


def take_away(file: Path, replacement: str) -> Path:
    """Move a database, and put something in its place; return where it is now."""
    moved = file.rename(file.with_name("moved.db"))
    if replacement == "an empty file":
        file.touch()
    if replacement == "a copy":
        shutil.copy(moved, file)
    return moved


def content_of(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


def damage(file: Path, table: str = "") -> None:
    """Overwrite the page in which a table begins, or without one all pages of a database but the first."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table]).fetchone()
    with file.open("r+b") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek((root[0] - 1 if root else 1) * 4096)
        opened.write(b"\xff" * (4096 if root else size - 4096))


def plans_in(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        [number] = connection.execute("SELECT count(*) FROM plans").fetchone()
    return int(number)


@pytest.mark.parametrize("replacement", ["none", "an empty file", "a copy"])
async def test_a_database_that_is_moved_is_noticed_and_no_other_is_made(
    written: Json, file: Path, replacement: str
) -> None:
    async with ClientSession() as session:
        async with serving(written) as server:
            alice = await client_of(session, server, written)
            assert (await alice.create())[0] == 201
            moved = take_away(file, replacement)
            for _ in range(2):
                status, answer = await alice.create()
                assert (status, answer["code"], answer["message"][: len(GONE)]) == (503, "unavailable", GONE)
                status, answer = await alice.request("GET", "/api/v1/plans")
                assert (status, answer["message"][: len(GONE)]) == (503, GONE)
            assert (await alice.readiness())["reasons"]["store"].startswith(GONE)
            moved.replace(file)
            assert (await alice.create())[0] == 503, "it may have been used meanwhile: only a start looks anew"
            assert await server.end(SIGTERM) == 0
            assert server.said.count("is not the file that was opened any more; stop Fabu, put the file back") == 1
            assert "Traceback" not in server.said
        assert plans_in(file) == 1
        async with serving(written) as server:
            assert (await (await client_of(session, server, written)).create())[0] == 201


async def test_no_command_makes_a_second_database_in_the_place_of_one_that_is_gone(written: Json, file: Path) -> None:
    async with serving(written) as server:
        assert f"a new, empty database is made: {file}" in server.said
        assert await server.end(SIGTERM) == 0
    for emptied in (False, True):
        moved = take_away(file, "an empty file" if emptied else "none")
        for command in (["run"], ["token", "create", "--as", "alice"], ["db", "upgrade"]):
            line = await refused(*command, written=written)
            assert line.startswith(f"{file} was moved, removed or emptied, for {file}.lock of it is still there: put")
        assert content_of(file) == (b"" if emptied else None)
        moved.replace(file)
    take_away(file, "none")
    take_away(file.with_name("fabu.db.lock"), "none")
    async with serving(written):
        assert content_of(file)


async def test_two_names_of_one_database_take_one_server(written: Json, file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    linked = written | {
        "database": {"url": f"sqlite:///{link}"},
        "server": written["server"] | {"secret_key": "k" * 64},
    }
    written = written | {"server": linked["server"]}
    async with serving(written):
        link.symlink_to(file)
        assert (await refused("run", written=linked)).startswith("Another server runs on this database.")
        link.unlink()
        os.link(file, link)
        assert (await refused("run", written=linked)).startswith(f"{link} has 2 names (hard links)")
    link.unlink()
    link.symlink_to(file)
    async with serving(linked) as server, ClientSession() as session:
        assert (await refused("run", written=written)).startswith("Another server runs on this database.")
        alice = await client_of(session, server, linked)
        assert (await alice.create())[0] == 201
        link.unlink()
        link.symlink_to(file.with_name("elsewhere.db"))
        assert (await alice.create())[0] == 503, "the path of the settings leads elsewhere"


@pytest.mark.parametrize("ruin", [damage, lambda file: file.write_bytes(b"no database at all" * 1000)])
async def test_a_damaged_database_is_found_at_the_start(
    written: Json, file: Path, ruin: Callable[[Path], object]
) -> None:
    async with serving(written) as server:
        await server.end(SIGTERM)
    ruin(file)
    line = await refused("run", written=written)
    assert line.startswith("The database cannot be used (")
    assert line.endswith("): stop Fabu, move the file away, and bring back a backup with `fabu restore`.")


async def test_damage_that_nobody_meets_is_found_after_the_start(written: Json, file: Path) -> None:
    async with serving(written) as server, ClientSession() as session:
        await (await client_of(session, server, written)).create()
        await server.end(SIGTERM)
    damage(file, table="digest_parts")
    async with serving(written) as server, ClientSession() as session:
        await until(lambda: "the database is damaged (" in server.said)
        async with session.get(f"{server.url}/readyz") as response:
            reasons = (await response.json())["reasons"]
        assert reasons["database"].endswith(
            "stop Fabu, move the file away, and bring back a backup with `fabu restore`"
        )


async def test_a_database_that_becomes_damaged_is_told_in_a_sentence(written: Json, file: Path) -> None:
    async with serving(written) as server, ClientSession() as session:
        alice = await client_of(session, server, written)
        await alice.create()
        damage(file)
        status, answer = await eventually(alice.create, wanted=lambda found: found[0] != 201)
        assert (status, answer["message"].partition(".")[0]) == (503, "Fabu's database is damaged")
        await server.end()
        assert "stop Fabu, move the file away" in server.said


async def test_a_database_that_can_only_be_read_is_found_at_the_start_and_later(written: Json, tmp_path: Path) -> None:
    with mounted(tmp_path / "data", 64) as disk:
        async with serving(written) as server, ClientSession() as session:
            alice = await client_of(session, server, written)
            assert (await alice.create())[0] == 201
            await server.end(SIGTERM)
        disk.remount("ro")
        line = await refused("run", written=written)
        assert line.endswith(
            "cannot be written: let it belong to the server's user, and its disk be mounted for writing."
        )
        disk.remount("rw")


async def test_a_full_disk_is_told_everywhere_and_nothing_is_lost(written: Json, tmp_path: Path) -> None:
    with mounted(tmp_path / "data", 64) as disk:
        async with serving(written) as server, ClientSession() as session:
            alice = await client_of(session, server, written)
            assert (await alice.create())[0] == 201
            disk.fill()
            made = 1
            while (found := await alice.create())[0] == 201:  # what is free in its files
                made += 1
            status, answer = found
            assert (status, answer["message"].partition(".")[0]) == (503, "The disk of Fabu's database is full")
            assert (await alice.request("GET", "/api/v1/plans"))[0] == 200
            reasons = (await alice.readiness())["reasons"]
            assert reasons["disk"] == "the database: 0.0 MB are left on its disk; make room there"
            for _ in range(3):
                await alice.create()
            disk.free()
            assert (await eventually(alice.create, wanted=lambda found: found[0] == 201))[0] == 201
            assert (await alice.readiness())["status"] == "ready"
            await server.end(SIGTERM)
            assert server.said.count("The database cannot answer") == 1
            assert server.said.count("The database answers again") == 1
            assert "Traceback" not in server.said
        assert plans_in(tmp_path / "data" / "fabu.db") == made + 1
