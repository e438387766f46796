"""What would come of submitting a plan is what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import commands as c
from core.decide.planning import draft_after, draft_of
from core.draft import PlanDraft, PlanPatch
from core.errors import Invalid, Problem
from core.plan import Stage
from core.policies import NO_RULES, ApprovalPolicy, ApprovalRules, Condition
from core.preview import Preview, preview_change, preview_new
from tests.worlds import START, World, draft, stage, text_item, with_rules, workflow_item

RULES = ApprovalRules(
    policies=(
        ApprovalPolicy("local", "runs scripts", Condition(runners=("local",)), (Stage("SRE", ("@sre",)),)),
        ApprovalPolicy("labelled", when=Condition(labels=("risky",)), max_window=timedelta(hours=1)),
        ApprovalPolicy("zadig", when=Condition(runners=("zadig",)), executors=("bob",)),
    )
)


def seen_by(who: str, plan: PlanDraft) -> Preview:
    world = World(with_rules(RULES))
    return preview_new(plan, world.context(world.directory.actor(who, "api")))


def on_plan(world: World, who: str = "erin", **changes: Any) -> Preview:
    plan, patch = world.plan, PlanPatch.model_validate(changes)
    actor = world.directory.actor(who, "api")
    return preview_change(draft_after(patch, plan), draft_of(plan), plan, world.context(actor))


def fits(found: Preview) -> dict[str, tuple[str, ...]]:
    return {each.policy.name: each.items for each in found.policies}


def paths(problems: tuple[Problem, ...]) -> list[str]:
    return [problem.path for problem in problems]


DRAFTS = [
    draft(),
    draft(stage("bob")),
    draft(stage("alice")),
    draft(labels=["risky"]),
    draft(items=[]),
    draft(items=[text_item("notes", needs=["nothing"])]),
    draft(items=[workflow_item("deploy", runner="unknown")]),
    draft(window={"start": START, "end": START - timedelta(hours=1)}),
]


@pytest.mark.parametrize("plan", DRAFTS)
def test_a_draft_has_the_problems_with_which_it_is_refused(plan: PlanDraft) -> None:
    world = World(with_rules(RULES))
    refused: tuple[Problem, ...] = ()
    try:
        world.create(plan)
        world.do(c.Submit)
    except Invalid as error:
        refused = error.problems
    foreseen = seen_by("alice", plan).problems
    assert set(paths(refused)) <= set(paths(foreseen))
    assert bool(refused) is bool(foreseen)


def test_the_policies_that_fit_say_because_of_which_items() -> None:
    items = [text_item("notes", labels=["risky"]), workflow_item("a"), workflow_item("b")]
    assert fits(seen_by("alice", draft(items=items))) == {"local": ("a", "b"), "labelled": ("notes",)}


def test_whoever_would_write_the_plan_does_not_count() -> None:
    plan = draft(manager="", items=[workflow_item("deploy")])
    assert seen_by("alice", plan).problems == ()
    assert paths(seen_by("carol", plan).problems) == []
    alone = replace(RULES, policies=(ApprovalPolicy("one", stages=(Stage("Carol", ("carol",)),)),))
    world = World(with_rules(alone))
    found = preview_new(plan, world.context(world.directory.actor("carol", "api")))
    assert paths(found.problems) == ["approval.policies[one].approvers"]


def test_a_plan_is_foreseen_with_a_change_and_stays_as_it_is() -> None:
    world = World(with_rules(RULES))
    before = world.create(draft(items=[text_item("notes")]))
    assert on_plan(world) == Preview((), ())
    assert fits(on_plan(world, labels=["risky"])) == {"labelled": ("notes",)}
    assert paths(on_plan(world, labels=["risky"]).problems) == ["window"]
    assert world.plan is before


def test_a_reader_who_would_change_nothing_still_counts_as_an_approver() -> None:
    world = World(with_rules(RULES))
    world.create(draft(stage("bob")))
    assert on_plan(world, "bob").problems == ()
    assert paths(on_plan(world, "bob", description="mine").problems) == ["approval.stages[0].approvers"]


def test_no_policy_fits_the_plan_of_a_gate() -> None:
    world = World(with_rules(RULES))
    world.create(draft(stage("bob"), labels=["risky"]))
    world.plan = replace(world.plan, created_by="gate:zadig")
    assert on_plan(world) == Preview((), ())


def test_a_plan_that_was_finished_before_there_were_policies_comes_under_them_by_a_change() -> None:
    world = World(with_rules(NO_RULES))
    world.create(draft(items=[text_item("notes", labels=["risky"])]))
    world.do(c.Finish)
    world.plan = replace(world.plan, controls=None)
    world.policy = with_rules(RULES)
    assert on_plan(world) == Preview((), ())
    assert fits(on_plan(world, description="new")) == {"labelled": ("notes",)}


def test_who_may_not_write_a_runners_workflows_is_told_so_but_not_who_only_reads() -> None:
    world = World(replace(with_rules(NO_RULES), authors={"local": ("alice",)}))
    world.create(draft(items=[workflow_item("deploy")]))
    assert on_plan(world, "erin") == Preview((), ())
    assert paths(on_plan(world, "erin", description="mine").problems) == ["items[0].runner"]
    found = preview_new(draft(items=[workflow_item("deploy")]), world.context(world.directory.actor("erin", "api")))
    assert paths(found.problems) == ["items[0].runner"]
