"""Timers follow the state of their plans and come until they are dealt with."""

from __future__ import annotations

from datetime import timedelta

from core import commands as c
from core.ports.timers import DueTimer
from core.timers import TimerKind
from tests.contract.store.offices import Office
from tests.worlds import START, draft, stage, text_item

LEASE = timedelta(minutes=1)
APPROVAL = {"stages": [stage("bob")], "expires_in": "2h", "remind_every": "30m"}


async def claim(office: Office, limit: int = 10) -> list[DueTimer]:
    now = office.clock.now()
    return await office.store.write(lambda writing: writing.timers.claim(now, LEASE, limit))


async def shorten(office: Office) -> int:
    now = office.clock.now()
    return await office.store.write(lambda writing: writing.timers.shorten_leases(now, LEASE))


async def test_timers_are_set_with_the_plan_and_dropped_when_it_moves_on(office: Office) -> None:
    plan = await office.create(draft(approval=APPROVAL))
    await office.do(c.Submit, plan)
    assert await claim(office) == []
    office.clock.advance(timedelta(hours=3))
    assert await claim(office) == [
        DueTimer(plan.id, TimerKind.APPROVAL_REMINDER, START + timedelta(minutes=30)),
        DueTimer(plan.id, TimerKind.APPROVAL_DEADLINE, START + timedelta(hours=2)),
    ]
    await office.do(c.Approve, plan, "bob")
    office.clock.advance(LEASE)
    assert await claim(office) == []


async def test_a_timer_that_fired_moves_on(office: Office) -> None:
    plan = await office.create(draft(approval=APPROVAL))
    await office.do(c.Submit, plan)
    office.clock.advance(timedelta(minutes=30))
    (due,) = await claim(office)
    await office.do(c.TimerFired, plan, "system", kind=due.kind, due_at=due.due_at)
    assert await claim(office) == []
    office.clock.advance(timedelta(minutes=60))
    (second,) = await claim(office)
    assert second.due_at == START + timedelta(minutes=90)


async def test_a_timer_comes_again_after_the_lease(office: Office) -> None:
    plan = await office.create(draft(approval=APPROVAL))
    await office.do(c.Submit, plan)
    office.clock.advance(timedelta(minutes=30))
    first = await claim(office)
    assert await claim(office) == []
    office.clock.advance(LEASE)
    assert await claim(office) == first


async def test_the_limit_takes_the_earliest(office: Office) -> None:
    plans = []
    for minutes in (20, 10, 30):
        approval = APPROVAL | {"remind_every": f"{minutes}m"}
        plans.append(await office.create(draft(approval=approval)))
        await office.do(c.Submit, plans[-1])
    office.clock.advance(timedelta(minutes=30))
    assert [due.plan_id for due in await claim(office, limit=2)] == [plans[1].id, plans[0].id]
    assert [due.plan_id for due in await claim(office)] == [plans[2].id]


async def test_a_stale_timer_is_dropped_unless_it_was_set_anew(office: Office) -> None:
    window = {"start": START + timedelta(hours=1), "end": START + timedelta(hours=2)}
    plan = await office.create(items=[text_item("notes")], window=window)
    await office.do(c.Submit, plan)
    office.clock.advance(timedelta(hours=1))
    (due,) = await claim(office)
    stale = DueTimer(due.plan_id, due.kind, due.due_at - timedelta(seconds=1))
    await office.store.write(lambda writing: writing.timers.drop([stale]))
    office.clock.advance(LEASE)
    assert await claim(office) == [due]
    await office.store.write(lambda writing: writing.timers.drop([due]))
    office.clock.advance(LEASE)
    assert await claim(office) == []


async def test_no_lease_of_a_timer_outlasts_a_clock_that_was_set_back(office: Office) -> None:
    plan = await office.create(draft(approval=APPROVAL))
    await office.do(c.Submit, plan)
    office.clock.advance(timedelta(hours=1))
    (due,) = await claim(office)
    office.clock.advance(-timedelta(minutes=25))
    assert await claim(office) == []
    assert await shorten(office) == 1
    assert await shorten(office) == 0
    assert await claim(office) == []
    office.clock.advance(LEASE)
    assert await claim(office) == [due]


async def test_a_timer_whose_moment_is_to_come_again_is_claimed_at_that_moment(office: Office) -> None:
    plan = await office.create(draft(approval=APPROVAL))
    await office.do(c.Submit, plan)
    office.clock.advance(timedelta(hours=1))
    (due,) = await claim(office)
    office.clock.advance(-timedelta(hours=1))
    assert await shorten(office) == 1
    office.clock.advance(timedelta(minutes=30) - timedelta(microseconds=1))
    assert await claim(office) == []
    office.clock.advance(timedelta(microseconds=1))
    assert await claim(office) == [due]


async def test_a_lease_that_is_as_long_as_any_stays(office: Office) -> None:
    plan = await office.create(draft(approval=APPROVAL))
    await office.do(c.Submit, plan)
    office.clock.advance(timedelta(minutes=30))
    await claim(office)
    assert await shorten(office) == 0
