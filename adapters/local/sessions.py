"""Sessions of processes on Linux: their members, and how to end them (proc(5), setsid(2))."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_POLL = 0.05
"""Seconds between two checks whether a session has ended."""

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process. Its start, in clock ticks since the boot, distinguishes it from a later one with the same pid."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """Return the identity of a process that exists, or None."""
        stat = _Stat.read(_PROC / str(pid))
        return cls(pid, stat.started) if stat else None

    @classmethod
    def own(cls) -> ProcessId | None:
        """Return the identity of this process."""
        return cls.of(os.getpid())

    @property
    def alive(self) -> bool:
        """Whether this process still exists."""
        return ProcessId.of(self.pid) == self


@dataclass(frozen=True, slots=True)
class _Stat:
    """The fields of /proc/<pid>/stat that are used here."""

    pid: int
    state: str
    group: int
    session: int
    started: int

    @classmethod
    def read(cls, process: Path) -> _Stat | None:
        try:
            text = (process / "stat").read_text(errors="replace")
        except OSError:  # the process has ended
            return None
        fields = text[text.rindex(")") + 2 :].split()  # the name before ")" may contain any character
        return cls(int(process.name), fields[0], int(fields[2]), int(fields[3]), int(fields[19]))


def _members(session: int) -> list[_Stat]:
    """Return the running processes of a session, without zombies."""
    stats = (_Stat.read(process) for process in _PROC.glob("[0-9]*"))
    return [stat for stat in stats if stat and stat.session == session and stat.state not in "ZX"]


def _signal(session: int, number: signal.Signals) -> None:
    """Signal the whole group at once, so that no fork escapes, and then the processes of other groups."""
    gone = suppress(ProcessLookupError, PermissionError)
    strays = [stat.pid for stat in _members(session) if stat.group != session]
    with gone:
        os.killpg(session, number)
    for pid in strays:
        with gone:
            os.kill(pid, number)


async def end_session(session: int, grace: float) -> None:
    """End every process of a session: SIGTERM, up to `grace` seconds to clean up, SIGKILL for the others."""
    _signal(session, signal.SIGTERM)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace
    try:
        while _members(session) and loop.time() < deadline:  # noqa: ASYNC110 - the kernel notifies only the parent
            await asyncio.sleep(_POLL)
    finally:
        _signal(session, signal.SIGKILL)
