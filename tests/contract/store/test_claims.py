"""A claim of an effect is held until it is settled, given up, or taken over; what a lost one says counts no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from core.effects import Effect, Payload, Sync
from core.messages import NO_MESSAGE
from core.ports.outbox import Attempt, Claim, Delivery, DeliveryState, Hold, Settled
from core.ports.store import Store
from tests.clock import ManualClock
from tests.worlds import CI, HOOK, SLACK, START

LEASE = timedelta(seconds=15)
SECOND = timedelta(seconds=1)


class Desk:
    """Two senders that share an outbox."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock

    async def add(self, number: int, payload: Payload = HOOK) -> None:
        destination = SLACK if isinstance(payload, Sync) else CI
        effect = Effect(f"e{number}", f"p{number}", destination, payload)
        await self.store.write(lambda writing: writing.outbox.add([effect]))

    async def claim(self) -> list[Claim]:
        now = self.clock.now()
        claimed = await self.store.write(lambda writing: writing.outbox.claim(now, LEASE, 10))
        return [delivery.claim for delivery in claimed]

    async def renew(self, *claims: Claim) -> set[Claim]:
        lease_end = self.clock.now() + LEASE
        return await self.store.write(lambda writing: writing.outbox.renew(claims, lease_end))

    async def release(self, *claims: Claim) -> None:
        now = self.clock.now()
        await self.store.write(lambda writing: writing.outbox.release(claims, now))

    async def settle(
        self, *claims: Claim, state: DeliveryState = DeliveryState.DONE, pause: timedelta | None = None
    ) -> set[Claim]:
        attempt = None if pause else Attempt(self.clock.now(), 1, 200, NO_MESSAGE)
        due_at = self.clock.now() + pause if pause else None
        holds = {"bob": Hold(due_at)} if due_at else {}
        results = [Settled(claim, state, attempt, due_at, holds) for claim in claims]
        return await self.store.write(lambda writing: writing.outbox.settle(results))

    async def limited(self, *claims: Claim, pause: timedelta) -> set[Claim]:
        """Let a destination refuse effects for a while, because of a limit."""
        return await self.settle(*claims, state=DeliveryState.PENDING, pause=pause)

    async def take_over(self) -> list[Claim]:
        """Let the leases end, and another sender claim what is left."""
        self.clock.advance(LEASE)
        return await self.claim()

    async def shorten(self) -> int:
        now = self.clock.now()
        return await self.store.write(lambda writing: writing.outbox.shorten_leases(now, LEASE))

    async def hasten(self) -> int:
        now = self.clock.now()
        return await self.store.write(lambda writing: writing.outbox.hasten(now))

    async def all(self) -> Sequence[Delivery]:
        return (await self.store.read(lambda reading: reading.deliveries.page())).items


@pytest.fixture
def desk(store: Store, clock: ManualClock) -> Desk:
    return Desk(store, clock)


async def test_a_claim_that_is_renewed_lasts(desk: Desk) -> None:
    await desk.add(1)
    [claim] = await desk.claim()
    for _ in range(5):
        desk.clock.advance(LEASE - SECOND)
        assert await desk.claim() == []
        assert await desk.renew(claim) == {claim}
    assert await desk.take_over() == [Claim("e1", 2)]


async def test_a_claim_that_was_taken_over_is_not_renewed(desk: Desk) -> None:
    for number in (1, 2):
        await desk.add(number)
    first, second = await desk.claim()
    await desk.settle(second)
    [later] = await desk.take_over()
    assert await desk.renew(first, second, later) == {later}


@pytest.mark.parametrize("payload", [HOOK, Sync()])
@pytest.mark.parametrize("state", [DeliveryState.DONE, DeliveryState.DEAD, DeliveryState.PENDING])
async def test_the_result_of_a_claim_that_was_taken_over_is_lost(
    desk: Desk, payload: Payload, state: DeliveryState
) -> None:
    await desk.add(1, payload)
    [lost] = await desk.claim()
    [held] = await desk.take_over()
    assert await desk.settle(lost, state=state) == {lost}
    [delivery] = await desk.all()
    assert (delivery.state, delivery.claim) == (DeliveryState.SENDING, held)
    assert await desk.store.read(lambda reading: reading.deliveries.attempts("e1")) == []
    assert await desk.settle(held) == set()
    assert await desk.settle(lost, held) == {lost, held}, "it has ended"


async def test_a_lost_claim_is_told_from_every_later_one(desk: Desk) -> None:
    await desk.add(1)
    lost = await desk.claim()
    lost += await desk.take_over()
    for _ in range(3):
        [held] = await desk.take_over()
        assert await desk.limited(held, pause=SECOND) == set()
        assert await desk.settle(*lost) == {*lost}, "a wait for a limit takes the number of its attempt back"
        desk.clock.advance(SECOND)
        [held] = await desk.claim()
        assert await desk.settle(*lost) == {*lost}
        assert held not in lost
        lost.append(held)


async def test_what_is_given_up_is_due_at_once_and_counts_as_an_attempt(desk: Desk) -> None:
    await desk.add(1)
    [claim] = await desk.claim()
    await desk.release(claim)
    [delivery] = await desk.all()
    assert (delivery.state, delivery.attempts, delivery.due_at) == (DeliveryState.PENDING, 1, START)
    [later] = await desk.claim()
    await desk.release(claim)
    assert (await desk.all())[0].claim == later
    assert (await desk.all())[0].state is DeliveryState.SENDING, "who has lost a claim cannot give it up"


async def test_a_sync_that_is_given_up_stands_for_one_that_came_meanwhile(desk: Desk) -> None:
    await desk.add(1, Sync())
    [claim] = await desk.claim()
    await desk.store.write(lambda writing: writing.outbox.add([Effect("e2", "p1", SLACK, Sync())]))
    await desk.release(claim)
    assert [each.effect.id for each in await desk.all()] == ["e1"]


async def test_no_lease_outlasts_a_clock_that_was_set_back(desk: Desk) -> None:
    for number in (1, 2):
        await desk.add(number)
    living, dead = await desk.claim()
    desk.clock.advance(-timedelta(hours=1))
    assert await desk.shorten() == 2
    assert await desk.shorten() == 0
    assert await desk.claim() == []
    desk.clock.advance(LEASE - SECOND)
    assert await desk.renew(living) == {living}
    desk.clock.advance(SECOND)
    assert await desk.claim() == [Claim(dead.effect_id, 2)]


async def test_no_lease_that_can_be_is_shortened(desk: Desk) -> None:
    await desk.add(1)
    await desk.claim()
    desk.clock.advance(-LEASE)
    assert await desk.shorten() == 0, "the clocks of two servers may differ a little"


async def test_what_waits_for_an_attempt_does_not_outlast_a_clock_that_was_set_back(desk: Desk) -> None:
    for number in (1, 2, 3):
        await desk.add(number, Sync() if number == 3 else HOOK)
    first, second, third = await desk.claim()
    await desk.limited(first, third, pause=timedelta(minutes=5))
    desk.clock.advance(-timedelta(hours=1))
    assert await desk.hasten() == 2
    assert await desk.hasten() == 0
    assert {each.claim for each in await desk.all() if each.state is DeliveryState.SENDING} == {second}
    assert await desk.claim() == [Claim("e1", 1), Claim("e3", 1)]
    assert [each.holds for each in await desk.all()] == [{}, {}, {}]
    assert (await desk.all())[-1].effect.payload == HOOK
