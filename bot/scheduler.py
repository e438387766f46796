"""The ticks: APScheduler calls, rows with their `due_at` decide. Replicas may tick side by side; claims part them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from core import commands as c
from core.engine import Engine
from core.errors import FabuError, NotFound, Unavailable
from core.people import SYSTEM
from core.ports.clock import Clock
from core.ports.store import Store
from core.ports.timers import DueTimer

log = logging.getLogger(__name__)

_LEASE = timedelta(seconds=30)
_BATCH = 200
_KEPT = timedelta(days=7)


class Ticks:
    """What happens at regular intervals."""

    def __init__(self, store: Store, engine: Engine, clock: Clock) -> None:
        self._store, self._engine, self._clock = store, engine, clock
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def start(self, others: dict[Callable[[], Awaitable[None]], float]) -> None:
        """Begin to tick: timers every half second, what is old every hour, and `others` every so many seconds.

        All of it is done once at the start: what happened while no server ran is not waited for.
        """
        now = datetime.now(UTC)
        for work, seconds in {self.timers: 0.5, self.forget: 3600.0, **others}.items():
            self._scheduler.add_job(
                _guarded(work), "interval", name=work.__qualname__, seconds=seconds, next_run_time=now,
                max_instances=2, coalesce=True, misfire_grace_time=None,
            )  # fmt: skip
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more."""
        self._scheduler.shutdown(wait=False)

    async def timers(self) -> None:
        """Let the plans know of the timers that have become due."""
        now = self._clock.now()
        due = await self._store.write(lambda writing: writing.timers.claim(now, _LEASE, _BATCH))
        stale = [timer for timer in await asyncio.gather(*map(self._fire, due)) if timer]
        if stale:
            await self._store.write(lambda writing: writing.timers.drop(stale))

    async def _fire(self, timer: DueTimer) -> DueTimer | None:
        """Fire a timer; return it when the plan has no more use for it. One that cannot be saved now comes again."""
        command = c.TimerFired(plan_id=timer.plan_id, kind=timer.kind, due_at=timer.due_at)
        try:
            outcome = await self._engine.execute(command, SYSTEM)
        except Unavailable:
            return None
        except NotFound:
            return timer
        return None if outcome.events else timer

    async def forget(self) -> None:
        """Forget request keys that nobody will repeat any more, and sign-in links that lead nowhere."""
        before = self._clock.now() - _KEPT
        await self._store.write(lambda writing: writing.requests.forget(before))
        await self._store.write(lambda writing: writing.people.forget_links(before))


def _guarded(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Return what a job does: the work, or nothing while it still goes on, of which APScheduler itself would warn."""
    going, name = asyncio.Lock(), work.__qualname__

    async def run() -> None:
        if going.locked():
            return
        async with going:
            try:
                await work()
            except FabuError as error:
                log.warning("%s has to be repeated: %s", name, error)
            except asyncio.CancelledError:
                log.debug("%s was cut off by the end", name)

    return run
