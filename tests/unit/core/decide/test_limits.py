"""The limits of decisions: whose delegate, which form, which report, and what is kept of what was before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import commands as c
from core import errors
from core.commands import Verb
from core.decide import decide, start
from core.decide.rights import may
from core.draft import PlanPatch
from core.events import RunRequested
from core.messages import NO_MESSAGE, Message
from core.people import Actor, gate
from core.plan import Channel, Run
from core.policies import ApprovalRules
from core.status import HookEvent, ItemStatus, PlanStatus, RunStatus
from core.timers import TimerKind, timers_of
from core.workflow import MASK
from tests.worlds import START, World, draft, stage, text_item, waiting_policy, with_rules, workflow, workflow_item


@pytest.fixture
def world() -> World:
    return World()


def executing(world: World, **fields: Any) -> World:
    world.create(draft(**fields))
    world.do(c.Submit)
    return world


def run_of(world: World, key: str = "deploy") -> Run:
    run = world.item(key).run
    assert run is not None
    return run


@pytest.mark.parametrize("to", ["gone", "nobody", "bob", "alice"])
def test_nobody_delegates_to_who_has_left_to_themselves_or_to_the_manager(world: World, to: str) -> None:
    world.create(draft(stage("bob")))
    world.do(c.Submit)
    with pytest.raises(errors.Invalid, match="cannot decide in your place"):
        world.do(c.Delegate, "bob", to=to)


def test_a_manager_who_may_approve_may_be_a_delegate() -> None:
    world = World(with_rules(ApprovalRules("none", self_approval=True)))
    world.create(draft(approval={"stages": [stage("bob")], "allow_self_approval": True}))
    world.do(c.Submit)
    world.do(c.Delegate, "bob", to="alice")
    assert "approved" in world.do(c.Approve)


def vote_in_form(world: World, form: str, command: type[c.Command] = c.Approve, **fields: Any) -> list[str]:
    actor = world.directory.actor("bob", "feishu_instance")
    given: Any = command(plan_id=world.plan.id, **fields | {"form": form})
    decision = decide(world.plan, given, world.context(actor))
    world.plan = decision.plan
    return [event.name for event in decision.events]


@pytest.fixture
def form(world: World) -> World:
    """A stage that is decided in the form F2, after another one had the form F1."""
    world.policy = replace(world.policy, channels=frozenset(Channel))
    people = {name: replace(person, email=f"{name}@example.com") for name, person in world.directory.people.items()}
    world.directory = replace(world.directory, people=people)
    stages = [stage("bob", "carol", name=name) | {"channel": "feishu_instance"} for name in ("QA", "Lead")]
    world.create(draft(*stages))
    world.do(c.Submit)
    world.do(c.LinkForm, "system", stage=0, form="F1")
    return world


@pytest.mark.parametrize(("command", "fields"), [(c.Approve, {}), (c.Reject, {"reason": ""})])
def test_a_vote_from_the_form_of_another_stage_is_gone(
    form: World, command: type[c.Command], fields: dict[str, Any]
) -> None:
    with pytest.raises(errors.Gone):
        vote_in_form(form, "F0", command, **fields)


def test_a_rejection_in_a_form_needs_no_reason(form: World) -> None:
    assert vote_in_form(form, "F1", c.Reject, reason="") == ["voted", "denied"]
    assert str(form.plan.reason) == "Rejected in the approval form, without a comment."


def test_votes_are_given_where_the_stage_is_decided(form: World) -> None:
    with pytest.raises(errors.DecidedInForm, match="by Bob, Carol"):
        form.do(c.Approve, "bob")


def test_the_end_of_the_form_of_another_stage_denies_nothing(form: World) -> None:
    reason = form.plan.reason
    assert form.do(c.CloseForm, "system", stage=0, form="F0", reason=reason) == []
    assert form.do(c.CloseForm, "system", stage=1, form="F1", reason=reason) == []
    assert form.do(c.LinkForm, "system", stage=1, form="F2") == []
    assert form.do(c.CloseForm, "system", stage=0, form="F1", reason=reason) == ["denied"]


def test_a_form_belongs_to_its_stage_alone(form: World) -> None:
    assert [each.form for each in form.plan.approval.stages] == ["F1", ""]
    form.do(c.Replan)
    assert [each.form for each in form.plan.approval.stages] == ["", ""]


def test_a_report_keeps_what_an_earlier_one_said(world: World) -> None:
    executing(world).on_item(c.Execute, "deploy")
    world.wait(minutes=1)
    world.report("deploy", RunStatus.RUNNING, external_id="deploy/43", url="http://run/43")
    world.wait(minutes=2)
    world.report("deploy", RunStatus.PASSED)
    run = run_of(world)
    assert (run.external_id, run.url) == ("deploy/43", "http://run/43")
    assert (run.started_at, run.ended_at) == (START + timedelta(minutes=1), START + timedelta(minutes=3))


def test_a_run_that_runs_again_has_not_ended(world: World) -> None:
    executing(world).on_item(c.Execute, "deploy")
    world.report("deploy", RunStatus.FAILED)
    assert run_of(world).ended_at == START
    assert world.report("deploy", RunStatus.RUNNING) == ["run_changed"]
    assert (run_of(world).ended_at, world.item("deploy").status) == (None, ItemStatus.RUNNING)


def test_a_skipped_item_stays_skipped_whatever_its_run_does(world: World) -> None:
    executing(world).on_item(c.Execute, "deploy")
    world.report("deploy", RunStatus.FAILED)
    world.on_item(c.Skip, "deploy", reason="by hand")
    for status in (RunStatus.RUNNING, RunStatus.PASSED):
        assert world.report("deploy", status) == []
    assert world.item("deploy").status is ItemStatus.SKIPPED


def test_a_success_is_not_taken_back(world: World) -> None:
    executing(world).on_item(c.Execute, "deploy")
    world.report("deploy", RunStatus.PASSED)
    assert world.report("deploy", RunStatus.FAILED) == []
    assert world.item("deploy").status is ItemStatus.DONE


@pytest.mark.parametrize("news", [{"url": "http://run/2"}, {"external_id": "deploy/2"}])
def test_a_report_with_another_place_is_news(world: World, news: dict[str, str]) -> None:
    executing(world).on_item(c.Execute, "deploy")
    report = {"external_id": "deploy/1", "url": "http://run/1"}
    assert world.report("deploy", RunStatus.RUNNING, **report) == ["run_changed"]
    assert world.report("deploy", RunStatus.RUNNING, **report) == []
    assert world.report("deploy", RunStatus.RUNNING, **(report | news)) == ["run_changed"]


def test_a_retry_repeats_the_failed_run_and_a_run_after_a_replan_does_not(world: World) -> None:
    executing(world).on_item(c.Execute, "deploy")
    world.report("deploy", RunStatus.FAILED, external_id="deploy/43")
    world.on_item(c.Retry, "deploy")
    [requested] = world.last.events
    assert isinstance(requested, RunRequested)
    assert (requested.run.attempt, requested.run.external_id) == (2, "deploy/43")
    world.do(c.Replan)
    world.do(c.Submit)
    world.on_item(c.Execute, "deploy", remark="once more")
    assert (run_of(world).attempt, run_of(world).external_id) == (3, "")
    assert world.item("deploy").remark == "once more"


def test_what_an_item_needs_holds_it_until_it_is_complete(world: World) -> None:
    executing(world, items=[workflow_item("first"), text_item("second", needs=["first"])])
    world.on_item(c.Execute, "first")
    for status in (RunStatus.RUNNING, RunStatus.FAILED):
        world.report("first", status)
        with pytest.raises(errors.ItemBlocked):
            world.on_item(c.Execute, "second")
    world.on_item(c.Retry, "first")
    world.report("first", RunStatus.PASSED)
    assert world.on_item(c.Execute, "second") == ["item_done", "succeeded"]


def test_only_approvers_let_a_run_go_on(world: World) -> None:
    world.create(draft(stage("bob"), items=[text_item("notes"), workflow_item("deploy", assignee="dave")]))
    world.do(c.Submit)
    world.do(c.Approve, "bob")
    world.on_item(c.Execute, "deploy", "dave")
    world.report("deploy", RunStatus.WAITING)
    for person in ("alice", "dave", "root"):
        with pytest.raises(errors.Forbidden, match="Only those who approve"):
            world.on_item(c.Execute, "deploy", person)
    assert world.on_item(c.Execute, "deploy", "bob") == ["run_resumed"]
    assert run_of(world).status is RunStatus.RUNNING
    for person in ("bob", "dave"):
        with pytest.raises(errors.ItemNotReady, match="running"):
            world.on_item(c.Execute, "deploy", person)
    with pytest.raises(errors.Forbidden, match="Alice"):
        world.on_item(c.Execute, "deploy", "erin")
    with pytest.raises(errors.Forbidden, match="Alice"):
        world.on_item(c.Execute, "notes", "bob")


GATE = gate("zadig")


@pytest.fixture
def gated(world: World) -> World:
    """A plan by which another system requests an approval."""
    command = c.Create(plan_id=world.ids.new_plan(), draft=draft(stage("bob"), manager="root"), origin=("52",))
    world.plan = replace(start(command, world.context(GATE)).plan, number=1)
    world.plan = decide(world.plan, c.Submit(plan_id=world.plan.id), world.context(GATE)).plan
    return world


@pytest.mark.parametrize(("command", "fields"), [(c.Replan, {}), (c.Edit, {"patch": PlanPatch(name="other")})])
def test_people_do_not_change_what_another_system_asks(
    gated: World, command: type[c.Command], fields: dict[str, Any]
) -> None:
    with pytest.raises(errors.Forbidden, match="Another system asks"):
        gated.do(command, "root", **fields)


@pytest.mark.parametrize("actor", [gate("other"), Actor("system", GATE.kind, "zadig")])
def test_a_system_has_rights_on_its_own_requests_alone(gated: World, actor: Actor) -> None:
    with pytest.raises(errors.Forbidden):
        decide(gated.plan, c.Cancel(plan_id=gated.plan.id), gated.context(actor))
    assert decide(gated.plan, c.Cancel(plan_id=gated.plan.id), gated.context(GATE)).plan.status is PlanStatus.CANCEL


def test_a_card_offers_what_the_status_and_the_rights_allow(gated: World) -> None:
    root, bob = (gated.context(gated.directory.actor(person, "api")) for person in ("root", "bob"))
    assert may(gated.plan, Verb.CANCEL, root)
    assert not may(gated.plan, Verb.REPLAN, root), "it is another system's"
    assert not may(gated.plan, Verb.DELETE, root), "it has not ended"
    assert may(gated.plan, Verb.APPROVE, bob)
    assert not may(gated.plan, Verb.APPROVE, root)
    assert not may(gated.plan, Verb.CANCEL, bob)
    assert not may(replace(gated.plan, deleted=True), Verb.CANCEL, root)


def test_a_check_reminds_at_growing_intervals_until_its_deadline() -> None:
    world = World(waiting_policy(HookEvent.FINISH_PLANNING))
    world.create(draft())
    world.do(c.Finish)
    moments = []
    while due := timers_of(world.plan).get(TimerKind.CHECK_REMINDER):
        moments.append((due - START) // timedelta(minutes=1))
        world.clock.advance(due - world.clock.now())
        assert world.do(c.TimerFired, "system", kind=TimerKind.CHECK_REMINDER, due_at=due) == ["check_reminded"]
    assert moments == [10, 30], "the third would come after the deadline"
    assert timers_of(world.plan) == {TimerKind.CHECK_DEADLINE: START + timedelta(hours=1)}


def test_the_same_progress_again_is_a_repetition() -> None:
    world = World(waiting_policy(HookEvent.FINISH_PLANNING))
    world.create(draft())
    world.do(c.Finish)
    progress = {
        "event": HookEvent.FINISH_PLANNING, "instance_code": world.plan.instance_code,
        "result": "executing", "description": "3 of 9",
    }  # fmt: skip
    assert world.do(c.Callback, "system", **progress) == ["check_progressed"]
    assert world.do(c.Callback, "system", **progress) == ["check_repeated"]


def test_reminders_begin_again_with_each_stage(world: World) -> None:
    approval = {"stages": [stage("bob"), stage("erin", name="Lead")], "remind_every": "10m", "expires_in": "1h"}
    world.create(draft(approval=approval))
    world.do(c.Submit)
    world.wait(minutes=10)
    world.do(c.TimerFired, "system", kind=TimerKind.APPROVAL_REMINDER, due_at=world.clock.now())
    world.do(c.Approve, "bob")
    assert timers_of(world.plan) == {
        TimerKind.APPROVAL_REMINDER: START + timedelta(minutes=20),
        TimerKind.APPROVAL_DEADLINE: START + timedelta(minutes=70),
    }


def test_a_replan_forgets_whom_the_approvers_had_named(world: World) -> None:
    world.create(draft(stage("bob")))
    world.do(c.Submit)
    world.do(c.Delegate, "bob", to="erin")
    world.do(c.Replan)
    world.do(c.Submit)
    with pytest.raises(errors.NotApprover):
        world.do(c.Approve, "erin")


def test_a_replan_begins_the_approval_again(world: World) -> None:
    world.create(draft(approval={"stages": [stage("bob"), stage("erin", name="Lead")], "remind_every": "10m"}))
    world.do(c.Submit)
    world.do(c.Approve, "bob")
    world.wait(minutes=10)
    world.do(c.TimerFired, "system", kind=TimerKind.APPROVAL_REMINDER, due_at=world.clock.now())
    world.do(c.Replan)
    approval = world.plan.approval
    assert (approval.current, approval.asked_at, approval.reminders) == (0, None, 0)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(" not needed ", Message.verbatim("not needed")), ("", NO_MESSAGE), (Message("timeout"), Message("timeout"))],
)
def test_the_reason_of_a_person_is_kept_as_it_was_written_and_that_of_a_system_is_translated(
    world: World, given: str | Message, kept: Message
) -> None:
    world.create(draft())
    world.do(c.Cancel, reason=given)
    assert world.plan.reason == kept


@pytest.mark.parametrize("by_form", [True, False])
def test_the_reason_of_a_rejection_is_that_of_the_plan(form: World, by_form: bool) -> None:
    if by_form:
        vote_in_form(form, "F1", c.Reject, reason=" tests are red ")
    else:
        form.create(draft(stage("bob")))
        form.do(c.Submit)
        form.do(c.Reject, "bob", reason=" tests are red ")
    assert form.plan.reason == Message.verbatim("tests are red")


def test_only_a_schedule_that_has_come_looks_at_what_was_completed(world: World) -> None:
    items = [text_item("a"), text_item("b"), workflow_item("c", needs=["a", "b"])]
    executing(world, items=items).on_item(c.Execute, "a")
    assert timers_of(world.plan) == {}, "there is no schedule"
    world = executing(World(), items=items, schedule_at=START + timedelta(hours=1))
    world.on_item(c.Execute, "a")
    assert timers_of(world.plan) == {TimerKind.SCHEDULE: START + timedelta(hours=1)}
    world.wait(hours=1)
    world.do(c.TimerFired, "system", kind=TimerKind.SCHEDULE, due_at=START + timedelta(hours=1))
    assert timers_of(world.plan) == {}
    world.wait(minutes=1)
    world.on_item(c.Skip, "b", reason="not needed")
    assert timers_of(world.plan) == {TimerKind.SCHEDULE: world.clock.now()}


def test_a_plan_without_deadlines_reminds_its_approvers_alone(world: World) -> None:
    approval = {"stages": [stage("bob")], "expires_in": None, "remind_every": None}
    world.create(draft(approval=approval))
    world.do(c.Submit)
    assert timers_of(world.plan) == {TimerKind.APPROVAL_REMINDER: START + timedelta(hours=1)}
    world.do(c.Approve, "bob")
    assert timers_of(world.plan) == {}


def test_a_submit_that_waited_for_a_check_is_over_with_the_request() -> None:
    world = World(waiting_policy(HookEvent.FINISH_PLANNING))
    world.create(draft(stage("bob")))
    world.do(c.Submit)
    assert world.plan.submitting
    answer = {"event": HookEvent.FINISH_PLANNING, "instance_code": world.plan.instance_code, "result": "success"}
    assert world.do(c.Callback, "system", **answer) == ["check_passed", "submitted"]
    assert not world.plan.submitting


def test_a_draft_with_problems_is_no_plan(world: World) -> None:
    with pytest.raises(errors.Invalid, match="nobody"):
        world.create(draft(manager="nobody"))


def test_a_masked_credential_that_is_sent_back_keeps_its_value(world: World) -> None:
    secret = workflow("true") | {
        "params": [{"name": "KEY", "type": "string", "value": "s3cret", "is_credential": True}]
    }
    world.create(draft(items=[workflow_item("deploy", workflow=secret)]))
    masked = draft(items=[workflow_item("deploy", workflow=secret)]).mask_credentials()
    assert MASK in masked.model_dump_json()
    patch = PlanPatch.model_validate({"name": "Release 2", "items": [i.model_dump(mode="json") for i in masked.items]})
    assert world.do(c.Edit, patch=patch) == ["edited"]
    spec = world.item("deploy").spec
    assert spec is not None
    assert spec["params"][0]["value"] == "s3cret"


def test_an_edit_starts_an_item_again_when_its_task_is_another_one(world: World) -> None:
    executing(world, items=[text_item("a"), text_item("b"), text_item("c")])
    for key in "ab":
        world.on_item(c.Execute, key, remark="done by hand")
    world.do(c.Replan)
    items = [text_item("a", name="Renamed"), text_item("b", content="another way"), text_item("c")]
    world.do(c.Edit, patch=PlanPatch.model_validate({"items": items}))
    kept, changed = world.item("a"), world.item("b")
    assert (kept.status, kept.remark, kept.executed_by) == (ItemStatus.DONE, "done by hand", "alice")
    assert (changed.status, changed.remark, changed.executed_by, changed.executed_at) == (ItemStatus.TODO, "", "", None)
    assert (world.plan.tally.done, world.plan.tally.todo) == (1, 2)


@pytest.mark.parametrize(("given", "shown"), [({}, "deploy"), ({"display_name": "Deploy all"}, "Deploy all")])
def test_an_item_is_called_as_its_workflow_is_displayed(world: World, given: dict[str, str], shown: str) -> None:
    world.create(draft(items=[workflow_item("a", workflow=workflow("true") | given | {"project": "shop"})]))
    assert (world.item("a").workflow, world.item("a").project) == (shown, "shop")


def test_who_creates_a_plan_for_another_manager_may_edit_it(world: World) -> None:
    world.create(draft(manager="bob"), by="alice")
    assert (world.plan.manager, world.plan.collaborators) == ("bob", ("alice",))
    assert world.do(c.Edit, patch=PlanPatch(description="more")) == ["edited"]
    world.create(draft(manager=""), by="alice")
    assert (world.plan.manager, world.plan.collaborators) == ("alice", ())
