"""The engine: what a commit does beside the decision, and requests that come together, again, or are given up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.store.open import open_store
from core import commands as c
from core.audit import LogEntry
from core.effects import DestinationKind, Effect, FormStart, RunStart, Sync
from core.engine import Outcome
from core.errors import FabuError, Forbidden, Invalid, NotFound, WrongStatus
from core.people import Directory
from core.plan import Channel, Plan
from core.status import HookEvent, ItemStatus, PlanStatus
from core.timers import TimerKind
from tests.contract.store.offices import POLICY, Office, item_of
from tests.worlds import PEOPLE, START, draft, stage, text_item, workflow_item


@pytest.fixture
def office() -> Office:
    policy = replace(POLICY, hooks={}, channels=frozenset(Channel))
    people = {name: replace(person, email=f"{name}@example.com") for name, person in PEOPLE.people.items()}
    return Office(open_store("memory://", b"key"), policy=policy, directory=Directory(people, PEOPLE.groups))


async def effects(office: Office, plan: Plan) -> list[Effect]:
    page = await office.store.read(lambda reading: reading.deliveries.page(plan.id))
    return [delivery.effect for delivery in page.items]


async def refused(office: Office, plan: Plan) -> list[LogEntry]:
    return [entry for entry in await office.log(plan) if entry.event == "refused"]


CALLBACK = {"event": HookEvent.FINISH_PLANNING, "result": "success"}


@pytest.mark.parametrize(
    ("command", "by", "fields", "error", "verb"),
    [
        (c.Finish, "bob", {}, Forbidden, "finish"),
        (c.Callback, "external", CALLBACK | {"instance_code": "wrong"}, Forbidden, "callback"),
        (c.Callback, "external", CALLBACK, WrongStatus, "callback"),
        (c.Callback, "external", CALLBACK | {"result": "maybe"}, Invalid, "callback"),
    ],
)
async def test_a_refusal_for_want_of_rights_and_a_refused_callback_are_logged(
    office: Office, command: type[c.Command], by: str, fields: dict[str, Any], error: type[FabuError], verb: str
) -> None:
    plan = await office.create()
    if command is c.Callback:
        fields = {"instance_code": plan.instance_code} | fields
    with pytest.raises(error):
        await office.ask(command, plan, by, **fields)
    [entry] = await refused(office, plan)
    assert (entry.details["verb"], entry.details["code"]) == (verb, error.code)
    await office.do(c.Finish, plan)


async def test_other_refusals_and_those_on_what_is_gone_are_not_logged(office: Office) -> None:
    plan = await office.create()
    with pytest.raises(WrongStatus):
        await office.ask(c.Recheck, plan)
    await office.do(c.Delete, plan)
    with pytest.raises(NotFound):
        await office.ask(c.Callback, plan, "external", instance_code="x", **CALLBACK)
    assert [entry.event for entry in await office.log(plan)] == ["created", "deleted"]
    with pytest.raises(NotFound):
        await office.ask(c.Callback, replace(plan, id="0" * 24), "external", instance_code="x", **CALLBACK)


async def test_listeners_hear_of_the_plans_that_a_commit_changed(office: Office) -> None:
    heard: list[str] = []
    office.engine.listen(heard.extend)
    plan = await office.create()
    assert heard == [plan.id]
    with pytest.raises(WrongStatus):
        await office.ask(c.Recheck, plan)
    assert heard == [plan.id]


async def test_requests_in_one_commit_are_decided_one_after_the_other(office: Office) -> None:
    plan = await office.create(draft(stage("bob", "carol") | {"channel": "feishu_instance"}))
    cleared = await effects(office, plan)
    answers = await asyncio.gather(
        office.ask(c.Submit, plan), office.ask(c.Submit, plan), office.ask(c.Cancel, plan), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [Outcome, WrongStatus, Outcome]
    stored = await office.stored(plan)
    assert stored.status is PlanStatus.CANCEL
    added = [effect for effect in await effects(office, plan) if effect not in cleared]
    assert [type(effect.payload) for effect in added] == [Sync, FormStart], "the pending cards show all of it"
    assert added[0].destination.kind is DestinationKind.DIGESTS


async def test_what_was_begun_in_a_commit_is_begun_once(office: Office) -> None:
    plan = await office.create(draft(stage("bob", "carol") | {"channel": "feishu_instance"}))
    await asyncio.gather(office.ask(c.Submit, plan), office.ask(c.Refuse, plan, refused_verb="edit", code="forbidden"))
    payloads = [effect.payload for effect in await effects(office, plan)]
    assert sum(isinstance(payload, FormStart) for payload in payloads) == 1
    assert sum(isinstance(payload, Sync) for payload in payloads) == len(POLICY.destinations)


async def test_a_request_whose_caller_has_gone_is_executed_and_holds_up_no_other(office: Office) -> None:
    plan = await office.create()
    gone = asyncio.create_task(office.ask(c.Finish, plan))
    other = asyncio.create_task(office.ask(c.Submit, plan))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await other).plan.status is PlanStatus.EXECUTING
    assert [entry.event for entry in await office.log(plan)][1] == "finished"


async def test_drain_waits_for_what_was_requested(office: Office) -> None:
    plan = await office.create()
    asked = asyncio.create_task(office.ask(c.Finish, plan))
    await asyncio.sleep(0)
    await office.engine.drain()
    assert (await office.stored(plan)).status is PlanStatus.FINISH_PLANNING
    await asked
    await office.engine.drain()


async def test_a_repeated_request_changes_nothing_and_another_with_its_key_is_refused(office: Office) -> None:
    plan = await office.create()
    actor = office.engine.directory.actor("alice", "api")
    finish = c.Finish(plan_id=plan.id)
    first = await office.engine.execute(finish, actor, "k", "finish")
    again = await office.engine.execute(finish, actor, "k", "finish")
    assert (first.repeated, again.repeated, again.plan.version) == (False, True, first.plan.version)
    with pytest.raises(Invalid, match="this key was used"):
        await office.engine.execute(c.Cancel(plan_id=plan.id), actor, "k", "cancel")
    assert await office.engine.find_accepted("k", "finish")
    assert await office.engine.find_accepted("k")
    assert await office.engine.find_accepted("") is None
    with pytest.raises(Invalid):
        await office.engine.find_accepted("k", "cancel")


async def test_a_request_that_is_repeated_after_its_plan_was_deleted_changes_nothing(office: Office) -> None:
    plan = await office.create()
    await office.do(c.Delete, plan, key="k")
    assert (await office.ask(c.Delete, plan, key="k")).repeated
    assert [entry.event for entry in await office.log(plan)] == ["created", "deleted"]


@pytest.mark.parametrize("command", [c.Replan, c.Cancel])
async def test_a_withdrawal_stops_all_items(office: Office, command: type[c.Command]) -> None:
    plan = await office.create(items=[workflow_item("a"), workflow_item("b"), text_item("c")])
    plan = await office.do(c.Submit, plan)
    for key in "ab":
        await office.do(c.Execute, plan, item_id=item_of(plan, key).id)
    stored = await office.do(command, plan)
    assert stored.tally.running == 0
    assert ItemStatus.RUNNING not in {item.status for item in stored.items.values()}


async def test_a_schedule_starts_items_that_no_command_named(office: Office) -> None:
    plan = await office.create(items=[workflow_item("a"), workflow_item("b")], schedule_at=START + timedelta(hours=1))
    plan = await office.do(c.Submit, plan)
    office.clock.advance(timedelta(hours=1))
    await office.do(c.TimerFired, plan, "system", kind=TimerKind.SCHEDULE, due_at=START + timedelta(hours=1))
    assert sum(isinstance(effect.payload, RunStart) for effect in await effects(office, plan)) == 2
