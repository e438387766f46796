"""Effects are delivered at least once, in order per plan and destination, by one sender at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from core import commands as c
from core.effects import Alarm, Destination, DestinationKind, Effect, Hook, Payload, Sync, Undelivered
from core.errors import Conflict
from core.messages import NO_MESSAGE, Message
from core.ports.outbox import Attempt, Claim, Delivery, DeliveryState, Hold, Settled
from core.ports.store import Store
from tests.clock import ManualClock
from tests.contract.store.offices import Office
from tests.worlds import CI, HOOK, SLACK, START, draft, stage

LEASE = timedelta(minutes=1)
REFUSED = Message("it answered {status}", {"status": 500})


FEISHU = Destination(DestinationKind.CHAT, "feishu")
ADMINS = Destination(DestinationKind.ADMINS)


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

    async def claims(self, *ids: str) -> list[Claim]:
        """Return the present claims of effects, and a first one for those that do not exist any more."""
        found = await self.all()
        return [found[each].claim if each in found else Claim(each, 1) for each in ids]

    async def settle(
        self, *ids: str, state: DeliveryState = DeliveryState.DONE, due_at: datetime | None = None
    ) -> None:
        error = NO_MESSAGE if state is DeliveryState.DONE else REFUSED
        attempt = Attempt(self.clock.now(), 12, 200, error, "answer")
        claims = await self.claims(*ids)
        results = [Settled(claim, state, attempt, due_at) for claim in claims]
        await self.store.write(lambda writing: writing.outbox.settle(results))

    async def fail(self, *ids: str, after: int = 0) -> None:
        """Let tries fail that are to be repeated after some seconds."""
        due_at = self.clock.now() + timedelta(seconds=after)
        await self.settle(*ids, state=DeliveryState.PENDING, due_at=due_at)

    async def wait(self, effect_id: str, holds: Mapping[str, Hold], *, failed: bool = False) -> None:
        """Let parts of a sync wait: for a rate limit, or after a failed try."""
        attempt = Attempt(self.clock.now(), 12, 200, REFUSED, "answer") if failed else None
        due_at = min(hold.until for hold in holds.values())
        [claim] = await self.claims(effect_id)
        result = Settled(claim, DeliveryState.PENDING, attempt, due_at, holds)
        await self.store.write(lambda writing: writing.outbox.settle([result]))

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
    assert await desk.store.write(lambda writing: writing.outbox.release_all(now)) == 2
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


async def test_a_wait_for_a_limit_is_no_failure_and_counts_as_no_try(desk: Desk) -> None:
    await desk.add(sync(1), effect(2))
    until = desk.clock.now() + timedelta(seconds=30)
    for _ in range(3):
        await desk.claim()
        await desk.wait("e1", {"bob": Hold(until)})
        await desk.settle("e2", state=DeliveryState.PENDING, due_at=until)
        desk.clock.advance(timedelta(seconds=30))
        until += timedelta(seconds=30)
    waiting = (await desk.all())["e1"]
    assert (waiting.state, waiting.attempts, waiting.error) == (DeliveryState.PENDING, 0, NO_MESSAGE)
    assert waiting.due_at == desk.clock.now()
    assert await desk.store.read(lambda reading: reading.deliveries.attempts("e1")) == []
    assert await desk.store.read(lambda reading: reading.deliveries.failing()) == {CI: 1}


async def test_an_effect_that_is_no_sync_can_wait_for_a_limit_too(desk: Desk) -> None:
    await desk.add(effect(1))
    await desk.claim()
    due_at = desk.clock.now() + timedelta(seconds=30)
    result = Settled(Claim("e1", 1), DeliveryState.PENDING, None, due_at)
    await desk.store.write(lambda writing: writing.outbox.settle([result]))
    assert await desk.claim() == []
    desk.clock.advance(timedelta(seconds=30))
    [claimed] = await desk.store.write(lambda writing: writing.outbox.claim(desk.clock.now(), LEASE, 10))
    assert (claimed.effect.payload, claimed.attempts) == (HOOK, 1)


@pytest.mark.parametrize("comes", ["while it is sent", "while it waits"])
async def test_a_change_of_the_plan_ends_no_pause(desk: Desk, comes: str) -> None:
    holds = {"bob": Hold(desk.clock.now() + timedelta(seconds=30)), "card": Hold(START + timedelta(hours=1), 3, 7)}
    await desk.add(sync(1))
    await desk.claim()
    if comes == "while it is sent":
        await desk.add(sync(2))
    await desk.wait("e1", holds)
    if comes == "while it waits":
        assert await desk.claim() == []
        await desk.add(sync(2))
    assert list(await desk.all()) == ["e1"]
    [claimed] = await desk.store.write(lambda writing: writing.outbox.claim(desk.clock.now(), LEASE, 10))
    assert (claimed.effect.id, claimed.holds) == ("e1", holds), "the plan's card is sent, and who waits still waits"


async def test_a_sync_whose_sender_died_still_waits_where_it_waited(desk: Desk) -> None:
    holds = {"bob": Hold(desk.clock.now() + timedelta(minutes=5))}
    await desk.add(sync(1))
    await desk.claim()
    await desk.wait("e1", holds)
    desk.clock.advance(timedelta(minutes=6))
    assert await desk.claim() == ["e1"]
    now = desk.clock.now()
    await desk.store.write(lambda writing: writing.outbox.release_all(now))
    assert (await desk.all())["e1"].holds == holds


async def test_what_failed_stays_known_while_other_parts_wait_for_a_limit(desk: Desk) -> None:
    failed = Hold(START + timedelta(hours=1), 3, 7)
    await desk.add(sync(1))
    await desk.claim()
    await desk.wait("e1", {"bob": Hold(desk.clock.now()), "card": failed}, failed=True)
    await desk.claim()
    await desk.wait("e1", {"bob": Hold(desk.clock.now()), "card": failed})
    assert (await desk.all())["e1"].error == REFUSED
    await desk.claim()
    await desk.wait("e1", {"bob": Hold(desk.clock.now())})
    assert (await desk.all())["e1"].error == NO_MESSAGE


async def test_a_channels_card_is_claimed_before_what_one_person_gets(desk: Desk) -> None:
    alarm = Alarm("ci", Message("gone"))
    undelivered = Undelivered("slack", ("bob",), "alice", Message("gone"))
    await desk.add(sync(1), effect(2, "q", ADMINS, alarm), effect(3, "r", ADMINS, undelivered))
    await desk.claim(limit=1)
    await desk.wait("e1", {"bob": Hold(desk.clock.now())})
    desk.clock.advance(timedelta(seconds=10))
    await desk.add(sync(4, "s"), effect(5, "t"), sync(6, "u", FEISHU))
    assert await desk.claim(limit=2) == ["e4", "e5"]
    assert await desk.claim(limit=2) == ["e6", "e1"]
    assert await desk.claim() == ["e2", "e3"]


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


async def test_all_dead_deliveries_of_one_place_are_replayed_in_their_order(desk: Desk) -> None:
    for number in (1, 2):
        await desk.add(effect(number))
        await desk.claim()
        await desk.settle(f"e{number}", state=DeliveryState.DEAD)
    assert await desk.replay("e2", "e1") == 2
    assert await desk.replay("e1", "e2") == 0, "they are due already"
    assert await desk.claim() == ["e1"]
    await desk.settle("e1")
    assert await desk.claim() == ["e2"]


async def test_a_result_that_comes_late_or_twice_changes_nothing(desk: Desk) -> None:
    await desk.add(effect(1), sync(2))
    await desk.claim()
    await desk.settle("e1", "e2")
    before = await desk.all()
    await desk.settle("e1", "e2", "none", state=DeliveryState.DEAD)
    assert await desk.all() == before
    assert await desk.claim() == []


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
