"""Who may put local workflows into plans, and that plans with scripts that nothing confines need a vote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core import commands as c
from core import errors
from core.context import Policy
from core.draft import PlanPatch
from core.policies import ApprovalRules
from core.status import PlanStatus
from tests.worlds import World, draft, text_item, workflow_item

TEXT, LOCAL, ELSEWHERE = (
    text_item("notes"),
    workflow_item("deploy"),
    workflow_item("build", runner="zadig", workflow={"name": "w"}),
)
SCRIPT = {"name": "go", "type": "freestyle", "spec": {"script": "true"}}
SQL = {"name": "go", "type": "sql", "spec": {"id": "shop", "sql": "SELECT 1"}}


def world_for(*allowed: str) -> World:
    return World(Policy(runners={"local": lambda _: [], "zadig": lambda _: []}, authors={"local": allowed}))


def refused(world: World, *given: Any, **fields: Any) -> list[str]:
    with pytest.raises(errors.Invalid) as raised:
        world.do(*given, **fields)
    return [problem.path for problem in raised.value.problems]


def items(*given: Any) -> PlanPatch:
    return PlanPatch.model_validate({"items": list(given)})


@pytest.mark.parametrize(("person", "allowed"), [("alice", True), ("carol", True), ("bob", False), ("root", False)])
def test_only_those_of_the_settings_put_local_workflows_into_a_plan(person: str, allowed: bool) -> None:
    world = world_for("alice", "@sre")
    if not allowed:
        with pytest.raises(errors.Invalid, match=f"{person} may not put workflows of the runner local into a plan"):
            world.create(draft(items=[TEXT, LOCAL]), person)
    world.create(draft(items=[TEXT, ELSEWHERE], manager=person), person)
    if allowed:
        world.do(c.Edit, person, patch=items(TEXT, LOCAL))
    else:
        assert refused(world, c.Edit, person, patch=items(TEXT, LOCAL)) == ["items[1].runner"]


def test_whoever_makes_a_revision_answers_for_all_that_is_in_it() -> None:
    world = world_for("alice")
    world.create(draft(items=[TEXT], collaborators=["alice"], manager="bob"), "bob")
    world.do(c.Edit, patch=items(LOCAL))
    assert refused(world, c.Edit, "bob", patch=PlanPatch(description="a word")) == ["items[0].runner"]
    world.do(c.Edit, "bob", patch=PlanPatch())
    world.do(c.Finish, "bob")
    assert world.plan.status is PlanStatus.FINISH_PLANNING


@pytest.mark.parametrize("command", [c.Finish, c.Submit])
def test_a_plan_is_judged_again_when_the_settings_have_changed(command: type[c.Command]) -> None:
    world = world_for("alice")
    world.create(draft(items=[LOCAL]))
    if command is c.Submit:
        world.do(c.Finish)
    world.policy = replace(world.policy, authors={"local": ("bob",)})
    assert refused(world, command) == ["items[0].runner"]


def test_what_zadigs_interface_writes_is_judged_alike() -> None:
    world = world_for("alice")
    world.create(draft(items=[TEXT], manager="bob"), "bob")
    assert refused(world, c.Edit, "bob", patch=items(LOCAL), as_in_zadig=True) == ["items[0].runner"]


@pytest.mark.parametrize(
    ("runner", "jobs", "needed"),
    [("local", [SCRIPT], True), ("local", [SQL], False), ("local", [], True), ("zadig", [SCRIPT], False)],
)
def test_scripts_that_nothing_confines_need_a_vote(runner: str, jobs: list[Any], needed: bool) -> None:
    workflow = {"name": "w", "stages": [{"name": "s", "jobs": jobs}]}
    plan = draft(items=[workflow_item("deploy", runner=runner, workflow=workflow)], manager="alice")
    assert ApprovalRules("none", unconfined=frozenset({"local"})).requires_vote(plan) is needed
    assert not ApprovalRules("none").requires_vote(plan)
