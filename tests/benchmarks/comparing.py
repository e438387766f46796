"""Servers side by side, measured in turns: a few requests over one connection, many over several; medians count."""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import aiohttp

from tests.benchmarks import load
from tests.benchmarks.multiplying import database_in, end_deliveries
from tests.benchmarks.processes import MEASURED, started
from tests.benchmarks.requests import REQUESTS, slack

CONNECTIONS = (16, 64)
_TICKS = os.sysconf("SC_CLK_TCK")
_OPEN = re.compile(r'^fabu_deliveries\{state="(?:pending|sending)"\} [^0]', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a measured value (a ratio unless the name says otherwise) and what it should be."""

    name: str
    value: float
    target: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: requests over one connection, over each of `CONNECTIONS`, and how often."""

    few: int
    many: int
    rounds: int

    @property
    def total(self) -> int:
        """The requests that one server gets."""
        return (self.few + self.many * len(CONNECTIONS)) * self.rounds


@dataclass(frozen=True, slots=True)
class Server:
    """A running server with what its requests refer to, each good for one; one that delivers has a database."""

    name: str
    port: int
    pid: int
    refs: Iterator[str]
    request: Callable[[str], bytes]
    folder: Path | None = None
    """Where its database is."""


@asynccontextmanager
async def fabu(
    name: str, sink: str, size: Size, *, kind: str = "slack", items: int = 1, stored: int = 0
) -> AsyncIterator[Server]:
    """Run Fabu with plans for so many requests, of so many items, beside so many others."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = [str(number) for number in (size.total, items, stored)]
        module = ("-m", "tests.benchmarks.fabu_server", kind, sink, folder, *numbers)
        async with started(*module, core=MEASURED) as line:
            ready = json.loads(line)
            request = partial(REQUESTS[kind], sink=sink)
            yield Server(name, ready["port"], ready["pid"], iter(ready["refs"]), request, Path(folder))


@asynccontextmanager
async def peer(name: str, sink: str, size: Size) -> AsyncIterator[Server]:
    """Run one of `tests.benchmarks.peers`."""
    with tempfile.TemporaryDirectory() as folder:
        module = ("-m", "tests.benchmarks.peers", name, folder, str(size.total), sink)
        async with started(*module, core=MEASURED) as line:
            ready = json.loads(line)
            yield Server(name, ready["port"], ready["pid"], iter(ready["refs"]), partial(slack, sink=sink))


@dataclass(frozen=True, slots=True)
class Measured:
    """What one server showed: the median wait over one connection, in milliseconds.

    By the number of connections: requests a second, and milliseconds of CPU for each request while they come in.
    """

    p50: float
    rates: Mapping[int, float]
    cpu: Mapping[int, float]

    @property
    def rate(self) -> float:
        """Requests a second over the fewest of several connections."""
        return self.rates[CONNECTIONS[0]]


async def compared(servers: list[Server], size: Size) -> dict[str, Measured]:
    """Measure servers in turns; return the medians by name."""
    rounds: dict[str, list[Measured]] = {server.name: [] for server in servers}
    for server in servers * size.rounds:
        rounds[server.name].append(await _measure(server, size))
    return {name: _median(found) for name, found in rounds.items()}


async def _measure(server: Server, size: Size) -> Measured:
    rates, cpu = dict[int, float](), dict[int, float]()
    p50 = (await load.run(server.port, _requests(server, size.few), 1)).p50
    await _settled(server)
    for connections in CONNECTIONS:
        requests, before = _requests(server, size.many), _cpu_seconds(server.pid)
        rates[connections] = (await load.run(server.port, requests, connections)).rate
        cpu[connections] = (_cpu_seconds(server.pid) - before) * 1000 / size.many
        await _settled(server)
    return Measured(p50, rates, cpu)


def _median(found: Sequence[Measured]) -> Measured:
    middle = statistics.median
    return Measured(
        middle(each.p50 for each in found),
        {number: middle(each.rates[number] for each in found) for number in CONNECTIONS},
        {number: middle(each.cpu[number] for each in found) for number in CONNECTIONS},
    )


def _requests(server: Server, count: int) -> list[bytes]:
    return [server.request(ref) for ref in islice(server.refs, count)]


def _cpu_seconds(pid: int) -> float:
    """Return how many seconds of CPU a process has used; 0 where the system does not tell it in /proc."""
    stat = Path(f"/proc/{pid}/stat")
    return sum(map(int, stat.read_text().rpartition(")")[2].split()[11:13])) / _TICKS if stat.exists() else 0.0


async def _settled(server: Server) -> None:
    """Leave nothing to be delivered: the next server has the core for itself."""
    if server.folder is None:
        return
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"http://127.0.0.1:{server.port}/metrics") as response:
                if not _OPEN.search(await response.text()):
                    return
            end_deliveries(database_in(server.folder))
            await asyncio.sleep(0.5)
