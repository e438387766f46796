"""Effects are delivered at least once, in order per plan and destination, by one sender at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from core import commands as c
from core.effects import Destination, DestinationKind, Effect, Hook, Payload, Sync
from core.errors import Conflict
from core.messages import NO_MESSAGE, Message
from core.ports.outbox import Attempt, Delivery, DeliveryState, Settled
from core.ports.store import Store
from tests.clock import ManualClock
from tests.contract.store.offices import Office
from tests.worlds import CI, HOOK, SLACK, START, draft, stage

LEASE = timedelta(minutes=1)
REFUSED = Message("it answered {status}", {"status": 500})


FEISHU = Destination(DestinationKind.CHAT, "feishu")


def endpoint(name: object) -> Destination:
    return Destination(DestinationKind.HOOK, str(name))


def effect(number: int, plan: str = "p", destination: Destination = CI, payload: Payload = HOOK) -> Effect:
    return Effect(f"e{number}", plan, destination, payload)


def sync(number: int, plan: str = "p", destination: Destination = SLACK) -> Effect:
    return effect(number, plan, destination, Sync())


class Desk:
    """Adds, claims and settles, each in a transaction of its own."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store, self.clock = store, clock

    async def add(self, *effects: Effect) -> None:
        await self.store.write(lambda writing: writing.outbox.add(effects))

    async def claim(self, limit: int = 10, busy: Sequence[Destination] = ()) -> list[str]:
        now = self.clock.now()
        claimed = await self.store.write(lambda writing: writing.outbox.claim(now, LEASE, limit, busy))
        return [delivery.effect.id for delivery in claimed]

    async def settle(
        self, *ids: str, state: DeliveryState = DeliveryState.DONE, due_at: datetime | None = None
    ) -> None:
        error = NO_MESSAGE if state is DeliveryState.DONE else REFUSED
        attempt = Attempt(self.clock.now(), 12, 200, error, "answer")
        results = [Settled(effect_id, state, attempt, due_at) for effect_id in ids]
        await self.store.write(lambda writing: writing.outbox.settle(results))

    async def fail(self, *ids: str, after: int = 0) -> None:
        """Let tries fail that are to be repeated after some seconds."""
        due_at = self.clock.now() + timedelta(seconds=after)
        await self.settle(*ids, state=DeliveryState.PENDING, due_at=due_at)

    async def replay(self, *ids: str) -> int:
        now = self.clock.now()
        return await self.store.write(lambda writing: writing.outbox.replay(ids, now))

    async def all(self) -> dict[str, Delivery]:
        page = await self.store.read(lambda reading: reading.deliveries.page())
        return {delivery.effect.id: delivery for delivery in page.items}


@pytest.fixture
def desk(store: Store, clock: ManualClock) -> Desk:
    return Desk(store, clock)


async def test_the_effects_of_a_command_are_stored_with_it(office: Office, desk: Desk) -> None:
    plan = await office.create(draft(stage("bob")))
    await office.do(c.Submit, plan)
    await office.do(c.Approve, plan, "bob")
    kept = [d.effect for d in (await desk.all()).values()]
    assert sorted((str(each.destination), type(each.payload), each.plan_id) for each in kept) == [
        ("digests", Sync, plan.id),
        ("feishu", Sync, plan.id),
        ("hook:ci", Hook, plan.id),
        ("slack", Sync, plan.id),
    ]


async def test_a_claimed_effect_is_what_was_added(desk: Desk) -> None:
    await desk.add(effect(1))
    now = desk.clock.now()
    (delivery,) = await desk.store.write(lambda writing: writing.outbox.claim(now, LEASE, 10))
    assert (delivery.effect.id, delivery.effect.plan_id, delivery.effect.destination) == ("e1", "p", CI)
    assert delivery.effect.payload == HOOK
    assert (delivery.state, delivery.attempts, delivery.created_at) == (DeliveryState.SENDING, 1, START)
    assert delivery.due_at == now + LEASE


async def test_only_the_oldest_of_each_plan_and_destination_is_claimed(desk: Desk) -> None:
    await desk.add(effect(9), effect(1), effect(2, "q"), effect(3, "p", endpoint("b")), effect(4, "q"))
    assert await desk.claim() == ["e9", "e2", "e3"]
    assert await desk.claim() == []
    await desk.settle("e9")
    assert await desk.claim() == ["e1"]


async def test_a_failed_effect_holds_up_those_behind_it_until_it_is_dead(desk: Desk) -> None:
    await desk.add(effect(1), effect(2))
    await desk.claim()
    await desk.fail("e1", after=30)
    assert await desk.claim() == []
    desk.clock.advance(timedelta(seconds=30))
    assert await desk.claim() == ["e1"]
    await desk.settle("e1", state=DeliveryState.DEAD)
    assert await desk.claim() == ["e2"]


async def test_the_limit_and_busy_destinations_are_heeded(desk: Desk) -> None:
    await desk.add(*(effect(i, f"p{i}", endpoint(i % 2)) for i in range(6)))
    assert await desk.claim(limit=2, busy=[endpoint(0), FEISHU]) == ["e1", "e3"]
    assert await desk.claim(limit=10) == ["e0", "e2", "e4", "e5"]


async def test_an_effect_is_not_claimed_before_it_is_due(desk: Desk) -> None:
    later = Effect("e1", "p", SLACK, Sync(), due_at=START + timedelta(seconds=5))
    await desk.add(later)
    assert await desk.claim() == []
    desk.clock.advance(timedelta(seconds=5))
    assert await desk.claim() == ["e1"]


async def test_an_effect_comes_again_when_its_sender_dies(desk: Desk) -> None:
    await desk.add(effect(1))
    assert await desk.claim() == ["e1"]
    desk.clock.advance(LEASE - timedelta(microseconds=1))
    assert await desk.claim() == []
    desk.clock.advance(timedelta(microseconds=1))
    assert await desk.claim() == ["e1"]
    assert (await desk.all())["e1"].attempts == 2


async def test_what_was_being_sent_is_released_at_once_and_counts_as_a_try(desk: Desk) -> None:
    await desk.add(effect(1), effect(2), effect(3, "q"), effect(4, "r"), sync(5))
    assert await desk.claim(limit=4) == ["e1", "e3", "e4", "e5"]
    await desk.settle("e3")
    await desk.fail("e4", after=30)
    await desk.add(sync(6))
    now = desk.clock.now()
    assert await desk.store.write(lambda writing: writing.outbox.release(now)) == 2
    assert {key: (d.state, d.attempts) for key, d in (await desk.all()).items()} == {
        "e1": (DeliveryState.PENDING, 1),
        "e2": (DeliveryState.PENDING, 0),
        "e3": (DeliveryState.DONE, 1),
        "e4": (DeliveryState.PENDING, 1),
        "e5": (DeliveryState.PENDING, 1),
    }
    assert await desk.claim() == ["e1", "e5"]
    assert (await desk.all())["e1"].attempts == 2


async def test_every_try_is_kept(desk: Desk) -> None:
    await desk.add(effect(1))
    await desk.claim()
    await desk.fail("e1")
    desk.clock.advance(timedelta(seconds=1))
    await desk.claim()
    await desk.settle("e1")
    tries = await desk.store.read(lambda reading: reading.deliveries.attempts("e1"))
    assert tries == [
        Attempt(START, 12, 200, REFUSED, "answer"),
        Attempt(START + timedelta(seconds=1), 12, 200, NO_MESSAGE, "answer"),
    ]
    done = (await desk.all())["e1"]
    assert (done.state, done.due_at, done.attempts, done.error) == (DeliveryState.DONE, None, 2, NO_MESSAGE)
    assert done.settled_at == START + timedelta(seconds=1)


async def test_deliveries_are_found_by_name(desk: Desk) -> None:
    await desk.add(effect(1), effect(2), effect(3, "q"))
    found = await desk.store.read(lambda reading: reading.deliveries.by_ids(["e3", "e1", "e9", "e1"]))
    assert [delivery.effect.id for delivery in found] == ["e1", "e3"]


async def test_syncs_coalesce_until_one_is_being_sent(desk: Desk) -> None:
    await desk.add(sync(1), sync(2), sync(3, destination=FEISHU), sync(4, plan="q"))
    assert sorted(await desk.all()) == ["e1", "e3", "e4"]
    assert await desk.claim() == ["e1", "e3", "e4"]
    await desk.add(sync(5), sync(6))
    assert sorted(await desk.all()) == ["e1", "e3", "e4", "e5"]
    await desk.settle("e1")
    assert await desk.claim() == ["e5"]


async def test_a_sync_that_is_done_is_forgotten_with_its_tries(desk: Desk) -> None:
    await desk.add(sync(1), effect(2))
    await desk.claim()
    await desk.fail("e1")
    await desk.claim()
    await desk.settle("e1", "e2")
    assert list(await desk.all()) == ["e2"]
    assert await desk.store.read(lambda reading: reading.deliveries.attempts("e1")) == []


async def test_a_sync_that_is_repeated_stands_for_one_that_came_meanwhile(desk: Desk) -> None:
    await desk.add(sync(1))
    await desk.claim()
    await desk.add(sync(2))
    await desk.fail("e1", after=30)
    assert list(await desk.all()) == ["e1"]
    assert await desk.claim() == ["e1"], "what changed since does not wait"


async def test_a_sync_that_failed_waits_unless_something_changes(desk: Desk) -> None:
    await desk.add(sync(1))
    await desk.claim()
    await desk.fail("e1", after=30)
    assert await desk.claim() == []
    await desk.add(Effect("e2", "p", SLACK, Sync(), desk.clock.now() + timedelta(seconds=60)))
    assert await desk.claim() == []
    await desk.add(sync(3))
    assert await desk.claim() == ["e1"]
    assert (await desk.all())["e1"].attempts == 2


async def test_deliveries_that_failed_and_are_tried_again_are_counted(desk: Desk) -> None:
    await desk.add(sync(1), sync(2, plan="q"), sync(3, plan="r"), sync(4, destination=FEISHU), effect(5))
    await desk.claim()
    await desk.fail("e1", "e2", after=30)
    await desk.settle("e5", state=DeliveryState.DEAD)
    assert await desk.store.read(lambda reading: reading.deliveries.failing()) == {SLACK: 2}


async def test_ended_deliveries_are_replayed(desk: Desk) -> None:
    await desk.add(effect(1), effect(2, "q"), effect(3, "r"), sync(4))
    await desk.claim()
    await desk.settle("e1")
    await desk.settle("e2", "e4", state=DeliveryState.DEAD)
    await desk.add(sync(5))
    assert await desk.replay("e1", "e2", "e3", "e4", "none") == 3
    assert {key: d.state for key, d in (await desk.all()).items()} == {
        "e1": DeliveryState.PENDING,
        "e2": DeliveryState.PENDING,
        "e3": DeliveryState.SENDING,
        "e4": DeliveryState.PENDING,
    }
    assert sorted(await desk.claim()) == ["e1", "e2", "e4"]


async def test_of_several_dead_syncs_of_one_place_the_newest_is_replayed(desk: Desk) -> None:
    for number in (1, 2):
        await desk.add(sync(number))
        await desk.claim()
        await desk.settle(f"e{number}", state=DeliveryState.DEAD)
    assert await desk.replay("e1", "e2") == 1
    assert await desk.claim() == ["e2"]


async def test_what_another_sender_settled_stays_as_it_is(desk: Desk) -> None:
    await desk.add(effect(1), sync(2))
    await desk.claim()
    await desk.settle("e1", "e2")
    await desk.fail("e1", "e2", "none")
    assert {key: d.state for key, d in (await desk.all()).items()} == {"e1": DeliveryState.DONE}
    assert len(await desk.store.read(lambda reading: reading.deliveries.attempts("e1"))) == 1


async def test_the_first_body_of_an_effect_is_kept(desk: Desk) -> None:
    await desk.add(effect(1))
    await desk.store.write(lambda writing: writing.outbox.store_bodies({"e1": b"\x00first"}))
    await desk.store.write(lambda writing: writing.outbox.store_bodies({"e1": b"second"}))
    assert await desk.store.read(lambda reading: reading.deliveries.body("e1")) == b"\x00first"
    assert await desk.store.read(lambda reading: reading.deliveries.body("e2")) is None


async def test_an_identifier_is_used_once(desk: Desk) -> None:
    await desk.add(effect(1))
    with pytest.raises(Conflict):
        await desk.add(effect(1, "q"))


async def test_deliveries_are_listed_by_plan_and_state_in_pages(desk: Desk) -> None:
    await desk.add(*(effect(i, f"p{i % 2}") for i in range(7)))
    await desk.claim()
    first = await desk.store.read(lambda reading: reading.deliveries.page(limit=3))
    assert [d.effect.id for d in first.items] == ["e6", "e5", "e4"]
    await desk.add(effect(8))
    second = await desk.store.read(lambda reading: reading.deliveries.page(cursor=first.next_cursor, limit=4))
    assert [d.effect.id for d in second.items] == ["e3", "e2", "e1", "e0"]
    assert second.next_cursor == ""
    sending = await desk.store.read(lambda reading: reading.deliveries.page(state="sending"))
    assert [d.effect.id for d in sending.items] == ["e1", "e0"]
    of_plan = await desk.store.read(lambda reading: reading.deliveries.page(plan_id="p1", state="pending"))
    assert [d.effect.id for d in of_plan.items] == ["e5", "e3"]
