"""What goes wrong in a soak, at random moments and one thing at a time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import NullPool, create_engine

from tests.scenario.mounts import Disk
from tests.simulators.base import Simulator
from tests.simulators.receiver import Answer, Receiver
from tests.soak.fleet import Fleet, Replica

HOUR = 3600
_NOTICED = 2.5
"""Seconds within which a server notices that its clock was set back, and shortens what it was to wait for."""
_HOSTILE = (
    Answer(status=500),
    Answer(status=429, headers={"Retry-After": "1"}),
    Answer(ending="cut"),
    Answer(delay=2.0),
    Answer(status=200, body=b"<html>"),
)
_CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

Trouble = Callable[[], Awaitable[None]]


class Troubles:
    """Causes trouble; `caused` says what, and in which second."""

    def __init__(
        self, fleet: Fleet, chance: random.Random, *, slack: Simulator, receiver: Receiver, database: str = "",
        disk: Disk | None = None, clocks: bool = False,
    ) -> None:  # fmt: skip
        """Without a PostgreSQL `database`, a `disk` or `clocks` that can be set, there is no such trouble."""
        self._fleet, self._chance, self._slack, self._receiver = fleet, chance, slack, receiver
        self._database, self._disk = database, disk
        self.caused: list[str] = []
        self._kinds: dict[str, Trouble] = {
            "kill": self._kill, "stop": self._stop, "vendor away": self._leave, "hostile receiver": self._provoke,
        }  # fmt: skip
        if len(fleet.replicas) > 1:
            self._kinds["pause"] = self._pause
        if database:
            self._kinds["connections cut"] = self._cut
        if disk:
            self._kinds["disk full"] = self._fill
        if clocks:
            self._kinds["clock set"] = self._set_clock

    async def go_on(self, until: float) -> None:
        """Cause trouble until a moment of the monotonic clock: every kind once, in any order, then at random."""
        waiting, started = self._shuffled(), time.monotonic()
        while time.monotonic() < until:
            await asyncio.sleep(self._chance.uniform(0.3, 1.2))
            kind = waiting.pop() if waiting else self._chance.choice(list(self._kinds))
            self.caused.append(f"{time.monotonic() - started:.1f} s {kind}")
            await self._kinds[kind]()

    def _shuffled(self) -> list[str]:
        kinds = list(self._kinds)
        self._chance.shuffle(kinds)
        return kinds

    def _one(self) -> Replica:
        return self._chance.choice(self._running())

    def _running(self) -> Sequence[Replica]:
        return [each for each in self._fleet.replicas if each.server]

    async def _kill(self) -> None:
        replica = self._one()
        await replica.kill()
        await asyncio.sleep(self._chance.uniform(0, 1))
        await replica.start()

    async def _stop(self) -> None:
        replica = self._one()
        await replica.stop()
        await replica.start()

    async def _pause(self) -> None:
        await self._one().pause(self._chance.uniform(1, 8))

    async def _leave(self) -> None:
        with self._slack.outage(how="close"):
            await asyncio.sleep(self._chance.uniform(0.5, 2))

    async def _provoke(self) -> None:
        self._receiver.script(*self._chance.sample(_HOSTILE, 3))

    async def _cut(self) -> None:
        await asyncio.to_thread(_execute, self._database, _CUT)

    async def _fill(self) -> None:
        assert self._disk
        await asyncio.to_thread(self._disk.fill)
        await asyncio.sleep(self._chance.uniform(0.5, 1.5))
        self._disk.free()

    async def _set_clock(self) -> None:
        replica = self._one()
        for seconds in self._chance.sample((HOUR, -HOUR), 2):
            replica.set_clock(seconds)
            await asyncio.sleep(1)
        replica.set_clock(0)
        await asyncio.sleep(_NOTICED)


def _execute(database: str, statement: str) -> Any:
    engine = create_engine(database, poolclass=NullPool)
    with engine.connect() as connection:
        return connection.exec_driver_sql(statement).all()
