"""Ticks: what a slow one, a failing one and one in the middle of the shutdown leave in the log."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest

from adapters.common.system import SystemIds
from adapters.store.open import open_store
from bot.scheduler import Ticks
from core.context import Environment, Policy
from core.engine import Engine
from core.errors import Unavailable
from tests.clock import ManualClock
from tests.waiting import PATIENCE, until
from tests.worlds import START


@pytest.fixture
def ticks() -> Ticks:
    clock = ManualClock(START)
    store = open_store("memory://", b"k" * 32, clock)
    return Ticks(store, Engine(store, clock, SystemIds(), Environment(Policy()), b"k" * 32), clock)


async def all_ended() -> None:
    """Wait until nothing else runs in this event loop."""
    async with asyncio.timeout(PATIENCE):
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)


async def test_a_slow_tick_is_left_alone_until_it_ends(ticks: Ticks, caplog: pytest.LogCaptureFixture) -> None:
    begun, may_end, others = asyncio.Semaphore(0), asyncio.Event(), asyncio.Semaphore(0)

    async def slow() -> None:
        begun.release()
        await may_end.wait()

    async def quick() -> None:
        others.release()

    ticks.start({slow: 0.02, quick: 0.02})
    async with asyncio.timeout(PATIENCE):
        await begun.acquire()
        for _ in range(10):
            await others.acquire()
        assert begun.locked()
        may_end.set()
        await begun.acquire()
    ticks.stop()
    await all_ended()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_tick_that_the_shutdown_ends_is_no_error(ticks: Ticks, caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    ticks.start({endless: 60})
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
    ticks.stop()
    await all_ended()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_tick_that_keeps_failing_is_named_once_and_once_more_when_it_succeeds(
    ticks: Ticks, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.scheduler")
    tries = 0
    done = asyncio.Event()

    async def busy() -> None:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise Unavailable
        if tries > 4:
            done.set()

    ticks.start({busy: 0.02})
    async with asyncio.timeout(10):
        await done.wait()
    ticks.stop()
    told = [record.getMessage() for record in caplog.records if "busy" in record.getMessage()]
    assert [text.rpartition("busy ")[2].partition(":")[0] for text in told] == ["has to be repeated", "succeeds again"]


async def test_a_tick_that_fails_is_named(ticks: Ticks, caplog: pytest.LogCaptureFixture) -> None:
    failed = asyncio.Event()

    async def busy() -> None:
        failed.set()
        raise Unavailable

    ticks.start({busy: 60})
    async with asyncio.timeout(PATIENCE):
        await failed.wait()
    ticks.stop()
    [record] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "busy has to be repeated: Fabu cannot save this right now." in record.getMessage()


async def run_until_the_clock_moves(ticks: Ticks, monkeypatch: pytest.MonkeyPatch, by: timedelta) -> asyncio.Event:
    """Let a tick run three times by a clock that is then moved; return an event that its next run sets."""
    moved, runs, again = timedelta(), asyncio.Semaphore(0), asyncio.Event()

    class MovedTime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(datetime.now(tz).timestamp() + moved.total_seconds(), tz)

    async def tick() -> None:
        runs.release()
        if moved:
            again.set()

    for module in ("bot.scheduler", "apscheduler.schedulers.base"):
        monkeypatch.setattr(f"{module}.datetime", MovedTime)
    ticks.start({tick: 0.02})
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            await runs.acquire()
    moved = by
    return again


async def test_ticks_go_on_at_once_when_they_are_woken_after_the_clock_was_set_back(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = await run_until_the_clock_moves(ticks, monkeypatch, -timedelta(hours=1))
    ticks.wake()
    await asyncio.wait_for(again.wait(), PATIENCE)
    ticks.stop()


async def test_a_tick_runs_once_for_all_the_time_by_which_the_clock_was_set_forward(
    ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = await run_until_the_clock_moves(ticks, monkeypatch, timedelta(days=50_000))
    await asyncio.wait_for(again.wait(), PATIENCE)  # 200,000,000,000 runs would have to be added up
    ticks.stop()


async def test_one_tick_is_woken_alone(ticks: Ticks) -> None:
    ran: list[str] = []
    woken = asyncio.Event()

    async def one() -> None:
        ran.append("one")
        if ran.count("one") == 2:
            woken.set()

    async def other() -> None:
        ran.append("other")

    ticks.start({one: 3600, other: 3600})
    async with asyncio.timeout(PATIENCE):
        while len(ran) < 2:  # noqa: ASYNC110 - both run at the start
            await asyncio.sleep(0)
        ticks.wake(one)
        await woken.wait()
    ticks.stop()
    assert sorted(ran) == ["one", "one", "other"]


async def test_nothing_is_woken_after_the_stop(ticks: Ticks) -> None:
    ran: list[str] = []

    async def job() -> None:
        ran.append("job")

    ticks.start({job: 3600})
    await until(lambda: ran)
    ticks.stop()
    ticks.wake(job)
    await all_ended()
    assert ran == ["job"]
