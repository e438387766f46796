"""Which effects follow from events: none of them twice, and none for what is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core import commands as c
from core.consequences import effects_of
from core.decide import decide, start
from core.effects import (
    Alarm,
    Answer,
    Destination,
    DestinationKind,
    FormCancel,
    FormStart,
    Payload,
    RunCancel,
    RunResume,
    RunStart,
    Sync,
    Undelivered,
)
from core.messages import Message
from core.people import SYSTEM, Actor, Directory, gate
from core.plan import Channel
from core.status import PlanStatus, RunStatus
from tests.worlds import PEOPLE, SLACK, World, draft, stage

REASON = Message("timeout")
RUNNER = Destination(DestinationKind.RUNNER, "local")
ADMINS = Destination(DestinationKind.ADMINS)
FORMS = Destination(DestinationKind.APPROVAL_FORM, "feishu_instance")
GATE = gate("zadig")


class Watched(World):
    """A world that returns the effects of each command."""

    def __init__(self) -> None:
        super().__init__()
        self.policy = replace(self.policy, channels=frozenset(Channel), destinations=("slack", "feishu"))
        people = {name: replace(person, email=f"{name}@example.com") for name, person in PEOPLE.people.items()}
        self.directory = Directory(people, PEOPLE.groups)

    def effects(
        self, command: type[c.Command], by: str = "alice", via: str = "api", /, **fields: Any
    ) -> list[tuple[Destination, Payload]]:
        """Execute a command; return its effects without the cards."""
        actors = {"system": SYSTEM, "gate:zadig": GATE}
        return [effect for effect in self.all_effects(command, actors.get(by) or self.directory.actor(by, via), fields)
                if not isinstance(effect[1], Sync)]  # fmt: skip

    def all_effects(
        self, command: type[c.Command], actor: Actor, fields: dict[str, Any]
    ) -> list[tuple[Destination, Payload]]:
        given: Any = command(plan_id=self.plan.id, **fields)
        before, decision = self.plan, decide(self.plan, given, self.context(actor))
        self.plan = decision.plan
        effects = effects_of(before, self.plan, decision.events, self.policy, self.ids, self.clock.now())
        assert {effect.plan_id for effect in effects} <= {self.plan.id}
        return [(effect.destination, effect.payload) for effect in effects]


@pytest.fixture
def world() -> Watched:
    return Watched()


def running(world: Watched) -> str:
    """Let the plan's workflow run; return the id of its run."""
    world.create(draft(stage("bob")))
    world.do(c.Submit)
    world.do(c.Approve, "bob")
    world.on_item(c.Execute, "deploy")
    run = world.item("deploy").run
    assert run is not None
    return run.id


def test_a_run_is_started_by_the_runner_of_its_item(world: Watched) -> None:
    world.create(draft())
    world.do(c.Submit)
    item = world.item("deploy").id
    [(destination, payload)] = world.effects(c.Execute, item_id=item)
    run = world.item("deploy").run
    assert run is not None
    assert (destination, payload) == (RUNNER, RunStart(run.id, item))


def test_a_text_item_starts_nothing(world: Watched) -> None:
    world.create(draft())
    world.do(c.Submit)
    assert world.effects(c.Execute, item_id=world.item("notes").id) == []


def test_a_run_that_is_let_go_on_is_resumed_with_the_comment_and_who_said_it(world: Watched) -> None:
    run = running(world)
    world.report("deploy", RunStatus.WAITING)
    item = world.item("deploy").id
    resumed = world.effects(c.Execute, "bob", item_id=item, remark=" looks good ")
    assert resumed == [(RUNNER, RunResume(run, item, "looks good", "bob"))]


@pytest.mark.parametrize("command", [c.Replan, c.Cancel])
def test_only_runs_that_go_on_are_cancelled_with_the_plan(world: Watched, command: type[c.Command]) -> None:
    run = running(world)
    world.report("deploy", RunStatus.RUNNING, external_id="deploy/43")
    assert world.effects(command) == [(RUNNER, RunCancel(run, world.item("deploy").id, "deploy/43"))]


@pytest.mark.parametrize("command", [c.Replan, c.Cancel])
def test_a_run_that_has_ended_is_not_cancelled(world: Watched, command: type[c.Command]) -> None:
    running(world)
    world.report("deploy", RunStatus.FAILED)
    assert world.effects(command) == []


def test_forms_follow_their_stages(world: Watched) -> None:
    first, second = (stage("bob", name="QA"), stage("erin", name="Lead"))
    world.create(draft(*(each | {"channel": "feishu_instance"} for each in (first, second)), stage("dave", name="SRE")))
    plan_id = world.plan.id
    assert world.effects(c.Submit) == [(FORMS, FormStart(0, 1, f"{plan_id}-1-0"))]
    assert world.effects(c.LinkForm, "system", stage=0, form="F1") == []
    passed = world.effects(c.Approve, "bob", FORMS.name, form="F1")
    assert passed == [(FORMS, FormCancel(0, "F1")), (FORMS, FormStart(1, 1, f"{plan_id}-1-1"))]
    assert world.effects(c.Approve, "erin", FORMS.name) == [], "what was never linked is not withdrawn"


@pytest.mark.parametrize("command", [c.Replan, c.Cancel])
@pytest.mark.parametrize("form", ["F1", ""])
def test_a_form_is_withdrawn_with_its_plan(world: Watched, command: type[c.Command], form: str) -> None:
    world.create(draft(stage("bob") | {"channel": "feishu_instance"}))
    world.do(c.Submit)
    if form:
        world.do(c.LinkForm, "system", stage=0, form=form)
    assert world.effects(command) == ([(FORMS, FormCancel(0, form))] if form else [])


def of_gate(world: Watched) -> None:
    """A plan by which another system requests an approval."""
    command = c.Create(plan_id=world.ids.new_plan(), draft=draft(stage("bob"), manager="root"), origin=("52",))
    world.last = start(command, world.context(GATE))
    world.plan = replace(world.last.plan, number=1)
    world.effects(c.Submit, GATE.id)


@pytest.mark.parametrize(
    ("by", "command", "fields"),
    [("bob", c.Approve, {}), ("bob", c.Reject, {"reason": "no"}), ("root", c.Cancel, {})],
)
def test_a_system_gets_one_answer_to_its_request(
    world: Watched, by: str, command: type[c.Command], fields: dict[str, Any]
) -> None:
    of_gate(world)
    assert world.effects(command, by, **fields) == [(Destination.parse("gate:zadig"), Answer())]
    assert world.effects(c.Refuse, "system", refused_verb="edit", code="forbidden") == []


def test_a_system_that_takes_its_request_back_gets_no_answer(world: Watched) -> None:
    of_gate(world)
    assert world.effects(c.Cancel, GATE.id) == []
    assert world.plan.status is PlanStatus.CANCEL


def test_the_plans_of_people_answer_to_no_system(world: Watched) -> None:
    world.create(draft(stage("bob")))
    world.do(c.Submit)
    assert world.effects(c.Approve, "bob") == []


def test_administrators_hear_of_endpoints_and_chats_that_do_not_work(world: Watched) -> None:
    world.create(draft())
    disabled = world.effects(c.NoteEndpointDisabled, "system", endpoint="ci", reason=REASON)
    assert disabled == [(ADMINS, Alarm("ci", REASON))]
    refused = world.effects(c.NoteCardsRefused, "system", chat="slack", recipients=("C1",), reason=REASON)
    assert refused == [(ADMINS, Undelivered("slack", ("C1",), "alice", REASON))]


def test_each_chat_shows_what_changed_once(world: Watched) -> None:
    world.create(draft(stage("bob")))
    feishu = Destination(DestinationKind.CHAT, "feishu")
    effects = world.all_effects(c.Submit, world.directory.actor("alice", "api"), {})
    shown = [destination for destination, payload in effects if isinstance(payload, Sync)]
    assert shown == [SLACK, feishu]
