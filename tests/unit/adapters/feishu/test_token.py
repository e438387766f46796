from __future__ import annotations

import asyncio

import pytest

from adapters.feishu.token import TenantToken


class Issuer:
    """Counts the tokens it issues."""

    def __init__(self, life: float = 7200.0) -> None:
        self.issued = 0
        self.life = life
        self.now = 0.0
        self.failures = 0

    async def fetch(self) -> tuple[str, float]:
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        self.issued += 1
        return f"t-{self.issued}", self.life

    def token(self) -> TenantToken:
        return TenantToken(self.fetch, lambda: self.now)


async def test_everybody_waits_for_the_same_token() -> None:
    token = (issuer := Issuer()).token()
    assert set(await asyncio.gather(*(token.get() for _ in range(20)))) == {"t-1"}
    assert issuer.issued == 1


async def test_it_is_renewed_ten_minutes_before_it_runs_out() -> None:
    token = (issuer := Issuer()).token()
    await token.get()
    issuer.now = 6599
    assert await token.get() == "t-1"
    issuer.now = 6600
    assert await token.get() == "t-2"


async def test_a_short_lived_token_is_used_for_most_of_its_life() -> None:
    token = (issuer := Issuer(life=8)).token()
    await token.get()
    issuer.now = 5.9
    assert await token.get() == "t-1"
    issuer.now = 6
    assert await token.get() == "t-2"


async def test_a_refused_token_is_replaced_once() -> None:
    token = (issuer := Issuer()).token()
    first = await token.get()
    token.invalidate(first)
    assert await token.get() == "t-2"
    token.invalidate(first)  # somebody else was refused with the same old token
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
