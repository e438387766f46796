"""Processes of a benchmark: what is measured has one core, the rest another."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

MEASURED, OTHERS = 0, -1
"""Positions among the cores that this process may use at its start."""
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
_LINE = 1 << 24  # bytes of the line in which a process tells that it is ready


@asynccontextmanager
async def process(
    *command: str, core: int = OTHERS, environment: Mapping[str, str] = os.environ, quiet: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process on one core, where the system can tell it to; it is ended afterwards. `quiet` drops its log."""
    pipe, errors = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL if quiet else None
    running = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=errors, env=environment, limit=_LINE
    )
    if _CORES:
        os.sched_setaffinity(running.pid, {_CORES[core]})
    try:
        yield running
    finally:
        with suppress(ProcessLookupError):
            running.kill()
        await running.communicate()


@asynccontextmanager
async def started(*arguments: str, core: int = OTHERS) -> AsyncIterator[str]:
    """Run a Python process and give the line that it prints when it is ready. Raises RuntimeError if it ends before."""
    async with process(sys.executable, *arguments, core=core) as running:
        assert running.stdout
        if not (line := await running.stdout.readline()):
            raise RuntimeError(f"{arguments} did not start")
        yield line.decode().strip()
