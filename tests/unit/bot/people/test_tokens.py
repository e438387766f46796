"""Tokens while the database is away: what is known and fresh is used, and nothing that was revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.common.system import SystemIds
from adapters.store.open import open_store
from bot.people.tokens import FRESH, USE_RECORD_INTERVAL, Tokens, new_token
from core.errors import Unauthorized, Unavailable
from tests.clock import ManualClock
from tests.unit.bot.outbox.failing import FailingStore
from tests.worlds import START


class Door:
    """Tokens in a database that can be away, and a token of Alice."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.plain = open_store("memory://", b"key", self.clock)
        self.store = FailingStore(self.plain)
        self.tokens = Tokens(self.store, self.clock, lambda _: None)
        self.secret, self.token = new_token("alice", "ci", self.clock, SystemIds())

    async def add(self) -> None:
        await self.plain.write(lambda writing: writing.people.add_token(self.token))

    async def revoke(self) -> None:
        now = self.clock.now()
        await self.plain.write(lambda writing: writing.people.revoke_token(self.token.id, now))


@pytest.fixture
async def door() -> Door:
    door = Door()
    await door.add()
    return door


async def test_a_token_is_valid_though_its_use_cannot_be_recorded(door: Door) -> None:
    door.store.writable.clear()
    assert (await door.tokens.find(door.secret)).used_at is None
    door.store.writable.set()
    door.clock.advance(USE_RECORD_INTERVAL)
    assert (await door.tokens.find(door.secret)).used_at == door.clock.now()


async def test_a_token_is_not_looked_for_while_it_is_fresh(door: Door) -> None:
    await door.tokens.find(door.secret)
    door.store.readable.clear()
    door.clock.advance(FRESH)
    assert (await door.tokens.find(door.secret)).person == "alice"
    door.clock.advance(timedelta(microseconds=1))
    with pytest.raises(Unavailable):
        await door.tokens.find(door.secret)


async def test_a_token_that_was_revoked_is_refused_although_the_clock_was_set_back(door: Door) -> None:
    await door.tokens.find(door.secret)
    await door.revoke()
    door.clock.advance(-timedelta(hours=1))
    with pytest.raises(Unauthorized):
        await door.tokens.find(door.secret)


async def test_a_token_that_was_revoked_while_the_database_was_away_is_refused_at_once(door: Door) -> None:
    await door.tokens.find(door.secret)
    await door.revoke()
    door.store.readable.clear()
    door.clock.advance(FRESH + timedelta(seconds=1))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await door.tokens.find(door.secret)
    door.store.readable.set()
    with pytest.raises(Unauthorized):
        await door.tokens.find(door.secret)
