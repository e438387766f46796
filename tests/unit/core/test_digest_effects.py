"""Which events may change the digests of people."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core import commands as c
from core.consequences import effects_of
from core.context import Policy
from core.status import RunStatus
from tests.worlds import World, draft, stage, text_item, workflow_item


def world(policy: Policy | None = None) -> World:
    made = World(policy)
    made.create(draft(stage("bob", "carol"), items=[text_item("notes"), workflow_item("deploy"), text_item("mail")]))
    return made


def executing(policy: Policy | None = None) -> World:
    made = world(policy)
    for command, by in ((c.Submit, "alice"), (c.Approve, "bob"), (c.Approve, "carol")):
        made.do(command, by)
    return made


def changes_digests(made: World, act: Callable[[], object]) -> bool:
    """Return whether the digests have to be updated after somebody has acted."""
    before = made.plan
    act()
    effects = effects_of(before, made.plan, made.last.events, made.policy, made.ids, made.clock.now())
    return "digests" in {str(effect.destination) for effect in effects}


def test_nothing_waits_for_others_by_what_happens_before_the_execution() -> None:
    made = world()
    assert not changes_digests(made, lambda: made.do(c.Submit))
    assert not changes_digests(made, lambda: made.do(c.Approve, "bob"))
    assert changes_digests(made, lambda: made.do(c.Approve, "carol"))


@pytest.mark.parametrize("command", [c.Replan, c.Cancel])
def test_an_execution_that_ends_changes_digests(command: type[c.Command]) -> None:
    made = executing()
    assert changes_digests(made, lambda: made.do(command))


def test_every_step_of_an_execution_changes_digests() -> None:
    made = executing()
    assert changes_digests(made, lambda: made.on_item(c.Execute, "notes"))
    assert changes_digests(made, lambda: made.on_item(c.Execute, "deploy"))
    assert changes_digests(made, lambda: made.report("deploy", RunStatus.WAITING))
    assert changes_digests(made, lambda: made.on_item(c.Execute, "deploy", "bob")), "it goes on"
    assert changes_digests(made, lambda: made.report("deploy", RunStatus.FAILED))
    assert changes_digests(made, lambda: made.on_item(c.Skip, "mail", reason="late"))


def test_without_chats_there_are_no_digests() -> None:
    made = executing(Policy(runners={"local": lambda _: []}))
    assert not changes_digests(made, lambda: made.on_item(c.Execute, "notes"))
