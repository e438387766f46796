"""Clients that connect and do not send, or in too great a number, to a server that runs as a process of its own."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from signal import SIGTERM

import pytest
from aiohttp import ClientSession
from yarl import URL

from bot import connections
from config.settings import Settings
from tests.scenario.office import Json, opened, written_for
from tests.scenario.process import FABU, Server, serving
from tests.waiting import eventually, until


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A socket of a client, connected to a server."""
    address = URL(url)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@asynccontextmanager
async def crowd(url: str, number: int) -> AsyncIterator[None]:
    """Clients that are connected and silent."""
    async with AsyncExitStack() as stack:
        for _ in range(number):
            await stack.enter_async_context(connected(url))
        yield


async def answer_of(url: str) -> bytes:
    """Ask for a page on a connection of its own, and return the first line of the answer."""
    async with connected(url) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: fabu\r\nConnection: close\r\n\r\n")
        try:
            return (await reader.read()).partition(b"\r\n")[0]
        except ConnectionResetError:
            return b"reset"


@pytest.fixture
def written(tmp_path: Path) -> Json:
    written = written_for(tmp_path, {})
    return written | {"server": written["server"] | {"max_connections": 12}}


async def test_clients_beyond_the_cap_are_refused_at_once_until_others_leave(written: Json) -> None:
    async with serving(written) as server:
        async with crowd(server.url, 12):
            for _ in range(5):
                assert await answer_of(server.url) == b"HTTP/1.1 503 Service Unavailable"
        assert await eventually(answer_of, server.url, wanted=lambda line: b"503" not in line) == b"HTTP/1.1 200 OK"
        await until(lambda: "clients are let in again" in server.said)
        assert server.said.count("12 clients are connected, no more are let in: see server.max_connections") == 1
        assert await server.end(SIGTERM) == 0


async def test_a_process_without_file_descriptors_says_so_once(written: Json) -> None:
    written["server"]["max_connections"] = 1000
    async with serving(written) as server:
        limit(server, open_files(server) + 10)
        async with crowd(server.url, 40):
            await until(lambda: "no connection can be accepted, for too many files are open" in server.said)
        async with ClientSession() as session, session.get(f"{server.url}/healthz") as response:
            assert response.status == 200
        await until(lambda: "connections are accepted again" in server.said)
        await server.end(SIGTERM)
    assert server.said.count("no connection can be accepted") == 1
    assert "Traceback" not in server.said


async def test_as_many_clients_are_let_in_as_the_process_may_have_files_open(written: Json) -> None:
    written["server"]["max_connections"] = 1000
    async with serving(written, program=("prlimit", "--nofile=160:160", FABU)) as server:
        assert "the system permits 160 open files, so at most 80 clients are let in" in server.said
        async with crowd(server.url, 80):
            assert await answer_of(server.url) == b"HTTP/1.1 503 Service Unavailable"


@pytest.fixture
async def impatient(monkeypatch: pytest.MonkeyPatch, written: Json) -> AsyncIterator[str]:
    """A server that waits a short time for what clients send."""
    monkeypatch.setattr(connections, "IDLE", 0.3)
    monkeypatch.setattr(connections, "BODY", 0.3)
    async with opened(Settings.model_validate(written)) as fabu:
        yield fabu.url


async def test_a_client_that_sends_nothing_is_disconnected(impatient: str) -> None:
    async with connected(impatient) as (reader, _):
        assert await read_to_end(reader) == b""


async def test_a_client_that_does_not_end_its_head_is_disconnected(impatient: str) -> None:
    async with connected(impatient) as (reader, writer), dribbling(writer, b"POST / HTTP/1.1\r\nHost: fa"):
        assert await read_to_end(reader) == b""


@pytest.mark.parametrize("path", ["/api/callback/release_plan"])
async def test_a_client_that_dribbles_its_body_is_disconnected(
    impatient: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: fabu\r\nContent-Length: 1000000\r\n\r\n"
    async with connected(impatient) as (reader, writer), dribbling(writer, head.encode()):
        status = (await reader.readline())[9:12]
        await read_to_end(reader)
    assert status in (b"408", b"404")
    assert not [record for record in caplog.records if record.exc_info]


async def read_to_end(reader: asyncio.StreamReader) -> bytes:
    """Read until the server ends the connection; what is sent to it after that is answered by a reset."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@asynccontextmanager
async def dribbling(writer: asyncio.StreamWriter, sent: bytes) -> AsyncIterator[None]:
    """A client that sends something, and then a byte now and then."""
    writer.write(sent)
    task = asyncio.create_task(dribble(writer))
    yield
    task.cancel()


async def dribble(writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then."""
    while not writer.is_closing():
        writer.write(b"x")
        await asyncio.sleep(0.05)


def open_files(server: Server) -> int:
    return len([*Path(f"/proc/{server.pid}/fd").iterdir()])


def limit(server: Server, files: int) -> None:
    """Let a process have no more files open from now on."""
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (files, files))
