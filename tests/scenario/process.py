"""`fabu run` as a process that tests kill and start again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any

from aiohttp import ClientSession

from tests.waiting import PATIENCE

FABU = Path(sys.executable).with_name("fabu")
HASTY = (sys.executable, "-m", "tests.scenario.hasty")
"""A Fabu whose leases and signs of life last seconds."""
_LISTENS = re.compile(rb"Fabu listens at (\S+)")


class Server:
    """A running server; `said` is its log."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.url = ""
        self.said = ""
        self._reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    async def ready(self) -> None:
        """Wait until the server listens. Its log is read further: the process would block on a full pipe."""
        async with asyncio.timeout(PATIENCE):
            while not self.url:
                line = await self._read()
                if not line:
                    raise AssertionError(self.said)
                if found := _LISTENS.search(line):
                    self.url = found[1].decode()
        self._reading = asyncio.create_task(self._read_on())

    def send(self, signal: Signals) -> None:
        """Send a signal."""
        self._process.send_signal(signal)

    async def end(self, signal: Signals = SIGKILL) -> int:
        """Send a signal, wait for the exit, and return its code."""
        if self._process.returncode is None:
            self.send(signal)
        if self._reading:
            await self._reading
        return await self._process.wait()

    async def _read_on(self) -> None:
        while await self._read():
            pass

    async def _read(self) -> bytes:
        assert self._process.stderr
        line = await self._process.stderr.readline()
        self.said += line.decode()
        return line


def environment(written: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a process of Fabu: those of the tests, its settings, and others."""
    settings = {f"FABU__{section.upper()}": json.dumps(values) for section, values in written.items()}
    return {**os.environ, **settings, **variables}


async def run_fabu(*arguments: str, written: Mapping[str, Any], variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a command of Fabu; return its exit code and its output, with all white space as single spaces."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(FABU, *arguments, env=environment(written, variables), stdout=pipe)
    output = " ".join((await process.communicate())[0].decode().split())
    assert process.returncode is not None
    return process.returncode, output


@dataclass(frozen=True)
class Person:
    """Somebody who uses the API of servers on one database."""

    session: ClientSession
    token: str

    async def request(self, server: Server, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request; return the status and the JSON of the response."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{server.url}/api/v1{path}"
        async with self.session.request(method, url, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def api(self, server: Server, method: str, path: str, body: Any = None) -> Any:
        """Send a request, and return the JSON of the response, which must be a success."""
        status, answer = await self.request(server, method, path, body)
        assert status < 300, answer
        return answer


@asynccontextmanager
async def people(written: Mapping[str, Any], *names: str) -> AsyncIterator[list[Person]]:
    """Make tokens for people by the command line."""
    async with ClientSession() as session:
        found = []
        for name in names:
            _, said = await run_fabu("token", "create", "--as", name, written=written, variables={})
            found.append(Person(session, said.split()[-1]))
        yield found


async def fail_fabu(*arguments: str, written: Mapping[str, Any]) -> tuple[int, str]:
    """Run a command of Fabu that fails by itself; return its exit code and the last line of its errors."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        FABU, *arguments, env=environment(written, {}), stderr=pipe, stdout=asyncio.subprocess.DEVNULL
    )
    errors = (await process.communicate())[1].decode()
    assert process.returncode, "it has not failed"
    assert "Traceback" not in errors, errors
    return process.returncode, errors.splitlines()[-1]


@asynccontextmanager
async def serving(
    written: Mapping[str, Any], variables: Mapping[str, str] | None = None, program: Sequence[str | Path] = (FABU,)
) -> AsyncIterator[Server]:
    """Run a server with settings in environment variables, and with other `variables`."""
    process = await asyncio.create_subprocess_exec(
        *program,
        "run",
        env=environment(written, variables or {}),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    server = Server(process)
    try:
        await server.ready()
        yield server
    finally:
        await server.end()
