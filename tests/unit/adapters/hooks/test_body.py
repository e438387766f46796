"""The body of a hook, made from plans in every state."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.hooks.body import render_body
from core.effects import Hook
from core.encoding import encode_json
from core.people import Directory, Person
from core.plan import Content, Item, Plan, Run, StoredSpec, Window
from core.status import HookEvent, ItemStatus, PlanStatus, RunStatus
from core.workflow import JobType, ReleasePlanHook, Workflow
from tests.fixtures import hook_example
from tests.simulators import receiver_body

NOW = datetime(2026, 3, 2, 9, 0, 0, 987_654, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
PEOPLE = Directory({"alice": Person("alice", "爱丽丝"), "bob": Person("bob", "Bob")})
HOOK = Hook(HookEvent.START_EXECUTE, PlanStatus.EXECUTING, "c0de")


def item(position: int, **fields: Any) -> Item:
    kind = {"type": "text", "spec": {"content": "<p>x</p>"}} | fields
    return Item(id=f"i{position}", key=f"k{position}", position=position, name=f"Item {position}", **kind)


def workflow_item(position: int, workflow: dict[str, Any], **fields: Any) -> Item:
    return item(position, type="workflow", spec=Workflow.model_validate(workflow).dump(), **fields)


def plan_of(*items: Item, **fields: Any) -> Plan:
    plan = Plan(
        id="p1", number=52, name="发布", status=PlanStatus.EXECUTING, manager="alice", created_by="bob", created_at=NOW,
        updated_by="system", updated_at=NOW, instance_code="now", items={i.id: i for i in items}, content=Content(),
    )  # fmt: skip
    return replace(plan, **fields)


def told(plan: Plan, *, document_aliases: bool = False) -> dict[str, Any]:
    raw = render_body(plan, HOOK, PEOPLE, document_aliases=document_aliases)
    assert document_aliases or ReleasePlanHook.model_validate_json(raw).dump_json() == raw
    body = json.loads(raw)
    assert receiver_body.problems(body) == []
    assert body["release_plan"]["event_name"] == body["event"] == "start_execute"
    release_plan: dict[str, Any] = body["release_plan"]
    return release_plan


def test_people_are_told_by_name_and_times_in_whole_seconds() -> None:
    body = told(plan_of(window=Window(NOW, NOW + timedelta(hours=1)), planning_at=NOW))
    assert (body["manager"], body["manager_id"], body["created_by"], body["updated_by"]) == (
        "爱丽丝",
        "alice",
        "Bob",
        "系统",
    )
    assert (body["start_time"], body["end_time"], body["planning_time"]) == (SECONDS, SECONDS + 3600, SECONDS)
    assert (body["schedule_execute_time"], body["approval_time"], body["success_time"]) == (0, 0, 0)
    assert (body["id"], body["index"], body["name"]) == ("p1", 52, "发布")


def test_status_and_code_are_those_of_the_moment() -> None:
    body = told(plan_of(status=PlanStatus.CANCEL))
    assert (body["status"], body["instance_code"]) == ("executing", "c0de")


def test_items_come_in_their_order_with_what_was_done() -> None:
    done = item(1, status=ItemStatus.DONE, assignee="bob", executed_by="alice", executed_at=NOW, remark="<p>ok</p>")
    first, second = told(plan_of(item(2, executed_by="system"), done))["jobs"]
    assert first == {
        "id": "i1", "name": "Item 1", "manager": "Bob", "manager_id": "bob", "type": "text",
        "spec": {"content": "<p>x</p>", "remark": "<p>ok</p>"}, "status": "done", "executed_by": "爱丽丝",
        "executed_time": SECONDS,
    }  # fmt: skip
    assert (second["status"], second["manager"], second["executed_by"], second["executed_time"]) == (
        "todo",
        "",
        "系统",
        0,
    )


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (None, ("", 0)),
        (Run("r", 1, RunStatus.STARTING), ("created", 0)),
        (Run("r", 1, RunStatus.RUNNING, "43"), ("running", 43)),
        (Run("r", 1, RunStatus.PASSED, "deploy/43"), ("passed", 43)),
        (Run("r", 1, RunStatus.FAILED, "build-²"), ("failed", 0)),
        (Run("r", 1, RunStatus.TIMEOUT, "٣"), ("timeout", 0)),
        (Run("r", 1, RunStatus.CANCELLED, "9" * 30), ("cancelled", 0)),
        (Run("r", 1, RunStatus.UNKNOWN), ("failed", 0)),
    ],
)
def test_a_workflow_is_told_with_the_state_of_its_run(run: Run | None, expected: tuple[str, int]) -> None:
    workflow = {
        "name": "w",
        "stages": [{"name": "empty"}, {"name": "s", "jobs": [{"name": "j", "type": "sql", "spec": {}}]}],
    }
    (job,) = told(plan_of(workflow_item(1, workflow, run=run)))["jobs"]
    assert (job["spec"]["status"], job["spec"]["task_id"]) == expected
    assert [stage["name"] for stage in job["spec"]["workflow"]["stages"]] == ["s"], "Zadig drops empty stages"


def test_every_job_type_is_told_even_when_nothing_is_filled_in() -> None:
    jobs = [{"name": kind, "type": kind, "spec": {}} for kind in (*JobType, "tapd")]
    (job,) = told(plan_of(workflow_item(1, {"name": "w", "stages": [{"name": "s", "jobs": jobs}]})))["jobs"]
    (stage,) = job["spec"]["workflow"]["stages"]
    assert [inner["type"] for inner in stage["jobs"]] == [*JobType, "tapd"]


@pytest.mark.parametrize(
    "stages", [[], [{"name": "empty"}], [{"name": '"jobs":[]', "jobs": [{"name": "j", "type": "sql"}]}]]
)
def test_a_stored_workflow_is_told_as_any_other(stages: list[dict[str, Any]]) -> None:
    plain = plan_of(workflow_item(1, {"name": "发布", "stages": stages}))
    spec = StoredSpec(encode_json(plain.items["i1"].spec))
    stored = replace(plain, items={"i1": replace(plain.items["i1"], spec=spec)})
    for document_aliases in (False, True):
        assert told(stored, document_aliases=document_aliases) == told(plain, document_aliases=document_aliases)


@pytest.mark.parametrize("event", HookEvent)
def test_our_own_fields_come_after_those_of_zadig(event: HookEvent) -> None:
    sprint = {"sprint_id": 7}
    plan = plan_of(revision=3, log_seq=9, log_head="ab", content=Content("<p>why</p>", (sprint,)))
    hook = Hook(event, PlanStatus(min(receiver_body.STATUSES[event])), "c")
    body = json.loads(render_body(plan, hook, PEOPLE))["release_plan"]
    assert list(body)[-4:] == ["success_time", "revision", "jira_sprints", "audit"]
    assert (body["revision"], body["jira_sprints"], body["audit"]) == (3, [sprint], {"seq": 9, "hash": "ab"})
    assert body["description"] == "<p>why</p>"


def test_the_documents_names_are_added_if_wanted() -> None:
    jobs = [{"name": "a", "type": "apollo", "spec": {"apolloID": "1"}}]
    plan = plan_of(workflow_item(1, {"name": "w", "stages": [{"name": "s", "jobs": jobs}]}))

    def spec(*, document_aliases: bool) -> dict[str, Any]:
        found: dict[str, Any] = told(plan, document_aliases=document_aliases)["jobs"][0]["spec"]["workflow"]["stages"][
            0
        ]["jobs"][0]["spec"]
        return found

    assert "apollo_id" not in spec(document_aliases=False)
    both = spec(document_aliases=True)
    assert both["apollo_id"] == both["apolloID"] == "1"


def test_the_example_of_the_document_is_a_plan_like_any_other() -> None:
    example = hook_example()["release_plan"]
    items = [
        workflow_item(n, job["spec"]["workflow"]) if job["type"] == "workflow" else item(n)
        for n, job in enumerate(example["jobs"], 1)
    ]
    assert [job["type"] for job in told(plan_of(*items))["jobs"]] == [job["type"] for job in example["jobs"]]
