from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adapters.dingtalk.token import TokenCache
from tests.clock import ManualClock


class Issuer:
    """Hands out numbered tokens; refuses while `broken`."""

    def __init__(self, life: timedelta = timedelta(hours=2)) -> None:
        self.issued = 0
        self.broken = False
        self.life = life

    async def __call__(self) -> tuple[str, timedelta]:
        await asyncio.sleep(0)
        if self.broken:
            raise ConnectionError
        self.issued += 1
        return f"t{self.issued}", self.life


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 24, tzinfo=UTC))


async def test_those_who_wait_at_the_same_moment_share_a_request(clock: ManualClock) -> None:
    issuer = Issuer()
    cache = TokenCache(issuer, clock)
    assert await asyncio.gather(*(cache.get() for _ in range(20))) == ["t1"] * 20
    assert issuer.issued == 1


async def test_a_token_is_renewed_before_it_ends(clock: ManualClock) -> None:
    cache = TokenCache(Issuer(), clock)
    assert await cache.get() == "t1"
    clock.advance(timedelta(minutes=114))
    assert await cache.get() == "t1"
    clock.advance(timedelta(minutes=1))
    assert await cache.get() == "t2"


async def test_a_short_life_does_not_lead_to_a_request_per_call(clock: ManualClock) -> None:
    cache = TokenCache(Issuer(timedelta(minutes=4)), clock)
    assert [await cache.get(), await cache.get()] == ["t1", "t1"]
    clock.advance(timedelta(minutes=2))
    assert await cache.get() == "t2"


async def test_a_refused_token_is_forgotten_once(clock: ManualClock) -> None:
    cache = TokenCache(Issuer(), clock)
    old = await cache.get()
    cache.invalidate(old)
    assert await cache.get() == "t2"
    cache.invalidate(old)
    assert await cache.get() == "t2"


async def test_a_failure_reaches_the_caller_and_is_not_kept(clock: ManualClock) -> None:
    issuer = Issuer()
    issuer.broken = True
    cache = TokenCache(issuer, clock)
    with pytest.raises(ConnectionError):
        await cache.get()
    issuer.broken = False
    assert await cache.get() == "t1"


async def test_who_gives_up_does_not_disturb_the_others(clock: ManualClock) -> None:
    cache = TokenCache(Issuer(), clock)
    impatient, patient = asyncio.create_task(cache.get()), asyncio.create_task(cache.get())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == "t1"
