"""How soon a server answers, and how much memory it then has."""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from tests.benchmarks.comparing import Row
from tests.benchmarks.processes import MEASURED, process

_SETTINGS = """
[server]
port = {port}
[database]
url = "sqlite:///{folder}/fabu.db"
[slack]
bot_token = "xoxb-x"
signing_secret = "s"
api_url = "http://127.0.0.1:9/"
"""


async def run(*, quick: bool) -> list[Row]:
    """Return the seconds and megabytes of `fabu run` with Slack on, an empty database to be made first."""
    found = [await _start() for _ in range(3 if quick else 7)]
    seconds, megabytes = (statistics.median(values) for values in zip(*found, strict=True))
    return [
        Row("seconds until the server is ready", seconds, "< 1", "Slack on, new SQLite database"),
        Row("megabytes of a server that is ready", megabytes, "< 85", "resident, Slack on, Feishu off"),
    ]


async def _start() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        (config := Path(folder, "fabu.toml")).write_text(_SETTINGS.format(port=port, folder=folder))
        began = time.perf_counter()
        command = (str(Path(sys.executable).with_name("fabu")), "run", "--config", str(config))
        async with process(*command, core=MEASURED, quiet=True) as running:
            await _answers(f"http://127.0.0.1:{port}/healthz")
            return time.perf_counter() - began, _resident(running.pid)


async def _answers(url: str) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as response:
                    response.raise_for_status()
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _resident(pid: int) -> float:
    """Return the resident memory of a process in megabytes (Linux, proc(5): statm)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
