"""Drafts with mistakes: all are found in one go, each with its path."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import commands as c
from core.context import Policy
from core.draft import PlanPatch
from core.errors import Invalid, Problem
from core.people import Person
from core.plan import Channel, Window
from core.timers import TimerKind, timers_of
from tests.worlds import PEOPLE, START, World, draft, stage, text_item, workflow, workflow_item


def paths(error: Invalid) -> list[str]:
    return [problem.path for problem in error.problems]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"manager": "nobody"}, "manager"),
        ({"manager": "gone"}, "manager"),
        ({"collaborators": ["bob", "nobody"]}, "collaborators[1]"),
        ({"window": {"start": START + timedelta(2), "end": START + timedelta(1)}}, "window.end"),
        ({"window": {"start": START - timedelta(1)}}, "window.start"),
        ({"window": {"end": START - timedelta(1)}}, "window.end"),
        ({"schedule_at": START - timedelta(1)}, "schedule_at"),
        ({"schedule_at": START + timedelta(2), "window": {"end": START + timedelta(1)}}, "schedule_at"),
        ({"approval": {"stages": [stage("bob", "nobody")]}}, "approval.stages[0].approvers[1]"),
        ({"approval": {"stages": [stage("@nogroup")]}}, "approval.stages[0].approvers[0]"),
        ({"approval": {"stages": [stage("@empty")]}}, "approval.stages[0].approvers"),
        ({"approval": {"stages": [stage()]}}, "approval.stages[0].approvers"),
        ({"approval": {"stages": [stage("alice")]}}, "approval.stages[0].approvers"),
        ({"approval": {"stages": [stage("bob", "carol", rule=3)]}}, "approval.stages[0].approvers"),
        ({"items": [text_item("a"), text_item("a")]}, "items[1].key"),
        ({"items": [text_item("a", needs=["b"])]}, "items[0].needs[0]"),
        ({"items": [text_item("a", assignee="nobody")]}, "items[0].assignee"),
        ({"items": [text_item("a", needs=["b"]), text_item("b", needs=["a"])]}, "items[0].needs"),
        ({"items": [text_item("a", needs=["a"])]}, "items[0].needs"),
    ],
)
def test_a_mistake_is_found_when_the_plan_is_created(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        World().create(draft(**fields))
    assert path in paths(caught.value)


NO_MENTION = "a mention names nobody here; write the id of a person, or @group for approvers"
NOBODY = "nobody is called {}; use the id of an active person, or @group for approvers"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("<@U1>", NO_MENTION),
        ("<@U1|bob>", NO_MENTION),
        ("<!subteam^S1|@sre>", NO_MENTION),
        ("<at id=ou_1></at>", NO_MENTION),
        ("@bob", "@ is for groups; write bob without it"),
        ("@Bob Miller", NOBODY.format("@Bob Miller")),
        ("＠bob", NOBODY.format("＠bob")),
        ("@所有人", NOBODY.format("@所有人")),
    ],
)
def test_a_mention_in_a_field_is_refused_with_what_to_write(written: str, told: str) -> None:
    fields: dict[str, Any] = {
        "manager": written,
        "collaborators": [written],
        "approval": {"stages": [stage("carol", written)]},
        "items": [text_item("a", assignee=written)],
    }
    with pytest.raises(Invalid) as caught:
        World().create(draft(**fields))
    found = {problem.path: problem.message.format(**problem.params) for problem in caught.value.problems}
    places = ("manager", "collaborators[0]", "approval.stages[0].approvers[1]", "items[0].assignee")
    assert found == dict.fromkeys(places, told)


def test_all_mistakes_are_told_at_once() -> None:
    mistakes: dict[str, Any] = {
        "manager": "nobody",
        "window": {"start": START - timedelta(1), "end": START - timedelta(2)},
        "approval": {"stages": [stage("nobody"), stage()]},
        "items": [
            text_item("a", needs=["zz"]),
            text_item("a", assignee="gone"),
            text_item("b", needs=["c"]),
            text_item("c", needs=["b"]),
        ],
    }
    with pytest.raises(Invalid) as caught:
        World().create(draft(**mistakes))
    assert sorted(set(paths(caught.value))) == [
        "approval.stages[0].approvers[0]",
        "approval.stages[1].approvers",
        "items[0].needs[0]",
        "items[1].assignee",
        "items[1].key",
        "items[2].needs",
        "manager",
        "window.end",
        "window.start",
    ]


def test_finishing_asks_for_items_known_runners_and_what_they_can_run() -> None:
    def refuses(_: object) -> list[Problem]:
        return [Problem("stages[0].jobs[0].type", "the local runner cannot build; use zadig")]

    world = World(Policy(runners={"local": refuses}))
    world.create(draft(items=[]))
    with pytest.raises(Invalid) as caught:
        world.do(c.Finish)
    assert paths(caught.value) == ["items"]
    world.create(draft(items=[workflow_item("a"), workflow_item("b", runner="jenkins", workflow=workflow())]))
    with pytest.raises(Invalid) as caught:
        world.do(c.Finish)
    assert paths(caught.value) == ["items[0].workflow.stages[0].jobs[0].type", "items[1].runner"]


def test_a_channel_that_was_disabled_since_the_finish_is_found_at_submit() -> None:
    world = World(Policy(channels=frozenset({Channel.NATIVE, Channel.SLACK})))
    world.directory = replace(PEOPLE, people={**PEOPLE.people, "bob": Person("bob", "Bob", email="bob@example.com")})
    world.create(draft({**stage("bob"), "channel": "slack"}, items=[text_item("a")]))
    assert world.do(c.Finish) == ["finished"]
    world.policy = Policy()
    with pytest.raises(Invalid) as caught:
        world.do(c.Submit)
    assert paths(caught.value) == ["approval.stages[0].channel"]
    world.policy = Policy(channels=frozenset({Channel.SLACK}))
    assert world.do(c.Submit) == ["submitted"]


def test_a_time_that_passed_while_planning_is_found_at_finish() -> None:
    world = World()
    world.create(draft(window={"start": START + timedelta(hours=1), "end": START + timedelta(hours=2)}))
    world.wait(minutes=90)
    assert world.do(c.Finish) == ["finished"], "the window is open"
    world.create(draft(window={"end": world.clock.now() + timedelta(hours=2)}))
    world.wait(hours=3)
    with pytest.raises(Invalid) as caught:
        world.do(c.Finish)
    assert paths(caught.value) == ["window.end"]


PASSED = "the scheduled time has passed; choose a later one, or null to start items by hand"


@pytest.mark.parametrize(("minutes", "told"), [(1, []), (10, []), (11, [("schedule_at", PASSED)])])
def test_a_schedule_some_minutes_ago_is_now(minutes: int, told: list[tuple[str, str]]) -> None:
    world, ago = World(), START - timedelta(minutes=minutes)
    try:
        world.create(draft(items=[workflow_item("a")], schedule_at=ago))
        found = []
    except Invalid as error:
        found = [(problem.path, problem.message) for problem in error.problems]
    else:
        world.do(c.Submit)
        assert timers_of(world.plan)[TimerKind.SCHEDULE] == ago
    assert found == told


@pytest.mark.parametrize("cure", [None, timedelta(hours=5), timedelta(hours=3)])
def test_a_schedule_that_passed_is_told_at_finish_and_cured_by_an_edit(cure: timedelta | None) -> None:
    world = World()
    world.create(draft(items=[workflow_item("a")], schedule_at=START + timedelta(hours=1)))
    world.wait(minutes=70)
    assert world.do(c.Finish) == ["finished"], "some minutes ago is now"
    world.do(c.Replan)
    world.wait(minutes=110)
    world.do(c.Edit, patch=PlanPatch.model_validate({"name": "The past schedule is left alone"}))
    for command in (c.Finish, c.Submit):
        with pytest.raises(Invalid) as caught:
            world.do(command)
        assert [(problem.path, problem.message) for problem in caught.value.problems] == [("schedule_at", PASSED)]
    world.do(c.Edit, patch=PlanPatch.model_validate({"schedule_at": cure and START + cure}))
    assert world.do(c.Finish) == ["finished"]


def problems_after(hours: int, **window: Any) -> list[str]:
    """Return the problems of an edit of a window from the first to the third hour, some hours after its plan began."""
    world = World()
    start, end = START + timedelta(hours=1), START + timedelta(hours=3)
    world.create(draft(window={"start": start, "end": end}))
    world.wait(hours=hours)
    hour = {name: time if time is None else START + timedelta(hours=time) for name, time in window.items()}
    try:
        world.do(c.Edit, patch=PlanPatch.model_validate({"window": hour}))
    except Invalid as error:
        return paths(error)
    assert world.plan.window == Window(hour.get("start", start), hour.get("end", end))
    assert world.do(c.Finish) == ["finished"]
    return []


@pytest.mark.parametrize("hours", [0, 2, 5, 99])
def test_a_window_is_extended_by_its_end_alone(hours: int) -> None:
    assert problems_after(hours, end=hours + 4) == problems_after(hours, start=1, end=hours + 4) == []


def test_only_times_that_are_new_must_not_have_passed() -> None:
    assert problems_after(2, start=0) == ["window.start"]
    assert problems_after(2, start=None) == []
    assert problems_after(5, end=4) == ["window.end"]
    assert problems_after(5, start=2, end=9) == ["window.start"]
    assert problems_after(2, start=2.5) == []


@pytest.mark.parametrize(("minutes", "wrong"), [(1, []), (10, []), (11, ["window.start"])])
def test_a_window_may_start_some_minutes_ago(minutes: int, wrong: list[str]) -> None:
    window = {"start": START - timedelta(minutes=minutes), "end": START + timedelta(hours=1)}
    try:
        plan = World().create(draft(window=window))
        found = []
    except Invalid as error:
        found = paths(error)
    else:
        assert plan.window.contains(START)
    assert found == wrong


def test_a_masked_credential_keeps_its_value_only_in_its_place() -> None:
    secret = {"name": "token", "value": "s3cret", "is_credential": True}
    item = workflow_item("a")
    item["workflow"] = {**item["workflow"], "params": [secret]}
    world = World()
    world.create(draft(items=[item]))
    item["workflow"]["params"] = [{**secret, "value": "********"}]
    world.do(c.Edit, patch=PlanPatch.model_validate({"name": "again", "items": [item]}))
    spec = world.item("a").spec
    assert spec is not None
    assert spec["params"][0]["value"] == "s3cret"
    item["workflow"]["params"] = [{**secret, "name": "other", "value": "********"}]
    world.do(c.Edit, patch=PlanPatch.model_validate({"items": [item]}))
    with pytest.raises(Invalid) as caught:
        world.do(c.Finish)
    assert paths(caught.value) == ["items[0].workflow/params/0/value"]
