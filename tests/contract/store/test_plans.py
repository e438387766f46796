"""Plans are what they were when they were saved, and only what was saved."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import commands as c
from core.audit import first_broken_entry
from core.draft import PlanPatch
from core.errors import AlreadyDecided, Conflict, FabuError, Forbidden, Invalid, NotFound
from core.people import SYSTEM, gate
from core.plan import Confirmation, Plan, Stage
from core.policies import ApprovalPolicy, ApprovalRules
from core.ports.plans import Change, PlanQuery, Scope
from core.ports.requests import AcceptedRequest
from core.ports.store import Store, Writing
from core.status import HookEvent, ItemStatus, PlanStatus, RunStatus
from tests.contract.store.offices import AUDIT_KEY, POLICY, Office, item_of
from tests.worlds import START, WITH_FORMS, draft, stage, text_item, workflow_item

FULL = draft(
    stage("bob", "carol"),
    stage("@sre", rule=1, name="SRE"),
    name="发布 100% _done_",
    collaborators=["bob"],
    labels=["风险", "hotfix"],
    window={"start": START + timedelta(hours=1), "end": START + timedelta(days=1, microseconds=1)},
    schedule_at=START + timedelta(hours=2),
    description="<p>notes</p>",
    jira_sprints=[{"sprint_name": "Sprint 1", "board_id": 2}],
    checks=["start_execute"],
    items=[text_item("notes"), workflow_item("deploy", needs=["notes"], assignee="dave", labels=["db"])],
)
RULES = ApprovalRules(
    policies=(
        ApprovalPolicy(
            "production",
            "影响生产环境",
            stages=(Stage("Lead", ("erin",), 1),),
            executors=("@sre", "bob"),
            separate_executor=True,
            confirm=Confirmation.PAGE,
            max_window=timedelta(days=2),
        ),
    )
)


async def load(store: Store, plan: Plan, scope: Scope) -> Plan:
    return (await store.write(lambda writing: writing.plans.load({plan.id: scope})))[plan.id]


async def with_form(office: Office, form: str) -> Plan | None:
    return await office.store.read(lambda reading: reading.plans.with_form(form))


@pytest.mark.parametrize(
    "plan_id", ["68b7ec363306e52e21b2dbe6", "0198c5f07a6c7e1e8d3b1a2c3d4e5f60"], ids=["new", "old"]
)
async def test_a_new_plan_comes_back_as_it_was_made(office: Office, plan_id: str) -> None:
    command = c.Create(plan_id=plan_id, draft=FULL)
    made = (await office.engine.execute(command, office.engine.directory.actor("alice", "api"))).plan
    assert await office.stored(made) == made
    assert made.number == 1
    assert await office.store.read(lambda reading: reading.plans.id_of(plan_id)) == plan_id


async def test_what_the_policies_demand_is_stored_with_the_revision(store: Store) -> None:
    office = Office(store, policy=replace(POLICY, approval=RULES))
    plan = await office.create(FULL.model_copy(update={"schedule_at": None}))
    made = (await office.ask(c.Finish, plan)).plan
    assert await office.stored(plan) == made
    assert made.controls
    assert made.controls.excluded == ("alice",)
    assert made.approval.stages[-1].reason == "影响生产环境"
    assert (await office.do(c.Replan, plan, reason="again")).controls is None


async def test_everybody_who_made_a_revision_is_stored(office: Office) -> None:
    plan = await office.create(FULL)
    assert (await office.do(c.Edit, plan, "bob", patch=PlanPatch(description="mine"))).editors == ("alice", "bob")
    assert (await office.do(c.Edit, plan, patch=PlanPatch(description="ours"))).editors == ("bob", "alice")


async def test_numbers_count_up_without_gaps(office: Office) -> None:
    with pytest.raises(FabuError):
        await office.create(manager="nobody")
    numbers = [(await office.create()).number for _ in range(3)]
    assert numbers == [1, 2, 3]


async def test_a_whole_life_is_told_the_same_by_engine_and_store(office: Office) -> None:
    policy = replace(POLICY, check_events=frozenset(HookEvent), hooks={"ci": frozenset(HookEvent)})
    office = Office(office.store, office.clock, policy)
    plan = await office.create(draft(stage("bob"), stage("@sre", rule="any", name="SRE")))

    async def step(command: type[c.Command], by: str = "alice", /, **fields: Any) -> Plan:
        outcome = await office.ask(command, plan, by, **fields)
        stored = await office.stored(plan)
        known = {
            item_id: replace(item, spec=stored.items[item_id].spec) for item_id, item in outcome.plan.items.items()
        }
        shown = replace(outcome.plan, items=dict(stored.items) | known, content=stored.content)
        assert stored == shown
        return stored

    plan = await step(c.Submit)
    assert plan.submitting
    for event in HookEvent:
        plan = await step(
            c.Callback, "external", event=event, instance_code=plan.instance_code, result="executing", description="…"
        )
        assert plan.check is not None
        plan = await step(c.Callback, "external", event=event, instance_code=plan.instance_code, result="success")
        if event is HookEvent.FINISH_PLANNING:
            await step(c.Delegate, "bob", to="erin")
            await step(c.Approve, "erin", comment="looks good")
            plan = await step(c.Approve, "dave")
            assert [(vote.person, vote.delegate) for vote in plan.votes] == [("bob", "erin"), ("dave", "")]
        elif event is HookEvent.START_EXECUTE:
            notes, deploy = item_of(plan, "notes"), item_of(plan, "deploy")
            await step(c.Execute, item_id=notes.id, remark="done by hand")
            plan = await step(c.Execute, item_id=deploy.id)
            for status in (RunStatus.RUNNING, RunStatus.FAILED):
                run = plan.items[deploy.id].run
                assert run is not None
                plan = await step(
                    c.ReportRun, "system", item_id=deploy.id, run_id=run.id, status=status, url="http://x/1"
                )
            plan = await step(c.Skip, item_id=deploy.id, reason="by hand")
    assert plan.status is PlanStatus.SUCCESS
    assert plan.tally.done == plan.tally.skipped == 1


async def test_a_scope_says_how_much_is_loaded(office: Office) -> None:
    plan = await office.create(FULL)
    other = await office.create()
    notes, deploy = item_of(plan, "notes"), item_of(plan, "deploy")
    head = await load(office.store, plan, Scope())
    assert (dict(head.items), head.content) == ({}, None)
    assert head.approval == plan.approval
    some = await load(office.store, plan, Scope(items=frozenset({deploy.id, item_of(other, "notes").id, "none"})))
    assert set(some.items) == {notes.id, deploy.id}
    every = await load(office.store, plan, Scope(all_items=True))
    assert list(every.items) == [notes.id, deploy.id]
    assert {item.spec for item in every.items.values()} == {None}
    assert await load(office.store, plan, Scope(whole=True)) == plan


async def test_several_plans_are_loaded_at_once_each_within_its_own_scope(office: Office) -> None:
    one, two = await office.create(FULL), await office.create(FULL)
    scopes = {one.id: Scope(whole=True), two.id: Scope(), "none": Scope()}
    loaded = await office.store.write(lambda writing: writing.plans.load(scopes))
    assert set(loaded) == {one.id, two.id}
    assert loaded[one.id] == one
    assert not loaded[two.id].items


async def test_an_edit_adds_changes_moves_and_removes_items(office: Office) -> None:
    plan = await office.create(FULL)
    items = [
        text_item("first"),
        workflow_item("deploy", name="Deploy all", needs=["first"]),
    ]
    patch = PlanPatch.model_validate({"items": items, "description": "", "approval": {"stages": [stage("erin")]}})
    outcome = await office.ask(c.Edit, plan, patch=patch)
    stored = await office.stored(plan)
    assert stored == outcome.plan
    assert [item.key for item in stored.items.values()] == ["first", "deploy"]
    assert item_of(stored, "deploy").id == item_of(plan, "deploy").id
    assert stored.content is not None
    assert stored.content.description == ""
    with pytest.raises(NotFound):
        await office.store.read(lambda reading: reading.plans.spec(plan.id, item_of(plan, "notes").id))


async def test_votes_are_void_after_a_replan(office: Office) -> None:
    plan = await office.create(draft(stage("bob", "carol")))
    await office.do(c.Submit, plan)
    plan = await office.do(c.Approve, plan, "bob")
    assert [vote.person for vote in plan.votes] == ["bob"]
    await office.do(c.Replan, plan)
    await office.do(c.Submit, plan)
    plan = await office.do(c.Approve, plan, "carol")
    assert [vote.person for vote in plan.votes] == ["carol"]
    with pytest.raises(AlreadyDecided):
        await office.do(c.Approve, plan, "carol")


async def test_the_votes_of_a_form_that_is_revoked_are_void(office: Office) -> None:
    office = Office(office.store, office.clock, replace(POLICY, channels=WITH_FORMS))
    plan = await office.create(draft(stage("bob", "carol", name="QA") | {"channel": "feishu_instance"}, stage("dave")))
    await office.do(c.Submit, plan)
    for form in ("F1", "F2"):
        await office.do(c.LinkForm, plan, "system", stage=0, form=form)
        for person in ("bob", "carol"):
            actor = office.engine.directory.actor(person, "feishu_instance")
            await office.engine.execute(c.Approve(plan_id=plan.id, form=form, comment=form), actor)
        stored = await office.stored(plan)
        assert [(vote.person, vote.comment) for vote in stored.votes] == [("bob", form), ("carol", form)]
        found = await with_form(office, form)
        assert found is not None
        assert (found.id, found.number, dict(found.items)) == (plan.id, plan.number, {})
        reverted = (await office.engine.execute(c.RevertForm(plan_id=plan.id, form=form), SYSTEM)).plan
        assert (await office.stored(plan)).approval == reverted.approval
        assert (await office.stored(plan)).votes == ()
        assert await with_form(office, form) is None


async def test_no_form_is_no_plans(office: Office) -> None:
    await office.do(c.Submit, await office.create(draft(stage("bob"))))
    assert await with_form(office, "") is None


async def test_every_attempt_of_a_workflow_is_stored(office: Office) -> None:
    plan = await office.create(items=[workflow_item("deploy")])
    await office.do(c.Submit, plan)
    plan = await office.do(c.Execute, plan, item_id=item_of(plan, "deploy").id)
    plan = await office.report(plan, "deploy", RunStatus.FAILED, external_id="7")
    plan = await office.do(c.Retry, plan, item_id=item_of(plan, "deploy").id)
    run = item_of(plan, "deploy").run
    assert run is not None
    assert (run.attempt, run.status) == (2, RunStatus.STARTING)
    assert await office.store.read(lambda reading: reading.plans.open_runs()) == [
        (plan.id, replace(item_of(plan, "deploy"), spec=None))
    ]
    await office.report(plan, "deploy", RunStatus.PASSED)
    assert await office.store.read(lambda reading: reading.plans.open_runs()) == []


async def test_a_request_key_counts_once(office: Office) -> None:
    plan = await office.create(draft(stage("bob", "carol")), key="make")
    await office.do(c.Submit, plan)
    first = await office.ask(c.Approve, plan, "bob", key="click")
    again = await office.ask(c.Approve, plan, "bob", key="click")
    assert (first.repeated, again.repeated) == (False, True)
    assert len((await office.stored(plan)).votes) == 1
    seen = await office.store.read(lambda reading: reading.requests.find(["click", "make", "other"]))
    assert seen == {"click": AcceptedRequest(plan.id), "make": AcceptedRequest(plan.id)}


async def test_the_same_request_key_in_one_commit_counts_once(office: Office) -> None:
    plan = await office.create(draft(stage("bob", "carol")))
    await office.do(c.Submit, plan)
    asked = [office.ask(c.Approve, plan, "bob", key="click") for _ in range(4)]
    assert sorted(outcome.repeated for outcome in await asyncio.gather(*asked)) == [False, True, True, True]


async def test_a_replay_is_remembered_with_how_many_deliveries_it_began_again(office: Office) -> None:
    plan = await office.create()
    replay = c.Replay(plan_id=plan.id, deliveries=("d1",), destinations=("slack",), total=3)
    root = office.engine.directory.actor("root", "api")
    first, again = [await office.engine.execute(replay, root, "k", "asked") for _ in range(2)]
    assert [(outcome.repeated, outcome.replayed) for outcome in (first, again)] == [(False, 3), (True, 3)]
    assert await office.engine.find_accepted("k", "asked") == AcceptedRequest(plan.id, replayed=3)
    assert await office.engine.find_accepted("new", "asked") is None
    with pytest.raises(Invalid):
        await office.engine.find_accepted("k", "something else")


async def test_a_message_is_claimed_once_until_it_is_disclaimed_or_old(office: Office) -> None:
    async def claim(key: str) -> bool:
        return await office.store.write(lambda writing: writing.requests.claim(key, office.clock.now()))

    assert sorted(await asyncio.gather(*(claim("slack:m1") for _ in range(4)))) == [False, False, False, True]
    await office.store.write(lambda writing: writing.requests.disclaim("slack:m1"))
    assert [await claim(key) for key in ("slack:m1", "slack:m1", "feishu:m1")] == [True, False, True]
    office.clock.advance(timedelta(days=2))
    assert await claim("slack:m2")
    before = office.clock.now() - timedelta(days=1)
    assert await office.store.write(lambda writing: writing.requests.forget(before)) == 2
    assert [await claim(key) for key in ("slack:m1", "slack:m2")] == [True, False]


async def test_old_request_keys_are_forgotten(office: Office) -> None:
    plan = await office.create(key="old")
    office.clock.advance(timedelta(days=2))
    await office.create(key="new")
    before = office.clock.now() - timedelta(days=1)
    assert await office.store.write(lambda writing: writing.requests.forget(before)) == 1
    seen = await office.store.read(lambda reading: reading.requests.find(["old", "new"]))
    assert set(seen) == {"new"}
    assert AcceptedRequest(plan.id) not in seen.values()


async def test_requests_that_come_together_each_get_their_own_answer(office: Office) -> None:
    plans = [await office.create(draft(stage("bob", "carol", "dave"), name=f"Release {i}")) for i in range(5)]
    await asyncio.gather(*(office.do(c.Submit, plan) for plan in plans))
    asked = [office.ask(c.Approve, plan, by) for by in ("bob", "carol", "erin", "dave") for plan in plans]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Forbidden)]
    assert len(refused) == len(plans)
    for plan in plans:
        stored = await office.stored(plan)
        assert stored.status is PlanStatus.EXECUTING
        assert [vote.person for vote in stored.votes] == ["bob", "carol", "dave"]
        log = await office.log(plan)
        assert first_broken_entry(log, AUDIT_KEY) is None
        assert (log[-1].seq, log[-1].hash) == (stored.log_seq, stored.log_head)


async def test_a_request_that_cannot_be_stored_fails_alone(office: Office) -> None:
    plan = await office.create(draft(stage("bob", "carol")))
    await office.do(c.Submit, plan)
    asked = office.ask(c.Approve, plan, "bob", comment="\ud800"), office.ask(c.Approve, plan, "carol")
    refused, _ = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(refused, Exception)
    assert [vote.person for vote in (await office.stored(plan)).votes] == ["carol"]


async def test_requests_on_many_items_of_one_plan_are_all_counted(office: Office) -> None:
    plan = await office.create(items=[text_item(f"step{i}") for i in range(20)])
    await office.do(c.Submit, plan)
    await asyncio.gather(*(office.ask(c.Execute, plan, item_id=item_id) for item_id in plan.items))
    stored = await office.stored(plan)
    assert stored.status is PlanStatus.SUCCESS
    assert {item.status for item in stored.items.values()} == {ItemStatus.DONE}


async def test_nothing_is_changed_by_a_transaction_that_fails(office: Office) -> None:
    plan = await office.create()

    def fail(writing: Writing) -> None:
        writing.plans.next_number()
        found = writing.plans.load({plan.id: Scope()})[plan.id]
        newer = replace(found, name="other", version=found.version + 1)
        writing.plans.save([Change(found, newer, requests={"key": AcceptedRequest(plan.id)})], AUDIT_KEY)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await office.store.write(fail)
    assert await office.stored(plan) == plan
    assert await office.store.read(lambda reading: reading.requests.find(["key"])) == {}
    assert (await office.create()).number == 2


@pytest.mark.parametrize("what", ["version", "key", "id"])
async def test_a_lost_race_is_a_conflict_and_changes_nothing(office: Office, what: str) -> None:
    plan = await office.create(key="used")
    newer = replace(plan, name="other", version=plan.version + 1)
    change = {
        "version": Change(replace(plan, version=plan.version - 1), newer),
        "key": Change(plan, newer, requests={"used": AcceptedRequest(plan.id)}),
        "id": Change(None, replace(newer, number=9)),
    }[what]
    with pytest.raises(Conflict):
        await office.store.write(lambda writing: writing.plans.save([change], AUDIT_KEY))
    assert await office.stored(plan) == plan


async def test_what_a_gate_asks_for_stays_with_its_plan(office: Office) -> None:
    command = c.Create(plan_id="0" * 24, draft=draft(), origin=("release", "code", "event"))
    await office.engine.execute(command, gate("zadig"))
    page = await office.store.read(lambda reading: reading.plans.page(PlanQuery()))
    plan = await office.store.read(lambda reading: reading.plans.get(command.plan_id))
    assert [each.origin for each in (*page.items, plan)] == [command.origin] * 2


async def test_a_deleted_plan_is_hidden_but_its_log_stays(office: Office) -> None:
    plan = await office.create()
    plan = await office.do(c.Delete, plan)
    assert plan.deleted
    with pytest.raises(NotFound):
        await office.store.read(lambda reading: reading.plans.id_of(plan.id))
    log = await office.log(plan)
    assert [entry.event for entry in log] == ["created", "deleted"]


async def test_a_plan_is_named_by_id_or_number(office: Office) -> None:
    plan = await office.create()
    assert await office.store.read(lambda reading: reading.plans.id_of(plan.id)) == plan.id
    assert await office.store.read(lambda reading: reading.plans.id_of("1")) == plan.id


@pytest.mark.parametrize("ref", ["2", "", "١", "9" * 30, "none", "-1"])
async def test_what_names_no_plan_is_not_found(office: Office, ref: str) -> None:
    await office.create()
    with pytest.raises(NotFound):
        await office.store.read(lambda reading: reading.plans.id_of(ref))
    with pytest.raises(NotFound):
        await office.store.read(lambda reading: reading.plans.get(ref))
