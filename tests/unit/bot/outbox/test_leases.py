"""Nothing waits for a clock that was set back to get where it was."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from bot.outbox.leases import Leases
from bot.outbox.worker import LEASE
from core.effects import Effect
from core.errors import Unavailable
from core.ports.outbox import DeliveryState, Settled
from tests.unit.bot.outbox.failing import Desk
from tests.worlds import CI, HOOK, START

HOUR, SECONDS = timedelta(hours=1), timedelta(seconds=5)


@pytest.fixture
async def desk() -> Desk:
    """One effect that a dead server has claimed, and one that waits five minutes for an attempt."""
    desk = Desk()
    for number in (1, 2):
        await desk.add(Effect(f"e{number}", f"p{number}", CI, HOOK))
    claimed = await desk.plain.write(lambda writing: writing.outbox.claim(START, LEASE, 2))
    later = Settled(claimed[1].claim, DeliveryState.PENDING, None, START + timedelta(minutes=5))
    await desk.plain.write(lambda writing: writing.outbox.settle([later]))
    return desk


async def due(desk: Desk) -> list[timedelta | None]:
    """Return in which time each effect is due."""
    deliveries = [await desk.delivery(effect_id) for effect_id in ("e1", "e2")]
    return [each.due_at - desk.clock.now() if each.due_at else None for each in deliveries]


async def test_leases_and_waits_end_soon_after_the_clock_was_set_back(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.outbox.leases")
    leases = Leases(desk.store, desk.clock)
    desk.clock.advance(-HOUR)
    leases.note_jump(-3600)
    for _ in range(2):
        await leases.check()
        assert await due(desk) == [LEASE, timedelta()]
    assert [record.getMessage() for record in caplog.records] == [
        "the clock was ahead: 1 leases are shortened, 1 attempts are made now"
    ]


async def test_a_server_that_started_after_the_jump_ends_the_leases(desk: Desk) -> None:
    desk.clock.advance(-HOUR)
    await Leases(desk.store, desk.clock).check()
    assert await due(desk) == [LEASE, HOUR + timedelta(minutes=5)]


@pytest.mark.parametrize(
    ("back", "waits"), [(HOUR, timedelta()), (timedelta(seconds=5), timedelta(minutes=5, seconds=5))]
)
async def test_a_server_that_follows_one_whose_clock_was_ahead_ends_the_waits(
    desk: Desk, back: timedelta, waits: timedelta
) -> None:
    await desk.office.create()
    desk.clock.advance(-back)
    await Leases(desk.store, desk.clock).check()
    assert (await due(desk))[1] == waits


async def test_a_clock_that_was_set_forward_shortens_no_wait(desk: Desk) -> None:
    leases = Leases(desk.store, desk.clock)
    leases.note_jump(3600)
    await leases.check()
    assert await due(desk) == [LEASE, timedelta(minutes=5)]


async def test_what_could_not_be_shortened_is_shortened_by_the_next_check(desk: Desk) -> None:
    leases = Leases(desk.store, desk.clock)
    desk.clock.advance(-HOUR)
    leases.note_jump(-3600)
    desk.store.writable.clear()
    with pytest.raises(Unavailable):
        await leases.check()
    desk.store.writable.set()
    await leases.check()
    assert await due(desk) == [LEASE, timedelta()]
