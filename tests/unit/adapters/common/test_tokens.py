from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from adapters.common.tokens import Token
from tests.clock import ManualClock


class Issuer:
    """Counts the tokens it issues; refuses as often as it is told to."""

    def __init__(self, life: float = 7200.0) -> None:
        self.issued = 0
        self.life = timedelta(seconds=life)
        self.clock = ManualClock(datetime(2026, 11, 24, tzinfo=UTC))
        self.failures = 0

    async def fetch(self) -> tuple[str, timedelta]:
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        self.issued += 1
        return f"t-{self.issued}", self.life

    def token(self, early: float = 600.0) -> Token:
        return Token(self.fetch, timedelta(seconds=early), self.clock)

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))


async def test_everybody_waits_for_the_same_token() -> None:
    token = (issuer := Issuer()).token()
    assert set(await asyncio.gather(*(token.get() for _ in range(20)))) == {"t-1"}
    assert issuer.issued == 1


@pytest.mark.parametrize("early", [300, 600])
async def test_it_is_renewed_before_it_expires(early: int) -> None:
    token = (issuer := Issuer()).token(early)
    await token.get()
    issuer.wait(7199 - early)
    assert await token.get() == "t-1"
    issuer.wait(1)
    assert await token.get() == "t-2"


async def test_a_short_lived_token_is_used_for_most_of_its_life() -> None:
    token = (issuer := Issuer(life=8)).token()
    assert [await token.get(), await token.get()] == ["t-1", "t-1"]
    issuer.wait(5.9)
    assert await token.get() == "t-1"
    issuer.wait(0.1)
    assert await token.get() == "t-2"


async def test_a_token_is_renewed_when_the_clock_was_set_back_and_its_age_is_not_known() -> None:
    token = (issuer := Issuer()).token()
    await token.get()
    issuer.wait(-1)
    assert [await token.get(), await token.get()] == ["t-2", "t-2"]


async def test_a_refused_token_is_replaced_once() -> None:
    token = (issuer := Issuer()).token()
    first = await token.get()
    token.forget(first)
    assert await token.get() == "t-2"
    token.forget(first)  # somebody else was refused with the same old token
    assert await token.get() == "t-2"
    assert issuer.issued == 2


async def test_a_failure_is_everybodys_own_and_leaves_nothing_behind() -> None:
    token = (issuer := Issuer()).token()
    issuer.failures = 1
    with pytest.raises(ConnectionError):
        await token.get()
    assert await token.get() == "t-1"


async def test_who_gives_up_does_not_stop_the_others() -> None:
    token = Issuer().token()
    leader = asyncio.create_task(token.get())
    follower = asyncio.create_task(token.get())
    await asyncio.sleep(0)
    leader.cancel()
    assert await follower == "t-1"
