"""Since when a destination has done nothing but fail: what disabling an endpoint rests on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.effects import Destination, DestinationKind, Effect
from core.messages import NO_MESSAGE, Message
from core.ports.outbox import Attempt, DeliveryState, Outage, Settled
from core.ports.store import Store
from tests.clock import ManualClock
from tests.worlds import CI, HOOK, START

OTHER = Destination(DestinationKind.HOOK, "other")


class Tries:
    """Tries that go well or fail, a minute apart."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock

    async def make(self, number: int, status: int, destination: Destination = CI) -> None:
        effect = Effect(f"e{number}", f"p{number}", destination, HOOK)
        await self.store.write(lambda writing: writing.outbox.add([effect]))
        await self.again(number, status)

    async def again(self, number: int, status: int) -> None:
        good = status == 200
        attempt = Attempt(self.clock.now(), 1, status, NO_MESSAGE if good else Message("refused"))
        now, lease = self.clock.now(), timedelta(seconds=30)
        [claimed] = await self.store.write(lambda writing: writing.outbox.claim(now, lease, 1))
        assert claimed.effect.id == f"e{number}"
        settled = Settled(claimed.claim, DeliveryState.DONE if good else DeliveryState.DEAD, attempt)
        await self.store.write(lambda writing: writing.outbox.settle([settled]))
        self.clock.advance(timedelta(minutes=1))

    async def outage(self, destination: Destination = CI) -> Outage | None:
        return await self.store.read(lambda reading: reading.deliveries.outage(destination))


@pytest.fixture
def tries(store: Store, clock: ManualClock) -> Tries:
    return Tries(store, clock)


async def test_a_destination_that_was_never_tried_does_not_fail(tries: Tries) -> None:
    assert await tries.outage() is None


async def test_failing_begins_with_the_first_failure_after_the_last_success(tries: Tries) -> None:
    await tries.make(1, 500)
    await tries.make(2, 200)
    assert await tries.outage() is None
    await tries.make(3, 500)
    await tries.make(4, 503)
    assert await tries.outage() == Outage(START + timedelta(minutes=2))


async def test_each_destination_stands_for_itself(tries: Tries) -> None:
    await tries.make(1, 500)
    await tries.make(2, 200, OTHER)
    assert await tries.outage() == Outage(START)
    assert await tries.outage(OTHER) is None


async def test_gone_is_remembered_until_a_later_try_goes_well(tries: Tries) -> None:
    await tries.make(1, 410)
    await tries.make(2, 0)
    assert await tries.outage() == Outage(START, gone=True)
    await tries.store.write(lambda writing: writing.outbox.replay(["e1"], tries.clock.now()))
    await tries.again(1, 200)
    assert await tries.outage() is None
    await tries.make(3, 500)
    assert await tries.outage() == Outage(START + timedelta(minutes=3))
