"""A quick `replace` makes what that of `dataclasses` makes."""

from __future__ import annotations

import dataclasses
from dataclasses import FrozenInstanceError

import pytest

from core.plan import Plan, Window
from core.replacing import replace
from core.status import PlanStatus
from tests.worlds import START, World, draft, stage


@pytest.fixture
def plan() -> Plan:
    world = World()
    world.create(draft(stage("bob")))
    return world.plan


def test_the_copy_is_that_of_dataclasses_and_the_original_stays(plan: Plan) -> None:
    before = dataclasses.replace(plan)
    made = replace(plan, status=PlanStatus.CANCEL, revision=7)
    assert made == dataclasses.replace(plan, status=PlanStatus.CANCEL, revision=7)
    assert (made.status, made.revision, plan) == (PlanStatus.CANCEL, 7, before)


def test_an_object_with_slots_is_copied_too() -> None:
    assert replace(Window(), start=START) == Window(start=START)


def test_a_field_that_there_is_not_is_refused(plan: Plan) -> None:
    with pytest.raises(TypeError, match="Plan has no field colour"):
        replace(plan, colour="red")  # type: ignore[call-arg]


def test_a_plan_stays_frozen(plan: Plan) -> None:
    with pytest.raises(FrozenInstanceError):
        replace(plan, revision=2).revision = 3  # type: ignore[misc]
