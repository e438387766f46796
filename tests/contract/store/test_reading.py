"""Lists: what is in them, in which order, and how they continue."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import commands as c
from core.errors import Invalid
from core.plan import Plan
from core.ports.plans import Mine, PlanQuery
from core.status import PlanStatus, RunStatus
from tests.contract.store.offices import Office, item_of
from tests.worlds import draft, stage, text_item, workflow_item


async def listed(office: Office, **query: Any) -> list[int]:
    page = await office.store.read(lambda reading: reading.plans.page(PlanQuery(**query)))
    return [plan.number for plan in page.items]


async def test_plans_are_listed_newest_first_with_votes_and_without_items(office: Office) -> None:
    plan = await office.create(draft(stage("bob", "carol")))
    await office.do(c.Submit, plan)
    await office.do(c.Approve, plan, "bob")
    await office.create()
    page = await office.store.read(lambda reading: reading.plans.page(PlanQuery()))
    newest, oldest = page.items
    assert (newest.number, oldest.number) == (2, 1)
    assert [vote.person for vote in oldest.votes] == ["bob"]
    assert (len(oldest.items), oldest.content, oldest.tally.total) == (0, None, 2)


async def test_plans_are_found_by_status_manager_and_name(office: Office) -> None:
    first = await office.create(name="Payment 100%_x")
    await office.create(by="bob", manager="bob", name="payment 100 % x")
    await office.create(name="支付 发布")
    await office.do(c.Submit, first)
    assert await listed(office, status=PlanStatus.PLANNING.value) == [3, 2]
    assert await listed(office, manager="bob") == [2]
    assert await listed(office, manager="alice", status="executing") == [1]
    assert await listed(office, text="PAYMENT") == [2, 1]
    assert await listed(office, text="100%_") == [1]
    assert await listed(office, text="发布") == [3]
    assert await listed(office, text="'; DROP TABLE plans; --") == []


async def test_pages_stay_in_place_while_plans_are_added(office: Office) -> None:
    for _ in range(5):
        await office.create()
    first = await office.store.read(lambda reading: reading.plans.page(PlanQuery(limit=2)))
    assert [plan.number for plan in first.items] == [5, 4]
    await office.create()
    second = await office.store.read(lambda reading: reading.plans.page(PlanQuery(limit=2, cursor=first.next_cursor)))
    third = await office.store.read(lambda reading: reading.plans.page(PlanQuery(limit=2, cursor=second.next_cursor)))
    assert [plan.number for plan in (*second.items, *third.items)] == [3, 2, 1]
    assert third.next_cursor == ""


@pytest.mark.parametrize("cursor", ["x", "!", "MTA=", "LTE", "MQ\n", "é", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
async def test_a_malformed_cursor_is_invalid(office: Office, cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        await office.store.read(lambda reading: reading.plans.page(PlanQuery(cursor=cursor)))
    with pytest.raises(Invalid, match="cursor"):
        await office.store.read(lambda reading: reading.deliveries.page(cursor=cursor))


async def test_an_item_is_meant_by_position_key_or_part_of_its_name(office: Office) -> None:
    items = [text_item("a", name="Deploy DB"), text_item("2x", name="deploy API"), text_item("1", name="50%_off")]
    plan = await office.create(items=items)

    async def meant(text: str) -> list[int]:
        found = await office.store.read(lambda reading: reading.plans.find_items(plan.id, text))
        return [item.position for item in found]

    assert await meant("1") == [1]
    assert await meant("2x") == [2]
    assert await meant(" deploy ") == [1, 2]
    assert await meant("%_") == [3]
    assert await meant("9") == []
    assert await meant("") == []


async def test_an_exact_name_is_meant_before_parts_of_others(office: Office) -> None:
    names = ("Deploy API", "deploy", "DEPLOY", "ＤＢ Café", "db cafe\u0301 2")
    plan = await office.create(items=[text_item(f"k{number}", name=name) for number, name in enumerate(names)])

    async def meant(text: str) -> list[int]:
        found = await office.store.read(lambda reading: reading.plans.find_items(plan.id, text))
        return [item.position for item in found]

    assert await meant("deploy") == [2]
    assert await meant("Deploy") == [2, 3]
    assert await meant("DB CAFÉ") == [4]
    assert await meant("café") == [4, 5]
    assert await office.store.read(lambda reading: reading.plans.find_items("none", "deploy")) == []


async def mine(office: Office, person: str, *groups: str) -> tuple[list[int], list[int], list[tuple[int, str]]]:
    names = {person, *(f"@{group}" for group in groups)}
    found: Mine = await office.store.read(lambda reading: reading.plans.mine(person, names))
    return (
        [plan.number for plan in found.managed],
        [plan.number for plan in found.approvals],
        [(plan.number, item.key) for plan, item in found.items],
    )


async def with_people(office: Office) -> Plan:
    directory = office.engine.directory
    people, groups = list(directory.people.values()), list(directory.groups.values())
    await office.store.write(lambda writing: writing.people.put(people, groups))
    items = [text_item("notes", assignee="erin"), text_item("more", assignee="bob")]
    return await office.create(draft(stage("bob"), stage("@sre", name="SRE"), items=items))


async def test_what_concerns_a_person_now(office: Office) -> None:
    plan = await with_people(office)
    await office.create(by="bob", manager="bob")
    assert await mine(office, "alice") == ([1], [], [])
    assert await mine(office, "bob") == ([2], [], [])
    await office.do(c.Submit, plan)
    assert await mine(office, "bob") == ([2], [1], [])
    assert await mine(office, "carol", "sre") == ([], [], [])
    await office.do(c.Approve, plan, "bob")
    assert await mine(office, "bob") == ([2], [], [])
    await office.do(c.Approve, plan, "carol")
    assert await mine(office, "carol", "sre") == ([], [], [])
    assert await mine(office, "dave", "sre") == ([], [1], [])
    await office.do(c.Approve, plan, "dave")
    assert await mine(office, "erin") == ([], [], [(1, "notes")])
    await office.do(c.Execute, plan, "erin", item_id=item_of(plan, "notes").id)
    assert await mine(office, "erin") == ([], [], [])
    await office.do(c.Cancel, plan)
    assert await mine(office, "alice") == ([], [], [])
    assert await mine(office, "bob") == ([2], [], [])


async def test_a_plan_waits_for_whoever_stands_in(office: Office) -> None:
    plan = await with_people(office)
    await office.do(c.Submit, plan)
    await office.do(c.Delegate, plan, "bob", to="erin")
    assert await mine(office, "erin") == ([], [1], [])
    await office.do(c.Approve, plan, "erin")
    assert await mine(office, "erin") == ([], [], [])


async def test_runs_that_go_on_are_listed(office: Office) -> None:
    plan = await office.create(items=[workflow_item(f"w{i}") for i in range(3)])
    await office.do(c.Submit, plan)
    for item_id in plan.items:
        plan = await office.do(c.Execute, plan, item_id=item_id)
    plan = await office.report(plan, "w0", RunStatus.PASSED)
    plan = await office.report(plan, "w1", RunStatus.WAITING)
    going = await office.store.read(lambda reading: reading.plans.open_runs())
    assert sorted(item.key for _, item in going) == ["w1", "w2"]
    assert len(await office.store.read(lambda reading: reading.plans.open_runs(limit=1))) == 1


async def test_failed_runs_of_executing_plans_are_listed_the_last_first(office: Office) -> None:
    plan = await office.create(items=[workflow_item(f"w{i}") for i in range(4)])
    await office.do(c.Submit, plan)
    for item_id in plan.items:
        plan = await office.do(c.Execute, plan, item_id=item_id)
    for key, status in (("w2", RunStatus.FAILED), ("w0", RunStatus.TIMEOUT), ("w1", RunStatus.PASSED)):
        office.clock.advance(timedelta(minutes=1))
        plan = await office.report(plan, key, status, external_id=f"shop/{key}")
    plan = await office.report(plan, "w3", RunStatus.FAILED)  # it was never started
    failed = await office.store.read(lambda reading: reading.plans.failed_runs())
    assert failed == [(plan.id, replace(item_of(plan, key), spec=None)) for key in ("w0", "w2")]
    assert await office.store.read(lambda reading: reading.plans.failed_runs(limit=1)) == failed[:1]
    await office.do(c.Cancel, plan)
    assert await office.store.read(lambda reading: reading.plans.failed_runs()) == []


async def test_counts_for_monitoring(office: Office) -> None:
    plan = await office.create()
    await office.create()
    await office.do(c.Delete, await office.create())
    await office.do(c.Submit, plan)
    assert await office.store.read(lambda reading: reading.plans.counts()) == {"planning": 1, "executing": 1}
    assert await office.store.read(lambda reading: reading.deliveries.counts()) == {"pending": 2 * 3 + 1 + 1}


async def test_reads_that_run_together_each_see_a_whole_state(office: Office) -> None:
    plan = await office.create(items=[text_item(f"step{i}") for i in range(10)])
    await office.do(c.Submit, plan)

    async def look() -> bool:
        seen = await office.store.read(lambda reading: reading.plans.get(plan.id))
        return seen.tally.done == sum(item.complete for item in seen.items.values())

    executed = (office.ask(c.Execute, plan, item_id=item_id) for item_id in plan.items)
    seen = await asyncio.gather(*(look() for _ in range(20)), *executed)
    assert all(seen[:20])


async def test_the_last_success_is_that_of_the_same_lineage(office: Office) -> None:
    async def succeeded(lineage: str = "") -> Plan:
        plan = await office.create(items=[text_item("notes")], lineage=lineage)
        await office.do(c.Submit, plan)
        plan = await office.do(c.Execute, plan, item_id=item_of(plan, "notes").id)
        assert plan.status is PlanStatus.SUCCESS
        office.clock.advance(timedelta(hours=1))
        return plan

    async def last(plan: Plan) -> int:
        found = await office.store.read(lambda reading: reading.plans.last_success(plan))
        return found.number if found else 0

    first, _ = await succeeded(), await succeeded()
    assert (first.lineage, await last(first)) == ("", 0)
    second, draft_of_it = await succeeded(first.line), await office.create(lineage=first.line)
    assert draft_of_it.lineage == first.id
    assert [await last(plan) for plan in (draft_of_it, second, first)] == [second.number, first.number, second.number]
    await office.do(c.Delete, second)
    assert await last(draft_of_it) == first.number
