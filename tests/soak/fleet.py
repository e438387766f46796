"""The servers of a soak: processes that are killed, stopped, paused and set to another time, and started again."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM
from typing import Any

from tests.scenario.process import HASTY, Server, serving


@dataclass(frozen=True, slots=True)
class Use:
    """What a process has taken: memory in MB, and open files."""

    memory: float
    files: int

    @classmethod
    def of(cls, pid: int) -> Use:
        """Return what a process has now."""
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, len(list(Path(f"/proc/{pid}/fd").iterdir())))


class Replica:
    """One server, which outlives its processes: its settings, and the file that says how far its clock is off.

    `traces` are the tracebacks in the logs of its processes.
    """

    def __init__(self, name: str, written: Mapping[str, Any], variables: Mapping[str, str], clock: Path) -> None:
        self.name, self._written, self._variables, self._clock = name, written, variables, clock
        self._stack = AsyncExitStack()
        self.server: Server | None = None
        self.traces: list[str] = []
        self.unclean: list[int] = []
        """The exit codes, other than 0, of processes that were told to stop."""

    async def start(self) -> None:
        """Start a process, and wait until it listens."""
        self._stack = AsyncExitStack()
        self.server = await self._stack.enter_async_context(serving(self._written, self._variables, HASTY))

    async def kill(self) -> None:
        """Kill the process."""
        await self._end(SIGKILL)

    async def stop(self) -> None:
        """Tell the process to stop."""
        if (code := await self._end(SIGTERM)) not in (None, 0):
            self.unclean.append(code)

    async def pause(self, seconds: float) -> None:
        """Hold the process for a while."""
        if self.server:
            self.server.send(SIGSTOP)
            await asyncio.sleep(seconds)
            self.server.send(SIGCONT)

    def set_clock(self, seconds: int) -> None:
        """Set the clock of the process, in one step, to so much more than that of the machine."""
        draft = self._clock.with_suffix(".new")
        draft.write_text(f"{seconds:+d}\n")
        draft.replace(self._clock)

    async def _end(self, signal: Any) -> int | None:
        server, self.server = self.server, None
        if server is None:
            return None
        code = await server.end(signal)
        self.traces += server.said.split("Traceback")[1:]
        await self._stack.aclose()
        return code


class Fleet:
    """All servers on one database."""

    def __init__(self, replicas: Sequence[Replica], chance: random.Random) -> None:
        self.replicas, self._chance = replicas, chance

    async def start(self) -> None:
        """Start those that do not run."""
        await asyncio.gather(*(each.start() for each in self.replicas if each.server is None))

    async def stop(self) -> None:
        """Tell all to stop."""
        await asyncio.gather(*(each.stop() for each in self.replicas))

    def url(self) -> str:
        """Return the address of a server that runs; empty when there is none."""
        running = [each.server.url for each in self.replicas if each.server]
        return self._chance.choice(running) if running else ""

    def use(self) -> list[Use]:
        """Return what each server has taken."""
        return [Use.of(each.server.pid) for each in self.replicas if each.server]
