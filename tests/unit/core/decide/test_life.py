"""The life of a plan, command by command."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import commands as c
from core import errors
from core.draft import PlanPatch
from core.plan import Decision
from core.policies import ApprovalRules
from core.status import ItemStatus, PlanStatus, RunStatus
from core.timers import TimerKind, timers_of
from tests.worlds import START, World, draft, stage, text_item, with_rules, workflow_item


@pytest.fixture
def world() -> World:
    return World()


def executing(world: World, **fields: Any) -> World:
    world.create(draft(**fields))
    world.do(c.Submit)
    assert world.plan.status is PlanStatus.EXECUTING
    return world


def test_a_whole_release(world: World) -> None:
    world.create(draft(stage("bob", "@sre", rule=2), stage("erin", name="Lead")))
    assert world.do(c.Submit) == ["finished", "submitted"]
    assert world.do(c.Approve, "bob") == ["voted"]
    assert world.do(c.Approve, "carol", comment="fine") == ["voted", "stage_passed"]
    assert world.do(c.Approve, "erin") == ["voted", "stage_passed", "approved", "execution_started"]
    assert world.on_item(c.Execute, "notes", remark="sent") == ["item_done"]
    assert world.on_item(c.Execute, "deploy") == ["run_requested"]
    assert world.report("deploy", RunStatus.RUNNING, url="http://run/1") == ["run_changed"]
    assert world.report("deploy", RunStatus.PASSED) == ["run_ended", "succeeded"]
    assert world.plan.status is PlanStatus.SUCCESS
    assert world.plan.success_at == START
    assert [vote.person for vote in world.plan.votes] == ["bob", "carol", "erin"]


def test_without_approval_a_plan_is_executed_at_once(world: World) -> None:
    executing(world)
    assert world.plan.executing_at == START


def test_a_failed_item_holds_the_plan_until_it_is_retried_or_skipped(world: World) -> None:
    executing(world)
    world.on_item(c.Execute, "notes")
    world.on_item(c.Execute, "deploy")
    assert world.report("deploy", RunStatus.FAILED, message="exit 1") == ["run_ended"]
    assert world.plan.status is PlanStatus.EXECUTING
    assert world.on_item(c.Retry, "deploy") == ["run_requested"]
    run = world.item("deploy").run
    assert run is not None
    assert run.attempt == 2
    world.report("deploy", RunStatus.FAILED)
    assert world.on_item(c.Skip, "deploy", reason="by hand") == ["item_skipped", "succeeded"]


def test_a_report_about_an_earlier_attempt_changes_nothing(world: World) -> None:
    executing(world)
    world.on_item(c.Execute, "deploy")
    first = world.item("deploy").run
    assert first is not None
    world.report("deploy", RunStatus.FAILED)
    world.on_item(c.Retry, "deploy")
    item_id = world.item("deploy").id
    report = {"item_id": item_id, "run_id": first.id, "status": RunStatus.PASSED}
    assert world.do(c.ReportRun, "system", **report) == []
    assert world.item("deploy").status is ItemStatus.RUNNING


def test_needs_are_kept(world: World) -> None:
    executing(world, items=[text_item("first"), text_item("second", needs=["first"])])
    with pytest.raises(errors.ItemBlocked, match="First"):
        world.on_item(c.Execute, "second")
    world.on_item(c.Skip, "first", reason="not this time")
    assert world.on_item(c.Execute, "second") == ["item_done", "succeeded"]


def test_a_rejection_denies_and_a_replan_voids_all_votes(world: World) -> None:
    world.create(draft(stage("bob", "carol")))
    world.do(c.Submit)
    world.do(c.Approve, "bob")
    code = world.plan.instance_code
    assert world.do(c.Reject, "carol", reason="tests are red") == ["voted", "denied"]
    assert world.plan.status is PlanStatus.DENIED
    assert world.do(c.Replan) == ["replanned"]
    assert (world.plan.status, world.plan.votes, world.plan.revision) == (PlanStatus.PLANNING, (), 2)
    assert world.plan.instance_code != code
    world.do(c.Submit)
    assert world.do(c.Approve, "bob") == ["voted"], "the vote of the first revision counts no more"


def test_a_click_on_an_old_card_is_refused(world: World) -> None:
    world.create(draft(stage("bob")))
    world.do(c.Submit)
    old = world.plan.nonce
    world.do(c.Replan)
    world.do(c.Submit)
    with pytest.raises(errors.OutdatedCard):
        world.do(c.Approve, "bob", nonce=old)


def test_an_edit_after_approval_is_impossible(world: World) -> None:
    executing(world)
    with pytest.raises(errors.WrongStatus):
        world.do(c.Edit, patch={"name": "other"})


def test_a_replan_keeps_what_was_done_and_starts_the_rest_again(world: World) -> None:
    executing(world)
    world.on_item(c.Execute, "notes")
    world.on_item(c.Execute, "deploy")
    world.do(c.Replan)
    assert world.item("notes").status is ItemStatus.DONE
    assert world.item("deploy").status is ItemStatus.TODO
    run = world.item("deploy").run
    assert run is not None
    assert run.status is RunStatus.CANCELLED
    world.do(c.Submit)
    world.on_item(c.Execute, "deploy")
    assert world.report("deploy", RunStatus.PASSED) == ["run_ended", "succeeded"]


@pytest.mark.parametrize("status", [RunStatus.RUNNING, RunStatus.PASSED, RunStatus.FAILED])
def test_a_run_from_before_a_replan_does_not_move_an_item_that_is_to_do_again(world: World, status: RunStatus) -> None:
    executing(world)
    world.on_item(c.Execute, "notes")
    world.on_item(c.Execute, "deploy")
    world.do(c.Replan)
    world.do(c.Submit)
    world.report("deploy", status)
    assert world.item("deploy").status is ItemStatus.TODO
    assert world.plan.status is PlanStatus.EXECUTING


def test_a_cancelled_plan_stays_cancelled(world: World) -> None:
    executing(world)
    world.do(c.Cancel, reason="not needed")
    for kind in (c.Replan, c.Submit, c.Cancel, c.Finish):
        with pytest.raises(errors.WrongStatus):
            world.do(kind)


@pytest.mark.parametrize("rule", ["all", "any", 2])
def test_rules_of_a_stage(world: World, rule: Any) -> None:
    world.create(draft(stage("bob", "@sre", rule=rule)))
    world.do(c.Submit)
    needed = {"all": 3, "any": 1, 2: 2}[rule]
    people = ["bob", "carol", "dave"][:needed]
    for person in people[:-1]:
        assert world.do(c.Approve, person) == ["voted"]
    assert "approved" in world.do(c.Approve, people[-1])


def test_a_person_in_two_groups_counts_once(world: World) -> None:
    world.create(draft(stage("carol", "@sre", rule=2)))
    world.do(c.Submit)
    world.do(c.Approve, "carol")
    with pytest.raises(errors.AlreadyDecided):
        world.do(c.Approve, "carol")
    assert world.plan.status is PlanStatus.WAIT_FOR_APPROVAL


def test_the_manager_may_not_approve_unless_the_plan_and_the_settings_say_so(world: World) -> None:
    world.create(draft(stage("alice", "bob", rule=1)))
    world.do(c.Submit)
    with pytest.raises(errors.SelfApproval):
        world.do(c.Approve, "alice")
    allowing = {"stages": [stage("alice", "bob", rule=1)], "allow_self_approval": True}
    world.create(draft(approval=allowing))
    world.do(c.Submit)
    with pytest.raises(errors.SelfApproval):
        world.do(c.Approve, "alice")
    world.policy = with_rules(ApprovalRules(required="none", self_approval=True))
    world.create(draft(approval=allowing))
    world.do(c.Submit)
    assert "approved" in world.do(c.Approve, "alice")


def test_somebody_of_a_later_stage_is_told_to_wait(world: World) -> None:
    world.create(draft(stage("bob"), stage("erin", name="Lead")))
    world.do(c.Submit)
    with pytest.raises(errors.NotYourTurn, match="Lead"):
        world.do(c.Approve, "erin")
    with pytest.raises(errors.NotApprover, match="Bob"):
        world.do(c.Approve, "dave")


def test_an_administrator_does_not_approve_in_others_place(world: World) -> None:
    world.create(draft(stage("bob")))
    world.do(c.Submit)
    with pytest.raises(errors.NotApprover):
        world.do(c.Approve, "root")
    assert world.do(c.Cancel, "root") == ["cancelled"]


def test_a_delegate_votes_in_the_approvers_name(world: World) -> None:
    world.create(draft(stage("bob")))
    world.do(c.Submit)
    world.do(c.Delegate, "bob", to="erin")
    with pytest.raises(errors.Forbidden, match="cannot delegate further"):
        world.do(c.Delegate, "erin", to="dave")
    assert "approved" in world.do(c.Approve, "erin")
    vote = world.plan.votes[0]
    assert (vote.person, vote.delegate, vote.decision) == ("bob", "erin", Decision.APPROVE)


def test_only_those_with_the_right_execute(world: World) -> None:
    executing(world, items=[text_item("a", assignee="dave"), text_item("b")])
    assert world.on_item(c.Execute, "a", "dave") == ["item_done"]
    with pytest.raises(errors.Forbidden, match="Alice"):
        world.on_item(c.Execute, "b", "dave")


@pytest.mark.parametrize("kind", [c.Reject, c.Skip])
def test_reasons_are_required(world: World, kind: type[c.Command]) -> None:
    executing(world, items=[text_item("a")])
    if kind is c.Skip:
        with pytest.raises(errors.Invalid):
            world.on_item(kind, "a", reason="  ")
    else:
        world.create(draft(stage("bob")))
        world.do(c.Submit)
        with pytest.raises(errors.Invalid):
            world.do(kind, "bob", reason=" ")


def test_nothing_is_executed_outside_the_window(world: World) -> None:
    window = {"start": START + timedelta(hours=1), "end": START + timedelta(hours=2)}
    executing(world, window=window)
    with pytest.raises(errors.OutsideWindow):
        world.on_item(c.Execute, "notes")
    world.wait(minutes=60)
    assert world.on_item(c.Execute, "notes") == ["item_done"]


def fire(world: World, kind: TimerKind) -> list[str]:
    """Advance to a timer of the plan and let it fire."""
    due = timers_of(world.plan)[kind]
    world.clock.advance(max(due - world.clock.now(), timedelta()))
    return world.do(c.TimerFired, "system", kind=kind, due_at=due)


def test_the_window_closes_on_an_unfinished_plan(world: World) -> None:
    executing(world, window={"end": START + timedelta(hours=1)})
    assert fire(world, TimerKind.WINDOW_END) == ["timed_out"]
    assert world.plan.status is PlanStatus.TIMEOUT
    assert world.do(c.Replan) == ["replanned"]


@pytest.mark.parametrize(("result", "event"), [(RunStatus.PASSED, "succeeded"), (RunStatus.FAILED, "timed_out")])
def test_a_run_that_ends_after_the_window_decides_the_plan(world: World, result: RunStatus, event: str) -> None:
    executing(world, items=[workflow_item("deploy")], window={"end": START + timedelta(hours=1)})
    world.on_item(c.Execute, "deploy")
    assert TimerKind.WINDOW_END not in timers_of(world.plan)
    world.wait(hours=2)
    assert world.report("deploy", result) == ["run_ended", event]


def test_the_schedule_starts_workflows_in_the_order_of_their_needs(world: World) -> None:
    items = [workflow_item("a"), workflow_item("b", needs=["a"]), text_item("c"), workflow_item("d", needs=["c"])]
    executing(world, items=items, schedule_at=START + timedelta(minutes=30))
    assert fire(world, TimerKind.SCHEDULE) == ["schedule_fired", "run_requested"]
    assert world.item("b").status is ItemStatus.TODO
    assert TimerKind.SCHEDULE not in timers_of(world.plan)
    world.report("a", RunStatus.PASSED)
    assert fire(world, TimerKind.SCHEDULE) == ["schedule_fired", "run_requested"]
    assert world.item("b").status is ItemStatus.RUNNING
    world.on_item(c.Execute, "c")
    fire(world, TimerKind.SCHEDULE)
    assert world.item("d").status is ItemStatus.RUNNING


def test_a_plan_that_is_approved_after_its_scheduled_time_starts_at_once(world: World) -> None:
    world.create(draft(stage("bob"), items=[workflow_item("a")], schedule_at=START + timedelta(minutes=5)))
    world.do(c.Submit)
    world.wait(minutes=10)
    world.do(c.Approve, "bob")
    assert fire(world, TimerKind.SCHEDULE) == ["schedule_fired", "run_requested"]


def test_a_stale_timer_does_nothing(world: World) -> None:
    executing(world, window={"end": START + timedelta(hours=1)})
    stale = {"kind": TimerKind.WINDOW_END, "due_at": START}
    assert world.do(c.TimerFired, "system", **stale) == []


def test_reminders_come_after_growing_intervals_until_the_deadline(world: World) -> None:
    approval = {"stages": [stage("bob")], "remind_every": "10m", "expires_in": "2h"}
    world.create(draft(approval=approval))
    world.do(c.Submit)
    moments = []
    for _ in range(3):
        assert fire(world, TimerKind.APPROVAL_REMINDER) == ["reminded"]
        moments.append((world.clock.now() - START) // timedelta(minutes=1))
    assert moments == [10, 30, 70]
    assert fire(world, TimerKind.APPROVAL_DEADLINE) == ["approval_expired"]
    assert world.plan.status is PlanStatus.TIMEOUT


def test_an_edit_gives_a_new_revision_and_instance_code(world: World) -> None:
    world.create(draft())
    before = world.plan
    done_key = world.item("notes").id
    patch = {"name": "Release 2", "items": [text_item("notes"), workflow_item("other")]}
    assert world.do(c.Edit, patch=PlanPatch.model_validate(patch)) == ["edited"]
    assert world.plan.revision == 2
    assert world.plan.instance_code != before.instance_code
    assert world.item("notes").id == done_key, "an item keeps its identity by its key"
    assert world.do(c.Edit, patch=PlanPatch(name="Release 2")) == [], "no change, no revision"
    with pytest.raises(errors.StaleRevision):
        world.do(c.Edit, patch=PlanPatch(name="x"), revision=1)


def test_a_deleted_plan_is_gone(world: World) -> None:
    world.create(draft())
    world.do(c.Delete)
    with pytest.raises(errors.NotFound):
        world.do(c.Submit)
