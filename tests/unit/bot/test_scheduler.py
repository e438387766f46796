"""Ticks: what a slow one, a failing one and one in the middle of the shutdown leave in the log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from adapters.common.system import SystemIds
from adapters.store.open import open_store
from bot.scheduler import Ticks
from core.context import Environment, Policy
from core.engine import Engine
from core.errors import Unavailable
from tests.clock import ManualClock
from tests.waiting import PATIENCE
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
