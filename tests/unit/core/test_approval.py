"""Who may vote, in whose name, who has still to vote, and when a stage is complete."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core import commands as c
from core.approval import (
    eligible,
    eligible_in_any,
    excluded_voters,
    is_complete,
    pending_voters,
    represented_by,
    votes_needed,
)
from core.people import Directory
from core.plan import Plan, Stage
from core.policies import ApprovalRules
from tests.worlds import PEOPLE, World, draft, stage, with_rules


def submitted(*stages: dict[str, Any], self_approval: bool = False) -> World:
    world = World(with_rules(ApprovalRules(required="none", self_approval=True)))
    world.create(draft(approval={"stages": stages, "allow_self_approval": self_approval}))
    world.do(c.Submit)
    return world


def of_current(plan: Plan) -> frozenset[str]:
    assert plan.approval.stage
    return eligible(plan.approval.stage, excluded_voters(plan), PEOPLE)


def test_the_manager_and_who_has_left_are_not_eligible() -> None:
    plan = submitted(stage("alice", "bob", "@empty", "@sre", "carol")).plan
    assert of_current(plan) == {"bob", "carol", "dave"}
    assert of_current(submitted(stage("alice", "bob"), self_approval=True).plan) == {"alice", "bob"}


def test_people_of_every_stage_are_eligible_in_some_stage() -> None:
    plan = submitted(stage("bob"), stage("@sre")).plan
    assert of_current(plan) == {"bob"}
    assert eligible_in_any(plan, PEOPLE) == {"bob", "carol", "dave"}


def test_a_delegate_votes_for_others_after_themselves() -> None:
    world = submitted(stage("bob", "carol", "dave"))
    world.do(c.Delegate, "carol", to="bob")
    assert represented_by(world.plan, "bob", PEOPLE) == ["bob", "carol"]
    assert represented_by(world.plan, "carol", PEOPLE) == ["carol"]
    assert represented_by(world.plan, "erin", PEOPLE) == []
    assert pending_voters(world.plan, PEOPLE) == {"bob", "carol", "dave"}
    world.do(c.Approve, "bob")
    assert pending_voters(world.plan, PEOPLE) == {"bob", "carol", "dave"}, "bob still votes for carol"
    world.do(c.Approve, "bob")
    assert pending_voters(world.plan, PEOPLE) == {"dave"}


def test_nobody_votes_on_a_plan_that_waits_for_no_vote() -> None:
    world = World()
    world.create(draft(stage("bob")))
    assert represented_by(world.plan, "bob", PEOPLE) == []
    assert pending_voters(world.plan, PEOPLE) == set()


@pytest.mark.parametrize(("rule", "needed"), [("all", 3), ("any", 1), (2, 2)])
def test_the_rule_says_how_many_votes_are_needed(rule: Any, needed: int) -> None:
    assert votes_needed(Stage("QA", ("bob", "carol", "dave"), rule), 3) == needed


def test_who_has_left_is_not_waited_for() -> None:
    world = submitted(stage("bob", "carol"))
    world.do(c.Approve, "bob")
    assert not is_complete(world.plan, PEOPLE)
    without_carol = {**PEOPLE.people, "carol": replace(PEOPLE.people["carol"], active=False)}
    assert is_complete(world.plan, Directory(without_carol, PEOPLE.groups))
