"""errbot as a peer, in an environment of its own, for it asks for other versions than Fabu: `.venv/peers`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.benchmarks.comparing import Server, Size
from tests.benchmarks.processes import MEASURED, process
from tests.benchmarks.requests import slack

VERSION = "6.2.1"
_ROOT = Path(__file__).parents[2] / ".venv" / "peers"
_CONFIG = Path(__file__).parent / "errbot" / "config.py"
_START = 20.0  # seconds


def installed() -> str:
    """Install errbot unless it is there; tell why it could not be, or nothing."""
    pip = (str(_ROOT / "bin" / "python"), "-m", "pip", "install", "--quiet", f"errbot=={VERSION}")
    try:
        if not (_ROOT / "bin" / "errbot").exists():
            subprocess.run((sys.executable, "-m", "venv", str(_ROOT)), check=True, capture_output=True)
            subprocess.run(pip, check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        return f"errbot {VERSION} cannot be installed: {error}"
    return ""


@asynccontextmanager
async def errbot(sink: str, size: Size) -> AsyncIterator[Server]:
    """Run errbot with the plugin beside this file. Raises TimeoutError if its web server does not start."""
    with tempfile.TemporaryDirectory() as folder:
        command = (str(_ROOT / "bin" / "errbot"), "--config", str(_CONFIG))
        environment = os.environ | {"FABU_ERRBOT": folder}
        async with process(*command, core=MEASURED, environment=environment) as running:
            port = await asyncio.wait_for(_port(Path(folder)), _START)
            refs = (f"plan-{number}" for number in range(size.total))
            yield Server("errbot", port, running.pid, refs, partial(slack, sink=sink))


async def _port(folder: Path) -> int:
    while True:
        if (told := folder / "port").exists() and (text := told.read_text()):
            return await _listening(int(text))
        await asyncio.sleep(0.1)


async def _listening(port: int) -> int:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return port
