"""Servers side by side, measured in turns: a few requests over one connection, many over sixteen; medians count."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import aiohttp

from tests.benchmarks import load
from tests.benchmarks.multiplying import database_in, end_deliveries
from tests.benchmarks.processes import MEASURED, started
from tests.benchmarks.requests import REQUESTS, slack

CONNECTIONS = 16
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
    """How much is measured: requests over one connection, over sixteen, and how often."""

    few: int
    many: int
    rounds: int

    @property
    def total(self) -> int:
        """The requests that one server gets."""
        return (self.few + self.many) * self.rounds


@dataclass(frozen=True, slots=True)
class Server:
    """A running server with what its requests refer to, each good for one; one that delivers has a database."""

    name: str
    port: int
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
            yield Server(name, ready["port"], iter(ready["refs"]), lambda ref: REQUESTS[kind](ref, sink), Path(folder))


@asynccontextmanager
async def peer(name: str, sink: str, size: Size) -> AsyncIterator[Server]:
    """Run one of `tests.benchmarks.peers`."""
    with tempfile.TemporaryDirectory() as folder:
        module = ("-m", "tests.benchmarks.peers", name, folder, str(size.total), sink)
        async with started(*module, core=MEASURED) as line:
            ready = json.loads(line)
            yield Server(name, ready["port"], iter(ready["refs"]), lambda ref: slack(ref, sink))


async def compared(servers: list[Server], size: Size) -> dict[str, load.Figures]:
    """Measure servers in turns; return by name the median rate over sixteen connections, the median wait over one."""
    waits: dict[str, list[float]] = {server.name: [] for server in servers}
    rates: dict[str, list[float]] = {server.name: [] for server in servers}
    for server in servers * size.rounds:
        few, many = ([server.request(ref) for ref in islice(server.refs, n)] for n in (size.few, size.many))
        waits[server.name].append((await load.run(server.port, few, 1)).p50)
        await _settled(server)
        rates[server.name].append((await load.run(server.port, many, CONNECTIONS)).rate)
        await _settled(server)
    return {name: load.Figures(statistics.median(rates[name]), statistics.median(waits[name])) for name in rates}


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
