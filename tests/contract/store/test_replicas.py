"""Several stores on one PostgreSQL database: nothing is done twice, nothing is lost, and each hears of the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import NullPool, create_engine, text

from adapters.store.sql import databases
from core import commands as c
from core.audit import LogEntry, first_broken_entry
from core.effects import Effect, Sync
from core.engine import Outcome
from core.errors import AlreadyDecided, Invalid, Unavailable
from core.plan import Plan
from core.ports.outbox import DeliveryState
from core.ports.plans import Change
from core.ports.store import Store, Writing
from core.status import PlanStatus
from tests.clock import ManualClock
from tests.contract.store.offices import AUDIT_KEY, Office
from tests.waiting import PATIENCE, until
from tests.worlds import CI, HOOK, SLACK, START, draft, stage, text_item

LEASE = timedelta(minutes=1)


class Held:
    """A transaction that has done its work and is kept from committing."""

    def __init__(self, store: Store, work: Callable[[Writing], None]) -> None:
        self._done, self._released = threading.Event(), threading.Event()

        def hold(writing: Writing) -> None:
            work(writing)
            self._done.set()
            assert self._released.wait(PATIENCE)

        self._task = asyncio.create_task(store.write(hold))

    async def begun(self) -> None:
        assert await asyncio.to_thread(self._done.wait, PATIENCE)

    async def release(self) -> None:
        self._released.set()
        await self._task


def renamed(plan: Plan) -> Change:
    """A change with one log entry."""
    entry = LogEntry(plan.id, plan.log_seq + 1, START, "alice", "person", "api", "renamed", {})
    return Change(plan, replace(plan, version=plan.version + 1, log_seq=entry.seq), [entry])


async def test_the_same_request_at_two_replicas_counts_once(offices: list[Office]) -> None:
    plan = await offices[0].create(draft(stage("bob", "carol")))
    await offices[0].do(c.Submit, plan)
    for number in range(10):
        asked = (office.ask(c.Delegate, plan, "bob", key=f"click{number}", to="erin") for office in offices)
        answers: list[Outcome] = await asyncio.gather(*asked)
        assert sorted(answer.repeated for answer in answers) == [False, True]
    assert first_broken_entry(await offices[0].log(plan), AUDIT_KEY) is None


async def claimed(key: str, store: Store) -> bool:
    return await store.write(lambda writing: writing.requests.claim(key, START))


async def test_a_message_that_is_delivered_to_two_replicas_is_claimed_by_one(stores: list[Store]) -> None:
    for number in range(10):
        claim = partial(claimed, f"slack:C1/{number}")
        assert sorted(await asyncio.gather(*map(claim, stores))) == [False, True]


async def test_replicas_that_race_for_one_plan_take_turns(offices: list[Office]) -> None:
    plan = await offices[0].create(items=[text_item(f"step{i}") for i in range(40)])
    await offices[0].do(c.Submit, plan)
    asked = (offices[i % 2].ask(c.Execute, plan, item_id=item_id) for i, item_id in enumerate(plan.items))
    await asyncio.gather(*asked)
    stored = await offices[1].stored(plan)
    assert (stored.status, stored.tally.done) == (PlanStatus.SUCCESS, 40)
    assert first_broken_entry(await offices[0].log(plan), AUDIT_KEY) is None


async def test_a_vote_given_at_two_replicas_counts_once(offices: list[Office]) -> None:
    plan = await offices[0].create(draft(stage("bob", "carol")))
    await offices[0].do(c.Submit, plan)
    answers = await asyncio.gather(*(o.ask(c.Approve, plan, "bob") for o in offices), return_exceptions=True)
    assert {type(answer) for answer in answers} == {AlreadyDecided, Outcome}
    assert len((await offices[0].stored(plan)).votes) == 1


async def test_replicas_number_plans_without_gaps(offices: list[Office]) -> None:
    plans: list[Plan] = await asyncio.gather(*(offices[i % 2].create() for i in range(60)))
    assert sorted(plan.number for plan in plans) == list(range(1, 61))


async def test_log_entries_are_numbered_in_the_order_of_commits(offices: list[Office]) -> None:
    first, second = await offices[0].create(), await offices[0].create()
    held = Held(offices[0].store, lambda writing: writing.plans.save([renamed(first)], AUDIT_KEY))
    await held.begun()
    later = asyncio.create_task(
        offices[1].store.write(lambda writing: writing.plans.save([renamed(second)], AUDIT_KEY))
    )
    await asyncio.wait([later], timeout=0.3)
    assert not later.done()
    await held.release()
    await later
    log = await offices[0].store.read(lambda reading: reading.log.since(0))
    assert [entry.plan_id for entry in log if entry.event == "renamed"] == [first.id, second.id]


async def test_a_sync_is_not_sent_before_the_change_that_joined_it(stores: list[Store], clock: ManualClock) -> None:
    sync = Effect("e1", "p", SLACK, Sync())
    await stores[0].write(lambda writing: writing.outbox.add([sync]))
    held = Held(stores[0], lambda writing: writing.outbox.add([replace(sync, id="e2")]))
    await held.begun()
    now = clock.now()
    assert await stores[1].write(lambda writing: writing.outbox.claim(now, LEASE, 5)) == []
    await held.release()
    (claimed,) = await stores[1].write(lambda writing: writing.outbox.claim(now, LEASE, 5))
    assert claimed.effect.id == "e1"


async def test_replicas_claim_different_effects(stores: list[Store], clock: ManualClock) -> None:
    effects = [Effect(f"e{i}", f"p{i % 25}", CI, HOOK) for i in range(50)]
    await stores[0].write(lambda writing: writing.outbox.add(effects))
    now = clock.now()
    claimed = await asyncio.gather(
        *(stores[i % 2].write(lambda writing: writing.outbox.claim(now, LEASE, 5)) for i in range(10))
    )
    ids = [delivery.effect.id for batch in claimed for delivery in batch]
    assert len(ids) == len(set(ids)) == 25
    assert {delivery.state for batch in claimed for delivery in batch} == {DeliveryState.SENDING}


async def test_replicas_claim_different_timers(offices: list[Office], clock: ManualClock) -> None:
    approval = {"stages": [stage("bob")], "remind_every": "1m"}
    for plan in await asyncio.gather(*(offices[0].create(draft(approval=approval)) for _ in range(20))):
        await offices[0].do(c.Submit, plan)
    clock.advance(timedelta(minutes=1))
    now = clock.now()
    claimed = await asyncio.gather(
        *(offices[i % 2].store.write(lambda writing: writing.timers.claim(now, LEASE, 5)) for i in range(8))
    )
    plans = [due.plan_id for batch in claimed for due in batch]
    assert len(plans) == len(set(plans)) == 20


async def test_a_replica_that_stands_still_in_a_transaction_holds_up_no_other(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "IDLE_LIMIT", "200ms")
    effects = [Effect(f"e{number}", f"p{number}", CI, HOOK) for number in (1, 2)]
    held = Held(stores[0], lambda writing: writing.outbox.add(effects[:1]))
    await held.begun()
    async with asyncio.timeout(PATIENCE):
        await stores[1].write(lambda writing: writing.outbox.add(effects[1:]))
    with pytest.raises(Unavailable):
        await held.release()
    await stores[0].write(lambda writing: writing.outbox.add(effects[:1]))
    stored = await stores[1].read(lambda reading: reading.deliveries.page())
    assert {delivery.effect.id for delivery in stored.items} == {"e1", "e2"}


async def test_a_replica_hears_of_the_others_but_not_of_itself(offices: list[Office]) -> None:
    heard: list[str] = []
    offices[0].store.listen(lambda: heard.append("a commit"))
    await until(lambda: heard)
    heard.clear()
    await offices[0].create()
    await offices[1].create()  # PostgreSQL notifies in the order of the commits
    await until(lambda: heard)
    assert len(heard) == 1


async def test_what_postgresql_cannot_keep_is_invalid(offices: list[Office]) -> None:
    plan = await offices[0].create(draft(stage("bob")))
    await offices[0].do(c.Submit, plan)
    with pytest.raises(Invalid):
        await offices[0].do(c.Approve, plan, "bob", comment="\0")
    assert (await offices[0].stored(plan)).votes == ()


async def test_a_lost_connection_is_replaced(offices: list[Office], empty_postgres: str) -> None:
    heard = asyncio.Event()
    offices[0].store.listen(heard.set)
    await asyncio.wait_for(heard.wait(), PATIENCE)
    plan = await offices[0].create()
    heard.clear()
    server = create_engine(empty_postgres, poolclass=NullPool)
    with server.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    await offices[0].do(c.Submit, plan)
    assert (await offices[0].stored(plan)).status is PlanStatus.EXECUTING
    await asyncio.wait_for(heard.wait(), PATIENCE)
