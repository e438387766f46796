"""Sessions of processes on Linux: who belongs to one, since when it runs, and how it is ended (proc(5), setsid(2))."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_POLL = 0.05
"""Seconds between two looks at a session that was asked to end."""

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process, told apart from a later one with the same number by its start (clock ticks since the boot)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """Return the identity of a process that is there now, or None."""
        stat = _Stat.read(_PROC / str(pid))
        return cls(pid, stat.started) if stat else None

    @classmethod
    def own(cls) -> ProcessId | None:
        """Return the identity of this process."""
        return cls.of(os.getpid())

    @property
    def alive(self) -> bool:
        """Whether this very process is still there."""
        return ProcessId.of(self.pid) == self


@dataclass(frozen=True, slots=True)
class _Stat:
    """The fields of /proc/<pid>/stat that matter here."""

    pid: int
    state: str
    group: int
    session: int
    started: int

    @classmethod
    def read(cls, process: Path) -> _Stat | None:
        try:
            text = (process / "stat").read_text(errors="replace")
        except OSError:  # it has just ended
            return None
        fields = text[text.rindex(")") + 2 :].split()  # the name before ")" may hold anything
        return cls(int(process.name), fields[0], int(fields[2]), int(fields[3]), int(fields[19]))


def _members(session: int) -> list[_Stat]:
    """Return the processes of a session that still run; the dead that nobody collected yet do not count."""
    stats = (_Stat.read(process) for process in _PROC.glob("[0-9]*"))
    return [stat for stat in stats if stat and stat.session == session and stat.state not in "ZX"]


def _signal(session: int, number: signal.Signals) -> None:
    """Signal the whole group at once, so that nobody escapes by forking, then the groups that a script made itself."""
    gone = suppress(ProcessLookupError, PermissionError)
    strays = [stat.pid for stat in _members(session) if stat.group != session]
    with gone:
        os.killpg(session, number)
    for pid in strays:
        with gone:
            os.kill(pid, number)


async def end_session(session: int, grace: float) -> None:
    """End every process of a session: SIGTERM, up to `grace` seconds to clean up, SIGKILL for what is left."""
    _signal(session, signal.SIGTERM)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace
    try:
        while _members(session) and loop.time() < deadline:  # noqa: ASYNC110 - the kernel tells nobody but the parent
            await asyncio.sleep(_POLL)
    finally:
        _signal(session, signal.SIGKILL)
