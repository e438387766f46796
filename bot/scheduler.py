"""The regular jobs of a server: firing due timers, deleting what is old, and jobs that others add.

APScheduler only calls the jobs; which timers are due is in the store. Replicas run the same jobs, and share the timers
by claiming them. APScheduler compares moments of the machine's clock: when that is set, `wake` makes up for it
(`bot.clockwatch`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

from apscheduler.job import Job as ScheduledJob
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from core import commands as c
from core.engine import Engine
from core.errors import FabuError, NotFound, Unavailable
from core.people import SYSTEM
from core.ports.clock import Clock
from core.ports.store import Store
from core.ports.timers import DueTimer

log = logging.getLogger(__name__)

TIMER_LEASE = timedelta(seconds=15)
"""How long a claimed timer is left to the server that claimed it."""
_BATCH = 200
"""Timers that are claimed at once."""
KEPT = timedelta(days=7)
"""How long the keys of requests, ended sign-in links, and what is known of servers that are gone, are kept."""


Job = Callable[[], Awaitable[None]]
"""Something that is done at regular intervals."""


class _Every(BaseTrigger):  # type: ignore[misc] # the library has no types
    """Runs a job some seconds after its last run, by the clock as it is then.

    The trigger of APScheduler adds up all runs that a clock set forward has left out, one by one.
    """

    def __init__(self, seconds: float) -> None:
        self._pause = timedelta(seconds=seconds)

    def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime:
        """Return when the job runs again."""
        return now + self._pause


class Ticks:
    """Runs the regular jobs."""

    def __init__(self, store: Store, engine: Engine, clock: Clock) -> None:
        self._store, self._engine, self._clock = store, engine, clock
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._jobs: dict[Job, ScheduledJob] = {}

    def start(self, others: Mapping[Job, float]) -> None:
        """Start the jobs: timers every half second, deletions every hour, `others` at their intervals in seconds.

        Each job also runs at once, for what became due while no server ran.
        """
        now = datetime.now(UTC)
        for job, seconds in {self.fire_timers: 0.5, self.delete_old: 3600.0, **others}.items():
            self._jobs[job] = self._scheduler.add_job(
                _guard(job), _Every(seconds), name=job.__qualname__, next_run_time=now,
                max_instances=2, coalesce=True, misfire_grace_time=None,
            )  # fmt: skip
        self._scheduler.start()

    def wake(self, *jobs: Job) -> None:
        """Run some jobs now, or all of them, instead of at their time. Nothing runs after the stop."""
        if self._scheduler.running:
            for job in jobs or self._jobs:
                self._jobs[job].modify(next_run_time=datetime.now(UTC))

    def stop(self) -> None:
        """Run no more jobs."""
        self._scheduler.shutdown(wait=False)

    async def fire_timers(self) -> None:
        """Fire the timers that are due, and drop those that are stale."""
        now = self._clock.now()
        due = await self._store.write(lambda writing: writing.timers.claim(now, TIMER_LEASE, _BATCH))
        stale = [timer for timer in await asyncio.gather(*map(self._fire, due)) if timer]
        if stale:
            await self._store.write(lambda writing: writing.timers.drop(stale))

    async def _fire(self, timer: DueTimer) -> DueTimer | None:
        """Fire a timer. Return it when it is stale: when its plan is gone, or nothing came of it.

        While nothing can be saved, the timer stays, and is claimed again after its lease.
        """
        command = c.TimerFired(plan_id=timer.plan_id, kind=timer.kind, due_at=timer.due_at)
        try:
            outcome = await self._engine.execute(command, SYSTEM)
        except Unavailable:
            return None
        except NotFound:
            return timer
        return None if outcome.events else timer

    async def delete_old(self) -> None:
        """Delete the keys of old requests, ended sign-in links, and servers that are long gone."""
        before = self._clock.now() - KEPT
        await self._store.write(lambda writing: writing.requests.forget(before))
        await self._store.write(lambda writing: writing.people.forget_links(before))
        await self._store.write(lambda writing: writing.replicas.forget(before))


def _guard(job: Job) -> Job:
    """Return a job that logs the first of its errors in a row, and its success after them.

    It does nothing while it still runs: APScheduler would warn about that.
    """
    lock, name, failing = asyncio.Lock(), job.__qualname__, False

    async def run() -> None:
        nonlocal failing
        if lock.locked():
            return
        async with lock:
            try:
                await job()
            except FabuError as error:
                if not failing:
                    log.warning("%s has to be repeated: %s", name, error)
                failing = True
            except asyncio.CancelledError:
                log.debug("%s was cancelled by the shutdown", name)
            else:
                if failing:
                    log.info("%s succeeds again", name)
                failing = False

    return run
