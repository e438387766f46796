"""The digests of people, and the query for what waits for somebody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core import commands as c
from core.effects import Destination, DestinationKind, Effect, Sync
from core.plan import Item, Plan
from core.ports.digests import DigestRecord
from core.ports.outbox import Attempt, Claim, DeliveryState, Settled
from core.ports.store import Store
from core.status import RunStatus
from tests.contract.store.offices import Office, item_of
from tests.worlds import START, draft, text_item, workflow_item

BOB = DigestRecord("d1", "bob", "slack", "D1", "1.2", "hash", frozenset({"p.n.i", "p.n.j"}), START)


async def test_digests_are_put_replaced_and_dropped(store: Store) -> None:
    intent = DigestRecord("d0", "bob", "slack")
    later = replace(BOB, id="d2", posted_at=START + timedelta(hours=1), moved=True, refused=True)
    for record in (intent, later, BOB, replace(BOB, id="d3", person="carol")):
        await store.write(lambda writing, record=record: writing.digests.put(record))  # type: ignore[misc]
    assert await store.read(lambda reading: reading.digests.of_person("bob")) == [BOB, later, intent]
    assert await store.read(lambda reading: reading.digests.people()) == {"bob", "carol"}

    shown = replace(BOB, shown=frozenset(), content="other")
    await store.write(lambda writing: writing.digests.put(shown))
    await store.write(lambda writing: writing.digests.drop(["d0", "d2", "none"]))
    await store.write(lambda writing: writing.digests.drop([]))
    assert await store.read(lambda reading: reading.digests.of_person("bob")) == [shown]
    await store.write(lambda writing: writing.digests.drop(["d1"]))
    assert await store.read(lambda reading: reading.digests.people()) == {"carol"}


async def test_what_digests_know_is_kept_by_plan_and_forgotten_by_person(office: Office) -> None:
    store, first, second = office.store, await office.create(), await office.create()

    async def parts(plan: Plan) -> dict[str, str]:
        return dict(await store.read(lambda reading: reading.digests.parts(plan.id)))

    await store.write(lambda writing: writing.digests.set_parts(first.id, {"bob": "1", "carol": "2"}))
    await store.write(lambda writing: writing.digests.set_parts(second.id, {"bob": "3"}))
    await store.write(lambda writing: writing.digests.set_parts(first.id, {"bob": "4", "erin": "5"}))
    assert (await parts(first), await parts(second)) == ({"bob": "4", "erin": "5"}, {"bob": "3"})
    await store.write(lambda writing: writing.digests.forget_parts("bob"))
    assert (await parts(first), await parts(second)) == ({"erin": "5"}, {})
    await store.write(lambda writing: writing.digests.set_parts(first.id, {}))
    assert await parts(first) == {}


async def waiting(office: Office, person: str, limit: int = 500) -> list[tuple[Plan, Item]]:
    return await office.store.read(lambda reading: reading.plans.waiting(person, limit))


async def names(office: Office, person: str, limit: int = 500) -> list[tuple[int, str]]:
    return [(plan.number, item.key) for plan, item in await waiting(office, person, limit)]


async def test_what_waits_for_somebody_over_all_plans(office: Office) -> None:
    items = [
        text_item("first", assignee="erin"),
        text_item("other", assignee="bob"),
        workflow_item("second", assignee="erin", needs=["other"]),
        text_item("nobodys"),
    ]
    started = await office.create(draft(items=items))
    assert await names(office, "erin") == [], "the plan is not executing"
    await office.do(c.Submit, started)
    newer = await office.create(draft(items=[text_item("third", assignee="erin")]))
    await office.do(c.Submit, newer)
    assert await names(office, "erin") == [(2, "third"), (1, "first"), (1, "second")]
    assert await names(office, "erin", 2) == [(2, "third"), (1, "first")]
    assert await names(office, "carol") == []

    (_, _), (plan, first), (_, second) = await waiting(office, "erin")
    assert {item.key for item in plan.items.values()} == {"first", "second", "other"}, "what nobody needs is not read"
    assert (plan.blockers(first), [other.key for other in plan.blockers(second)]) == ([], ["other"])
    assert first.spec is None

    await office.do(c.Execute, started, "bob", item_id=item_of(started, "other").id)
    plan, second = (await waiting(office, "erin"))[-1]
    assert plan.blockers(second) == []
    started = await office.do(c.Execute, started, "erin", item_id=second.id)
    started = await office.report(started, "second", RunStatus.FAILED)
    assert (await waiting(office, "erin"))[-1][1].status == "failed"
    await office.do(c.Execute, started, "erin", item_id=item_of(started, "first").id)
    await office.do(c.Cancel, newer)
    assert await names(office, "erin") == [(1, "second")]
    await office.do(c.Replan, started)
    assert await names(office, "erin") == []


async def test_the_effects_of_one_digest_coalesce_and_are_delivered_one_after_the_other(store: Store) -> None:
    bob, erin = (Destination(DestinationKind.DIGESTS, person) for person in ("bob", "erin"))

    async def add(number: int, destination: Destination) -> None:
        await store.write(lambda writing: writing.outbox.add([Effect(f"e{number}", "", destination, Sync(), START)]))

    async def claimed() -> list[str]:
        found = await store.write(lambda writing: writing.outbox.claim(START, timedelta(minutes=2), 10))
        return [delivery.effect.id for delivery in found]

    for number, destination in enumerate([bob, bob, erin, bob]):
        await add(number, destination)
    assert sorted(await claimed()) == ["e0", "e2"]
    await add(4, bob)
    assert await claimed() == [], "another replica would send a second message"
    done = Settled(Claim("e0", 1), DeliveryState.DONE, Attempt(START, 1))
    await store.write(lambda writing: writing.outbox.settle([done]))
    assert await claimed() == ["e4"]
