"""What policies do to a plan: stages that nobody removes, votes that do not count, and who may execute."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import commands as c
from core import errors
from core.draft import PlanPatch
from core.people import Group
from core.plan import Channel, Confirmation, Stage
from core.policies import ApprovalPolicy, ApprovalRules
from core.status import PlanStatus
from tests.worlds import START, World, draft, stage, text_item, with_rules, workflow_item

SRE = Stage("SRE", ("@sre",), "any")


def rules(required: Any = "none", **policy: Any) -> ApprovalRules:
    return ApprovalRules(required, policies=(ApprovalPolicy("production", "touches production", **policy),))


def world_with(approval: ApprovalRules) -> World:
    return World(with_rules(approval))


def finished(approval: ApprovalRules, /, **fields: Any) -> World:
    world = world_with(approval)
    world.create(draft(**fields))
    world.do(c.Finish)
    return world


def problems(world: World, command: type[c.Command], *given: Any) -> dict[str, str]:
    with pytest.raises(errors.Invalid) as raised:
        world.do(command, *given)
    return {problem.path: str(problem) for problem in raised.value.problems}


def test_a_plan_gets_the_stages_of_its_policies_when_it_is_finished() -> None:
    world = finished(rules(stages=(SRE,)), approval={"stages": [stage("bob")]})
    assert [(each.name, each.policy) for each in world.plan.approval.stages] == [("QA", ""), ("SRE", "production")]
    assert world.plan.controls
    assert [each.reason for each in world.plan.controls.policies] == ["touches production"]


def test_a_replanned_plan_has_only_the_stages_of_its_author_until_it_is_finished_again() -> None:
    world = finished(rules(stages=(SRE,)), approval={"stages": [stage("bob")]})
    world.do(c.Replan, reason="again")
    assert [each.name for each in world.plan.approval.stages] == ["QA"]
    assert world.plan.controls is None
    world.do(c.Edit, patch=PlanPatch.model_validate({"approval": {"stages": []}}))
    world.do(c.Finish)
    assert [each.name for each in world.plan.approval.stages] == ["SRE"]


def test_policies_are_applied_again_at_submit_when_the_settings_have_changed() -> None:
    world = finished(ApprovalRules("none"))
    world.policy = with_rules(rules(stages=(SRE,)))
    assert world.do(c.Submit) == ["policies_applied", "submitted"]
    assert world.plan.approval.stages[0].policy == "production"


def test_nothing_is_applied_again_while_the_settings_are_the_same() -> None:
    world = finished(rules(stages=(SRE,)))
    assert world.do(c.Submit) == ["submitted"]


@pytest.mark.parametrize("command", [c.Finish, c.Submit])
def test_a_plan_with_workflows_needs_the_vote_of_somebody_else(command: type[c.Command]) -> None:
    world = world_with(ApprovalRules())
    world.create(draft())
    assert "add a stage" in problems(world, command)["approval.stages"]
    world.create(draft(items=[text_item("notes")]))
    world.do(command)


def test_a_policy_makes_up_for_a_plan_without_stages() -> None:
    world = finished(rules("workflow", stages=(SRE,)))
    world.do(c.Submit)
    world.do(c.Approve, "carol")
    assert world.plan.status is PlanStatus.EXECUTING


def test_who_made_any_revision_does_not_approve_it() -> None:
    world = world_with(ApprovalRules())
    world.create(draft(collaborators=["bob"], approval={"stages": [stage("bob", "carol", "dave", rule=1)]}))
    world.do(c.Edit, "bob", patch=PlanPatch(description="mine"))
    world.do(c.Edit, "alice", patch=PlanPatch(description="not his any more"))
    assert world.plan.editors == ("bob", "alice")
    world.do(c.Submit)
    with pytest.raises(errors.SelfApproval, match="somebody else must approve it: Carol, Dave"):
        world.do(c.Approve, "bob")
    with pytest.raises(errors.Invalid, match="cannot decide in your place"):
        world.do(c.Delegate, "carol", to="bob")
    with pytest.raises(errors.SelfApproval):
        world.do(c.Delegate, "bob", to="erin")
    world.do(c.Approve, "carol")
    assert world.plan.status is PlanStatus.EXECUTING


def test_an_administrator_who_edited_does_not_count_either() -> None:
    world = world_with(ApprovalRules())
    world.create(draft(approval={"stages": [stage("root", "bob", rule=1)]}))
    world.do(c.Edit, "root", patch=PlanPatch(description="mine"))
    world.do(c.Submit)
    with pytest.raises(errors.SelfApproval):
        world.do(c.Approve, "root")


def test_a_replan_makes_nobody_an_editor() -> None:
    world = world_with(ApprovalRules())
    world.create(draft(approval={"stages": [stage("root", "bob", rule=1)]}))
    world.do(c.Submit)
    world.do(c.Replan, "root", reason="again")
    world.do(c.Submit)
    world.do(c.Approve, "root")
    assert world.plan.status is PlanStatus.EXECUTING


def test_all_leaves_out_those_whose_votes_do_not_count() -> None:
    world = world_with(ApprovalRules())
    world.create(draft(collaborators=["bob"], approval={"stages": [stage("bob", "carol", rule="all")]}))
    world.do(c.Edit, "bob", patch=PlanPatch(description="mine"))
    world.do(c.Submit)
    world.do(c.Approve, "carol")
    assert world.plan.status is PlanStatus.EXECUTING


def test_a_stage_with_too_few_left_is_refused_and_says_who_is_left_out() -> None:
    world = world_with(ApprovalRules())
    world.create(draft(collaborators=["bob"], approval={"stages": [stage("bob", "carol", rule=2)]}))
    world.do(c.Edit, "bob", patch=PlanPatch(description="mine"))
    found = problems(world, c.Submit)
    assert "bob" in found["approval.stages[0].approvers"]
    assert "add other approvers" in found["approval.stages[0].approvers"]


def test_a_policy_that_nobody_can_satisfy_is_refused_at_finish_and_at_submit() -> None:
    world = world_with(rules(stages=(Stage("SRE", ("@empty",)),)))
    world.create(draft())
    assert "groups may be empty" in problems(world, c.Finish)["approval.policies[production].approvers"]
    world.policy = with_rules(rules(stages=(SRE,)))
    world.do(c.Finish)
    world.directory = type(world.directory)(world.directory.people, {"sre": Group("sre", ())})
    assert "groups may be empty" in problems(world, c.Submit)["approval.policies[production].approvers"]


def executing(**policy: Any) -> World:
    world = finished(rules(stages=(SRE,), **policy), items=[
        text_item("notes", assignee="erin"), workflow_item("deploy", assignee="erin"), text_item("other"),
    ])  # fmt: skip
    world.do(c.Submit)
    world.do(c.Approve, "carol")
    return world


def test_only_executors_execute_skip_and_retry() -> None:
    world = executing(executors=("@sre", "bob"))
    for person in ("alice", "erin", "root"):
        with pytest.raises(errors.Forbidden, match="policy"):
            world.on_item(c.Execute, "deploy", person)
        with pytest.raises(errors.Forbidden, match="policy"):
            world.on_item(c.Skip, "notes", person, reason="no")
    world.on_item(c.Execute, "notes", "erin")
    world.on_item(c.Execute, "deploy", "bob")
    world.on_item(c.Execute, "other", "dave")


def test_who_approved_does_not_execute_where_a_policy_says_so() -> None:
    world = executing(executors=("@sre",), separate_executor=True)
    with pytest.raises(errors.Forbidden, match="Who may: Dave"):
        world.on_item(c.Execute, "deploy", "carol")
    world.on_item(c.Execute, "deploy", "dave")


def test_a_delegate_who_approved_does_not_execute_either() -> None:
    world = finished(rules(stages=(SRE,), separate_executor=True))
    world.do(c.Submit)
    world.do(c.Delegate, "carol", to="root")
    world.do(c.Approve, "root")
    with pytest.raises(errors.Forbidden, match="somebody else"):
        world.on_item(c.Execute, "deploy", "root")


@pytest.mark.parametrize(("window", "path"), [({}, "window"), ({"hours": 5}, "window.end"), ({"hours": 2}, "")])
def test_a_policy_limits_the_window(window: dict[str, int], path: str) -> None:
    world = world_with(rules(max_window=timedelta(hours=2)))
    times = {"start": START, "end": START + timedelta(**window)} if window else {}
    world.create(draft(window=times))
    if path:
        assert "2h" in problems(world, c.Finish)[path]
    else:
        world.do(c.Finish)


def test_a_vote_counts_on_the_page_alone_where_a_policy_says_so() -> None:
    world = finished(rules(stages=(SRE,), confirm=Confirmation.PAGE))
    world.do(c.Submit)
    for command in (c.Approve, c.Delegate):
        with pytest.raises(errors.ConfirmedOnPage):
            world.do(command, "carol", **({"to": "dave"} if command is c.Delegate else {}))
    world.via = "console"
    world.do(c.Approve, "carol")
    assert world.plan.status is PlanStatus.EXECUTING


def test_a_form_does_not_go_with_votes_on_the_page() -> None:
    world = world_with(rules(confirm=Confirmation.PAGE))
    world.policy = replace(world.policy, channels=frozenset(Channel))
    world.create(draft(approval={"stages": [stage("bob") | {"channel": "feishu_instance"}]}))
    assert "choose a channel" in problems(world, c.Finish)["approval.stages[0].channel"]


def test_a_plan_that_was_finished_before_there_were_policies_keeps_its_approval() -> None:
    world = finished(ApprovalRules("none"), approval={"stages": [stage("bob", rule="any")]})
    world.plan = replace(world.plan, controls=None)
    world.policy = with_rules(rules("all", stages=(SRE,)))
    world.do(c.Submit)
    assert [each.name for each in world.plan.approval.stages] == ["QA"]
    world.do(c.Replan, reason="under policy")
    world.do(c.Submit)
    assert [each.name for each in world.plan.approval.stages] == ["QA", "SRE"]


NOBODY = "nobody can be found who may execute"
LEFT = "nobody would be left to execute"


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"executors": ("@empty",)}, NOBODY),
        ({"executors": ("@sre",), "separate_executor": True, "stages": (Stage("SRE", ("@sre",), "all"),)}, LEFT),
        ({"executors": ("@sre",), "separate_executor": True, "stages": (Stage("SRE", ("@sre",), 2),)}, LEFT),
        ({"executors": ("@sre",), "separate_executor": True, "stages": (Stage("SRE", ("@sre",), "any"),)}, ""),
        ({"executors": ("@sre", "erin"), "separate_executor": True, "stages": (Stage("SRE", ("@sre",)),)}, ""),
        ({"separate_executor": True, "stages": (SRE,)}, ""),
    ],
)
def test_a_plan_that_nobody_could_execute_is_refused(policy: dict[str, Any], told: str) -> None:
    world = world_with(rules(**policy))
    world.create(draft())
    if told:
        assert told in problems(world, c.Submit)["approval.policies"]
    else:
        world.do(c.Submit)


@pytest.mark.parametrize(("assignee", "left"), [("", False), ("erin", True)])
def test_those_who_execute_without_a_list_are_counted_as_well(assignee: str, left: bool) -> None:
    world = world_with(replace(rules(separate_executor=True), self_approval=True))
    approval = {"stages": [stage("alice", "root")], "allow_self_approval": True}
    world.create(draft(items=[workflow_item("deploy", assignee=assignee)], approval=approval))
    if left:
        world.do(c.Submit)
    else:
        assert LEFT in problems(world, c.Submit)["approval.policies"]


def test_lists_of_executors_with_nobody_in_common_are_refused() -> None:
    both = (ApprovalPolicy("a", executors=("@sre",)), ApprovalPolicy("b", executors=("bob",)))
    world = world_with(ApprovalRules("none", policies=both))
    world.create(draft())
    assert "@sre; bob" in problems(world, c.Submit)["approval.policies"]
    world.create(draft(items=[text_item("notes", assignee="erin")]))
    world.do(c.Submit)


SOON = START + timedelta(minutes=30)


def scheduled(manager: str, **policy: Any) -> World:
    world = world_with(rules(**policy))
    world.create(draft(manager=manager, items=[workflow_item("deploy")], schedule_at=SOON), manager)
    return world


def fire_schedule(world: World) -> list[str]:
    world.clock.advance(SOON - START)
    return world.do(c.TimerFired, "system", kind="schedule", due_at=SOON)


def test_a_schedule_starts_items_in_the_name_of_a_manager_who_may_execute() -> None:
    world = scheduled("alice", executors=("@sre",))
    assert "choose a manager who is among them" in problems(world, c.Submit)["schedule_at"]
    world.do(c.Edit, patch=PlanPatch.model_validate({"items": [text_item("notes")]}))
    world.do(c.Submit)
    world = scheduled("carol", executors=("@sre",))
    world.do(c.Submit, "carol")
    assert fire_schedule(world) == ["schedule_fired", "run_requested"]


def test_a_schedule_starts_nothing_once_its_manager_may_not_execute() -> None:
    world = scheduled("carol", executors=("@sre",))
    world.do(c.Submit, "carol")
    world.directory = type(world.directory)(world.directory.people, {"sre": Group("sre", ("dave",))})
    assert fire_schedule(world) == ["schedule_stopped"]
    assert "Carol" in str(world.last.events[0].reason)  # type: ignore[union-attr]
    assert world.plan.next_schedule is None
    world.on_item(c.Execute, "deploy", "dave")


def test_a_schedule_starts_nothing_for_a_manager_who_approved_where_others_execute() -> None:
    world = world_with(replace(rules(separate_executor=True), self_approval=True))
    approval = {"stages": [stage("carol", rule="any")], "allow_self_approval": True}
    items = [workflow_item("deploy")]
    world.create(draft(manager="carol", items=items, schedule_at=SOON, approval=approval), "carol")
    world.do(c.Submit, "carol")
    world.do(c.Approve, "carol")
    assert fire_schedule(world) == ["schedule_stopped"]
