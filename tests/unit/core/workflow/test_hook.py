"""The document's own example, and hostile variants of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.status import canonical_status
from core.workflow import (
    HookReleasePlan,
    JobType,
    ReleasePlanHook,
    TextHookJob,
    WorkflowHookJob,
)
from tests.fixtures import HOOK_EXAMPLE, hook_example, missing


def added_keys(part: Any, whole: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from whole.keys() - part.keys()
        for key, member in part.items():
            yield from added_keys(member, whole[key])
    elif isinstance(part, list):
        for member, other in zip(part, whole, strict=True):
            yield from added_keys(member, other)


def test_the_example_is_written_back_without_loss() -> None:
    written = ReleasePlanHook.model_validate_json(HOOK_EXAMPLE.read_bytes()).dump()

    assert list(missing(hook_example(), written)) == []
    assert set(added_keys(hook_example(), written)) == {"instance_code", "manager", "manager_id", "prs", "env_source"}


def test_reading_what_was_written_changes_nothing() -> None:
    once = ReleasePlanHook.model_validate_json(HOOK_EXAMPLE.read_bytes())
    again = ReleasePlanHook.model_validate_json(once.dump_json())

    assert again == once
    assert again.dump() == once.dump() == json.loads(once.dump_json())


def test_the_example_reaches_every_typed_job() -> None:
    plan = ReleasePlanHook.model_validate_json(HOOK_EXAMPLE.read_bytes()).release_plan
    items = [item for item in plan.jobs if isinstance(item, WorkflowHookJob)]
    jobs = [job for item in items for stage in item.spec.workflow.stages for job in stage.jobs]

    assert {job.type for job in jobs} == set(JobType)
    assert all(job.known for job in jobs)
    assert isinstance(plan.jobs[-1], TextHookJob)


def test_keys_are_written_in_the_order_of_zadig() -> None:
    body = ReleasePlanHook(release_plan=HookReleasePlan(id="1", jobs=(WorkflowHookJob(),))).dump()

    assert list(body) == ["object_kind", "event", "workflow", "release_plan"]
    assert " ".join(body["release_plan"]) == (
        "id index event_name name manager manager_id start_time end_time schedule_execute_time description created_by "
        "create_time updated_by update_time instance_code jobs status planning_time approval_time executing_time "
        "success_time"
    )
    (job,) = body["release_plan"]["jobs"]
    assert " ".join(job) == "id name manager manager_id type spec status executed_by executed_time"
    assert " ".join(job["spec"]) == "workflow status task_id"
    assert " ".join(job["spec"]["workflow"]) == (
        "name display_name disabled params stages project description created_by create_time updated_by update_time "
        "remark enable_approval_ticket approval_ticket_id"
    )


def test_a_body_without_its_envelope_is_read() -> None:
    hook = ReleasePlanHook.model_validate_json(json.dumps(hook_example()["release_plan"]))

    assert hook.event == hook.event_name == "all_job_done"
    assert hook.release_plan == ReleasePlanHook.model_validate(hook_example()).release_plan


@pytest.mark.parametrize("event", ["release_plan", "all_job_done"])
def test_both_spellings_of_the_event_name_the_same(event: str) -> None:
    assert ReleasePlanHook.model_validate(hook_example() | {"event": event}).event_name == "all_job_done"


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("finished_planning", "finish_planning"),
        ("wait_for_success_external_check", "wait_for_all_done_external_check"),
        ("wait_for_success_external_check_failed", "wait_for_all_done_external_check_failed"),
        ("executing", "executing"),
    ],
)
def test_both_spellings_of_a_status_mean_the_same(spelled: str, meant: str) -> None:
    assert canonical_status(spelled) == meant


@pytest.mark.parametrize(("value", "number"), [(52, 52), ("52", 52), ("", 0), (None, 0)])
def test_numbers_may_be_text_as_in_the_table(value: object, number: int) -> None:
    plan = HookReleasePlan.model_validate(
        {"id": "1", "index": value, "jobs": [{"type": "text", "executed_time": value}]}
    )

    assert plan.index == plan.jobs[0].executed_time == number


@pytest.mark.parametrize("key", ["ID", "Name", "EVENT_NAME"])
def test_keys_are_case_sensitive(key: str) -> None:
    plan = HookReleasePlan.model_validate({"id": "1", key: "x"})

    assert (plan.id, plan.name, plan.event_name) == ("1", "", "")
    assert plan.dump()[key] == "x"


def test_values_are_not_told_in_errors() -> None:
    with pytest.raises(ValidationError) as error:
        ReleasePlanHook.model_validate({"release_plan": {"id": ["hunter2"]}})

    assert "hunter2" not in str(error.value)


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


hostile = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, 10**400, float("nan"), float("-inf"), "\ud800", "\0", "\x1b[2J\r\n\u202e", "9" * 5000]),
    st.sampled_from([b"x", object(), {1: 2}, {"\ud800": 1}, {"\0": 1}, {"type": []}, {"type": {}}, {"type": "sql"}]),
    st.sampled_from([nested(90), nested(250), nested(400), {"a": nested(120)}, "x" * 1_000_000]),
    st.text(max_size=8),
    st.lists(st.none() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=3), max_size=3),
)


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container of a JSON tree with each of its keys, and once with a new key."""
    if isinstance(tree, dict):
        yield tree, "unknown"
    for key, member in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        if isinstance(member, dict | list):
            yield from places(member)


PLACES = sum(1 for _ in places(hook_example()))


@given(changes=st.lists(st.tuples(st.integers(0, PLACES - 1), hostile), min_size=1, max_size=3))
def test_hostile_values_are_refused_or_can_be_written_and_read_again(changes: list[tuple[int, Any]]) -> None:
    body = hook_example()
    chosen = list(places(body))
    for place, value in changes:
        container, key = chosen[place]
        container[key] = value

    try:
        hook = ReleasePlanHook.model_validate(body)
    except ValidationError:
        return
    assert ReleasePlanHook.model_validate_json(hook.dump_json()) == hook


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_refused_as_invalid(body: bytes) -> None:
    with pytest.raises(ValidationError):
        ReleasePlanHook.model_validate_json(body)


@pytest.mark.parametrize("body", ["[" * 100_000, '{"release_plan":' * 5000, "null", "NaN", '{"event_name":1}', "{}"])
def test_hostile_json_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        ReleasePlanHook.model_validate_json(body)
