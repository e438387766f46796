"""Waiting for external systems at the three moments of a plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import commands as c
from core import errors
from core.consequences import effects_of
from core.draft import PlanPatch
from core.effects import Hook
from core.messages import Message
from core.status import HookEvent, PlanStatus
from core.timers import TimerKind, timers_of
from tests.worlds import START, World, draft, stage, text_item, waiting_policy

FINISH, EXECUTE, ALL_DONE = HookEvent


def status(world: World) -> PlanStatus:
    return world.plan.status


def answer(world: World, event: HookEvent, result: str = "success", **fields: str) -> list[str]:
    code = fields.pop("instance_code", world.plan.instance_code)
    return world.do(c.Callback, "system", event=event, instance_code=code, result=result, **fields)


def hooks(world: World) -> list[tuple[str, str]]:
    """The hooks that the last command causes: moment and stated status."""
    effects = effects_of(None, world.plan, world.last.events, world.policy, world.ids, world.clock.now())
    return [(hook.event, hook.status) for effect in effects if isinstance(hook := effect.payload, Hook)]


def test_a_plan_waits_at_each_of_the_three_moments() -> None:
    world = World(waiting_policy(FINISH, EXECUTE, ALL_DONE))
    world.create(draft(stage("bob"), items=[text_item("a")]))
    assert world.do(c.Finish) == ["finished", "check_started"]
    assert hooks(world) == [("finish_planning", PlanStatus.FINISH_CHECK)]
    assert answer(world, FINISH) == ["check_passed"]
    assert hooks(world) == [], "a moment that was waited for is told once"
    assert status(world) is PlanStatus.FINISH_PLANNING
    world.do(c.Submit)
    assert world.do(c.Approve, "bob")[-2:] == ["approved", "check_started"]
    assert status(world) is PlanStatus.EXECUTE_CHECK
    assert answer(world, EXECUTE) == ["check_passed", "execution_started"]
    assert hooks(world) == []
    assert world.on_item(c.Execute, "a") == ["item_done", "check_started"]
    assert status(world) is PlanStatus.ALL_DONE_CHECK
    assert world.plan.success_at is None
    assert answer(world, ALL_DONE) == ["check_passed", "succeeded"]
    assert status(world) is PlanStatus.SUCCESS


def test_a_submit_goes_on_by_itself_after_the_check_of_the_planning() -> None:
    world = World(waiting_policy(FINISH))
    world.create(draft(stage("bob")))
    assert world.do(c.Submit) == ["finished", "check_started", "submit_deferred"]
    assert answer(world, FINISH) == ["check_passed", "submitted"]


def test_without_approval_the_start_is_still_told_and_waited_for() -> None:
    world = World(waiting_policy(FINISH, EXECUTE))
    world.create(draft())
    world.do(c.Submit)
    assert answer(world, FINISH) == ["check_passed", "check_started"]
    assert hooks(world) == [("start_execute", PlanStatus.EXECUTE_CHECK)]


def test_without_waiting_each_moment_is_told_once() -> None:
    world = World(waiting_policy())
    world.create(draft(items=[text_item("a")]))
    world.do(c.Submit)
    assert hooks(world) == [("finish_planning", "finish_planning"), ("start_execute", "executing")]
    world.on_item(c.Execute, "a")
    assert hooks(world) == [("all_job_done", "success")]


@pytest.mark.parametrize("checks", [[], [ALL_DONE], None])
def test_the_checks_of_a_plan_add_to_those_of_the_settings_and_take_none_away(checks: Any) -> None:
    world = World(replace(waiting_policy(FINISH), hooks={"ci": frozenset({FINISH, ALL_DONE})}))
    world.create(draft(checks=checks, items=[text_item("a")]))
    assert world.do(c.Submit)[:2] == ["finished", "check_started"]
    assert answer(world, FINISH)[-1] == "execution_started"
    waits = world.on_item(c.Execute, "a")[-1] == "check_started"
    assert waits is bool(checks)


@pytest.mark.parametrize("checks", [[], None])
def test_no_edit_takes_a_check_of_the_settings_away(checks: Any) -> None:
    world = World(waiting_policy(FINISH))
    world.create(draft(items=[text_item("a")], checks=[EXECUTE]))
    world.do(c.Edit, patch=PlanPatch.model_validate({"checks": checks}))
    assert world.do(c.Finish) == ["finished", "check_started"]


def test_the_plan_of_a_gate_waits_only_where_its_system_wants_it() -> None:
    world = World(waiting_policy(FINISH))
    world.create(draft(items=[text_item("a")], checks=[]))
    world.plan = replace(world.plan, created_by="gate:zadig")
    assert not any(world.policy.waits_at(event, world.plan) for event in HookEvent)


def test_a_failed_check_says_why_and_can_be_asked_again() -> None:
    world = World(waiting_policy(FINISH))
    world.create(draft())
    world.do(c.Finish)
    assert answer(world, FINISH, "executing", description="scanning 3 of 9") == ["check_progressed"]
    assert world.plan.check is not None
    assert world.plan.check.progress == "scanning 3 of 9"
    assert answer(world, FINISH, "failed", reason="licence missing") == ["check_failed"]
    assert (world.plan.status, str(world.plan.reason)) == (PlanStatus.FINISH_CHECK_FAILED, "licence missing")
    assert world.do(c.Recheck) == ["check_started"]
    assert hooks(world) == [("finish_planning", PlanStatus.FINISH_CHECK)]
    assert answer(world, FINISH) == ["check_passed"]


def test_the_deadline_of_a_check_fails_it() -> None:
    world = World(waiting_policy(FINISH))
    world.create(draft())
    world.do(c.Finish)
    due = timers_of(world.plan)[TimerKind.CHECK_DEADLINE]
    assert world.do(c.TimerFired, "system", kind=TimerKind.CHECK_DEADLINE, due_at=due) == ["check_failed"]
    assert world.plan.reason == Message("timeout")


def test_the_same_answer_again_changes_nothing_and_another_is_a_contradiction() -> None:
    world = World(waiting_policy(FINISH))
    world.create(draft())
    world.do(c.Finish)
    answer(world, FINISH)
    before = world.plan
    assert answer(world, FINISH) == ["check_repeated"]
    assert world.plan == before
    with pytest.raises(errors.Contradiction):
        answer(world, FINISH, "failed")
    with pytest.raises(errors.WrongStatus):
        answer(world, ALL_DONE)


def test_a_wrong_instance_code_is_refused_and_not_told() -> None:
    world = World(waiting_policy(FINISH))
    world.create(draft())
    world.do(c.Finish)
    with pytest.raises(errors.Forbidden) as caught:
        answer(world, FINISH, instance_code="0" * 32)
    assert world.plan.instance_code not in str(caught.value)
    with pytest.raises(errors.Invalid):
        answer(world, FINISH, "maybe")


def test_a_plan_leaves_a_check_by_replan_and_cancel() -> None:
    world = World(waiting_policy(FINISH))
    world.create(draft())
    world.do(c.Finish)
    assert world.do(c.Replan) == ["replanned"]
    assert world.plan.check is None
    world.do(c.Finish)
    assert world.do(c.Cancel) == ["cancelled"]


def test_a_plan_whose_items_are_all_done_ends_as_soon_as_it_is_executed() -> None:
    world = World(waiting_policy(EXECUTE))
    world.create(draft(items=[text_item("a"), text_item("b")]))
    world.do(c.Submit)
    answer(world, EXECUTE)
    world.on_item(c.Execute, "a")
    world.do(c.Replan)
    world.do(c.Edit, patch=PlanPatch.model_validate({"items": [text_item("a")]}))
    assert world.do(c.Submit) == ["finished", "check_started"]
    assert answer(world, EXECUTE) == ["check_passed", "execution_started", "succeeded"]


def test_a_plan_that_is_approved_after_its_window_ends_at_once() -> None:
    world = World(waiting_policy())
    world.create(draft(stage("bob"), items=[text_item("a")], window={"end": START + timedelta(hours=1)}))
    world.do(c.Submit)
    world.wait(hours=1)
    world.clock.advance(timedelta(microseconds=1))
    assert world.do(c.Approve, "bob")[-2:] == ["execution_started", "timed_out"]
