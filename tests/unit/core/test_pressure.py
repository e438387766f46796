"""What is not urgent waits while requests crowd in, and not for ever."""

from __future__ import annotations

import asyncio

from core.pressure import CROWD, Crowd

LONG = 10.0


async def test_without_a_crowd_nobody_waits() -> None:
    crowd = Crowd()
    crowd.seen(CROWD - 1)
    assert await crowd.passed(0)


async def test_a_crowd_is_waited_for_until_it_has_passed() -> None:
    crowd = Crowd()
    crowd.seen(CROWD)
    assert not await crowd.passed(0)
    assert await crowd.passed(LONG)


async def test_a_crowd_that_stays_is_not_waited_for_longer_than_patience_lasts() -> None:
    crowd = Crowd()

    async def crowding() -> None:
        while True:
            crowd.seen(CROWD)
            await asyncio.sleep(0)

    task = asyncio.create_task(crowding())
    await asyncio.sleep(0)
    assert not await crowd.passed(0.1)
    task.cancel()
