"""What becomes of a plan when a vendor's approval form is revoked, transferred, or asks the wrong person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core import commands as c
from core.approval import form_key
from core.consequences import effects_of
from core.effects import FormCancel, FormComment, FormReverted, FormStart, Payload
from core.errors import Gone, Invalid
from core.plan import Plan
from core.status import HookEvent, PlanStatus, RunStatus
from core.timers import TimerKind, timers_of
from tests.worlds import START, WITH_FORMS, World, draft, stage, waiting_policy, workflow_item

FORM: dict[str, Any] = {"channel": "feishu_instance"}


def submitted(*stages: dict[str, Any], policy: Any = None, **fields: Any) -> World:
    world = World(policy)
    world.policy = replace(world.policy, channels=WITH_FORMS)
    world.create(draft(*stages, **fields))
    world.do(c.Submit)
    return world


def by_form(world: World, form: str, *people: str) -> None:
    """Link a form to the current stage, and let people approve in it."""
    world.do(c.LinkForm, "system", stage=world.plan.approval.current, form=form)
    world.via = "feishu_instance"
    for person in people:
        world.do(c.Approve, person, form=form)
    world.via = "api"


def effects(world: World, before: Plan) -> list[Payload]:
    events = world.last.events
    found = effects_of(before, world.plan, events, world.policy, world.ids, world.clock.now())
    return [effect.payload for effect in found]


def test_a_stage_whose_form_is_revoked_is_open_again_with_another_form() -> None:
    world = submitted(stage("bob", name="QA") | FORM, stage("dave", name="Operations"))
    first = form_key(world.plan)
    by_form(world, "F1", "bob")
    assert world.plan.approval.current == 1
    world.wait(minutes=5)
    before = world.plan
    assert world.do(c.RevertForm, "system", form="F1") == ["form_reverted"]
    plan = world.plan
    assert (plan.status, plan.approval.current, plan.votes) == (PlanStatus.WAIT_FOR_APPROVAL, 0, ())
    assert plan.approval.asked_at == world.clock.now()
    assert form_key(plan) != first
    assert [p for p in effects(world, before) if isinstance(p, FormStart)] == [FormStart(0, 1, form_key(plan))]
    assert not any(isinstance(p, FormReverted) for p in effects(world, before)), "no alarm: the stage asks again"
    by_form(world, "F2", "bob")
    assert world.do(c.Approve, "dave")[-1] == "execution_started"
    assert not world.plan.reverted_stages


def test_the_form_of_a_later_stage_is_withdrawn_and_its_votes_are_void() -> None:
    world = submitted(stage("bob") | FORM, stage("carol", "dave", name="SRE") | FORM)
    by_form(world, "F1", "bob")
    by_form(world, "F2", "carol")
    key, before = form_key(world.plan), world.plan
    world.do(c.RevertForm, "system", form="F1")
    assert world.plan.votes == ()
    assert FormCancel(1, "F2") in effects(world, before)
    by_form(world, "F3", "bob")
    assert form_key(world.plan) != key, "a vendor returns the withdrawn form for its key"
    by_form(world, "F4", "carol", "dave")
    assert world.plan.status is PlanStatus.EXECUTING


def test_votes_of_earlier_stages_stay() -> None:
    world = submitted(stage("carol", name="SRE"), stage("bob") | FORM, stage("dave", name="Operations"))
    world.do(c.Approve, "carol")
    by_form(world, "F1", "bob")
    world.do(c.RevertForm, "system", form="F1")
    assert (world.plan.approval.current, [vote.person for vote in world.plan.votes]) == (1, ["carol"])


@pytest.mark.parametrize("result", ["", "failed"])
def test_a_plan_that_waits_to_execute_is_approved_anew(result: str) -> None:
    world = submitted(stage("bob") | FORM, policy=waiting_policy(HookEvent.START_EXECUTE))
    by_form(world, "F1", "bob")
    code = world.plan.instance_code
    if result:
        world.do(c.Callback, "system", event=HookEvent.START_EXECUTE, instance_code=code, result=result, reason="no")
    world.do(c.RevertForm, "system", form="F1")
    assert (world.plan.status, world.plan.check, world.plan.approval_at) == (PlanStatus.WAIT_FOR_APPROVAL, None, None)
    assert TimerKind.CHECK_DEADLINE not in timers_of(world.plan)
    by_form(world, "F2", "bob")
    assert world.plan.status is PlanStatus.EXECUTE_CHECK


def executing() -> World:
    items = [workflow_item("first"), workflow_item("second", needs=["first"]), workflow_item("third", needs=["second"])]
    world = submitted(stage("bob") | FORM, items=items, schedule_at=START)
    by_form(world, "F1", "bob")
    world.do(c.TimerFired, "system", kind=TimerKind.SCHEDULE, due_at=START)
    return world


def test_while_a_plan_executes_the_schedule_starts_nothing_more_and_runs_go_on() -> None:
    world = executing()
    before = world.plan
    world.do(c.RevertForm, "system", form="F1")
    assert world.plan.status is PlanStatus.EXECUTING
    assert FormReverted(0, 1, "alice") in effects(world, before)
    assert world.item("first").run == before.items[world.item("first").id].run
    world.report("first", RunStatus.PASSED)
    assert TimerKind.SCHEDULE not in timers_of(world.plan)
    world.on_item(c.Execute, "second")
    assert world.item("second").run, "a person may go on by hand"


def test_without_a_revoked_form_the_schedule_goes_on() -> None:
    world = executing()
    world.report("first", RunStatus.PASSED)
    assert TimerKind.SCHEDULE in timers_of(world.plan)


def test_a_replan_ends_what_a_revoked_form_has_caused() -> None:
    world = executing()
    world.do(c.RevertForm, "system", form="F1")
    assert [each.name for each in world.plan.reverted_stages] == ["QA"]
    world.do(c.Replan)
    assert (world.plan.reverted_stages, world.plan.approval.stages[0].void_forms) == ((), 0)


def test_after_the_end_there_is_an_entry_and_an_alarm() -> None:
    world = submitted(stage("bob") | FORM, items=[workflow_item("only")])
    by_form(world, "F1", "bob")
    world.on_item(c.Execute, "only")
    world.report("only", RunStatus.PASSED)
    before = world.plan
    assert before.status is PlanStatus.SUCCESS
    assert world.do(c.RevertForm, "system", form="F1") == ["form_reverted"]
    assert world.plan.status is PlanStatus.SUCCESS
    assert FormReverted(0, 1, "alice") in effects(world, before)


def test_a_revocation_that_is_reported_twice_or_late_counts_once() -> None:
    world = executing()
    world.do(c.RevertForm, "system", form="F1")
    assert world.do(c.RevertForm, "system", form="F1") == []
    assert world.do(c.RevertForm, "system", form="another") == []
    assert world.do(c.RevertForm, "system", form="") == []
    world.do(c.Replan)
    world.do(c.Submit)
    assert world.do(c.RevertForm, "system", form="F1") == []


def test_a_transfer_in_a_form_is_a_delegation() -> None:
    world = submitted(stage("bob") | FORM)
    by_form(world, "F1")
    world.via = "feishu_instance"
    assert world.do(c.Delegate, "bob", to="erin", form="F1") == ["delegated"]
    with pytest.raises(Invalid):
        world.do(c.Delegate, "bob", to="alice", form="F1")
    with pytest.raises(Gone):
        world.do(c.Delegate, "bob", to="dave", form="F0")
    world.do(c.Approve, "erin", form="F1")
    assert [(vote.person, vote.delegate) for vote in world.plan.votes] == [("bob", "erin")]


def test_who_is_asked_wrongly_is_named_in_the_form_while_it_is_open() -> None:
    world = submitted(stage("bob") | FORM)
    by_form(world, "F1")
    before = world.plan
    assert world.do(c.RefuseFormVoter, "system", form="F1", person="dave") == ["form_voter_refused"]
    assert FormComment("F1", "dave") in effects(world, before)
    assert world.do(c.RefuseFormVoter, "system", form="F0", person="dave") == []
    by_form(world, "F1", "bob")
    assert world.do(c.RefuseFormVoter, "system", form="F1", person="dave") == []
