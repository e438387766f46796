"""`fabu run` as a process of its own, to be killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any

from tests.scenario.office import PATIENCE

FABU = Path(sys.executable).with_name("fabu")
_LISTENS = re.compile(rb"Fabu listens at (\S+)")


class Server:
    """A server that runs; `said` is what it has logged."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.url = ""
        self.said = ""

    async def ready(self) -> None:
        """Wait until it listens."""
        assert self._process.stderr
        async with asyncio.timeout(PATIENCE):
            async for line in self._process.stderr:
                self.said += line.decode()
                if found := _LISTENS.search(line):
                    self.url = found[1].decode()
                    return
        raise AssertionError(self.said)

    async def end(self, signal: Signals = SIGKILL) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        if self._process.returncode is None:
            self._process.send_signal(signal)
        _, rest = await self._process.communicate()
        self.said += rest.decode()
        return await self._process.wait()


@asynccontextmanager
async def serving(written: Mapping[str, Any]) -> AsyncIterator[Server]:
    """Run a server with settings that it finds in its environment."""
    settings = {f"FABU__{section.upper()}": json.dumps(values) for section, values in written.items()}
    process = await asyncio.create_subprocess_exec(
        FABU, "run", env=os.environ | settings, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    server = Server(process)
    try:
        await server.ready()
        yield server
    finally:
        await server.end()
