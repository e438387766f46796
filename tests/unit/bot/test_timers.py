"""Due timers: each fires once, also late, twice and while the database is away; none fires for what is gone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.scheduler import TIMER_LEASE as LEASE
from bot.scheduler import Ticks
from core import commands as c
from core.errors import Unavailable
from core.plan import Plan
from core.ports.requests import AcceptedRequest
from core.ports.timers import DueTimer
from core.timers import TimerKind
from tests.contract.store.offices import Office
from tests.unit.bot.outbox.failing import Desk
from tests.worlds import START, draft, stage, waiting_policy, workflow_item

HOUR = timedelta(hours=1)
APPROVAL = {"stages": [stage("bob")], "expires_in": "2h", "remind_every": "30m"}
WINDOW = {"start": START + HOUR, "end": START + 3 * HOUR}


class Clockwork(Desk):
    """An office whose timers fire when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.office = Office(self.store, self.clock, waiting_policy())
        self.ticks = Ticks(self.store, self.office.engine, self.clock)

    async def submitted(self, *, checked: bool = False, **fields: Any) -> Plan:
        """A submitted plan, which waits for an external system first if it is `checked`."""
        fields = {"items": [workflow_item("deploy")], "checks": ["finish_planning"] if checked else [], **fields}
        return await self.office.do(c.Submit, await self.office.create(draft(**fields)))

    async def after(self, duration: timedelta, plan: Plan) -> list[str]:
        """Let time pass and timers fire; return the events that came of it."""
        before = len(await self.office.log(plan))
        self.clock.advance(duration)
        await self.ticks.fire_timers()
        return [entry.event for entry in (await self.office.log(plan))[before:]]

    async def left(self) -> list[DueTimer]:
        """The timers that would come again after their leases."""
        later = self.clock.now() + timedelta(days=400)
        return await self.plain.write(lambda writing: writing.timers.claim(later, timedelta(), 100))


@pytest.fixture
def clockwork() -> Clockwork:
    return Clockwork()


KINDS: dict[TimerKind, tuple[dict[str, Any], timedelta, list[str]]] = {
    TimerKind.SCHEDULE: ({"schedule_at": START + HOUR}, HOUR, ["schedule_fired", "run_requested"]),
    TimerKind.WINDOW_START: ({"window": WINDOW}, HOUR, ["window_opened"]),
    TimerKind.WINDOW_END: ({"window": {"end": START + HOUR}}, HOUR + timedelta(milliseconds=1), ["timed_out"]),
    TimerKind.APPROVAL_REMINDER: ({"approval": APPROVAL}, HOUR / 2, ["reminded"]),
    TimerKind.APPROVAL_DEADLINE: (
        {"approval": APPROVAL | {"remind_every": "3h"}}, 2 * HOUR, ["approval_expired"],
    ),
    TimerKind.CHECK_REMINDER: ({"checked": True}, HOUR / 6, ["check_reminded"]),
    TimerKind.CHECK_DEADLINE: ({"checked": True}, HOUR, ["check_failed"]),
}  # fmt: skip
"""For each kind: a plan with such a timer, when it is due, and what comes of it."""
kinds = pytest.mark.parametrize("kind", TimerKind)


async def start(clockwork: Clockwork, kind: TimerKind) -> Plan:
    """Start the plan of a kind; what would fire before that kind has fired."""
    plan = await clockwork.submitted(**KINDS[kind][0])
    if kind is TimerKind.CHECK_DEADLINE:
        await clockwork.office.do(c.TimerFired, plan, "system", kind=TimerKind.CHECK_REMINDER, due_at=START + HOUR / 6)
        await clockwork.office.do(c.TimerFired, plan, "system", kind=TimerKind.CHECK_REMINDER, due_at=START + HOUR / 2)
    return plan


@kinds
async def test_a_timer_fires_when_it_is_due_and_once(clockwork: Clockwork, kind: TimerKind) -> None:
    plan = await start(clockwork, kind)
    _, due, events = KINDS[kind]
    assert await clockwork.after(due - timedelta(microseconds=1), plan) == []
    assert await clockwork.after(timedelta(microseconds=1), plan) == events
    assert await clockwork.after(timedelta(), plan) == []
    assert await clockwork.after(LEASE, plan) == []


@kinds
async def test_a_timer_that_comes_late_fires_all_the_same(clockwork: Clockwork, kind: TimerKind) -> None:
    plan = await start(clockwork, kind)
    _, due, events = KINDS[kind]
    assert await clockwork.after(due + timedelta(minutes=3), plan) == events


@kinds
@pytest.mark.parametrize("gone", [(c.Cancel,), (c.Cancel, c.Delete), (c.Replan,)])
async def test_a_timer_of_a_plan_that_was_withdrawn_does_not_fire(
    clockwork: Clockwork, kind: TimerKind, gone: tuple[type[c.Command], ...]
) -> None:
    plan = await start(clockwork, kind)
    for command in gone:
        await clockwork.office.do(command, plan)
    assert await clockwork.left() == []
    assert await clockwork.after(5 * HOUR, plan) == []


@kinds
async def test_a_timer_fires_after_the_database_was_away(clockwork: Clockwork, kind: TimerKind) -> None:
    plan = await start(clockwork, kind)
    _, due, events = KINDS[kind]
    clockwork.store.writable.clear()
    with pytest.raises(Unavailable):
        await clockwork.after(due, plan)
    clockwork.store.writable.set()
    assert await clockwork.after(timedelta(), plan) == events


@kinds
async def test_a_timer_that_was_claimed_when_the_database_went_away_comes_again(
    clockwork: Clockwork, kind: TimerKind
) -> None:
    plan = await start(clockwork, kind)
    _, due, events = KINDS[kind]

    async def go_away() -> None:
        clockwork.store.writable.clear()

    clockwork.store.meanwhile = go_away
    assert await clockwork.after(due, plan) == []
    clockwork.store.writable.set()
    assert await clockwork.after(timedelta(), plan) == [], "it belongs to the first claim for a while"
    assert await clockwork.after(LEASE, plan) == events


@kinds
@pytest.mark.parametrize("gone", [(c.Cancel,), (c.Cancel, c.Delete), (c.Replan,)])
async def test_a_plan_that_is_withdrawn_while_its_timer_is_claimed_stays_as_it_is(
    clockwork: Clockwork, kind: TimerKind, gone: tuple[type[c.Command], ...]
) -> None:
    plan = await start(clockwork, kind)

    async def withdraw() -> None:
        for command in gone:
            await clockwork.office.do(command, plan)

    clockwork.store.meanwhile = withdraw
    events = await clockwork.after(KINDS[kind][1], plan)
    assert events == [{c.Cancel: "cancelled", c.Delete: "deleted", c.Replan: "replanned"}[each] for each in gone]


async def test_what_is_old_is_deleted(clockwork: Clockwork) -> None:
    plan = await clockwork.office.create(key="old")
    clockwork.clock.advance(timedelta(days=6))
    await clockwork.office.create(key="new")
    clockwork.clock.advance(timedelta(days=1, seconds=1))
    await clockwork.ticks.delete_old()
    found = await clockwork.store.read(lambda reading: reading.requests.find(["old", "new"]))
    assert set(found) == {"new"}
    assert AcceptedRequest(plan.id) not in found.values()
