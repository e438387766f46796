"""What the local runner accepts, and how it names what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.local.jobs import KINDS, find_problems, make_steps
from adapters.local.jobs.freestyle import ScriptStep
from adapters.local.jobs.sql import SqlStep
from core.workflow import JobType, Workflow
from tests.unit.adapters.local.conftest import script, shop_at, sql, workflow

SETTINGS = shop_at("sqlite:///shop.db")


def found(workflow: Workflow) -> list[tuple[str, str]]:
    return [(problem.path, problem.message.format(**problem.params)) for problem in find_problems(workflow, SETTINGS)]


def test_a_good_workflow_has_no_problems() -> None:
    envs = [{"key": "A", "value": "1"}]
    by_itself = sql("SELECT 2", timeout="10m", transaction=False)
    good = workflow(
        script("true", envs=envs, timeout="30m1h"), sql("SELECT 1"), by_itself, params=[{"name": "B", "value": "2"}]
    )
    assert find_problems(good, SETTINGS) == []
    assert make_steps(good, {}) == [
        ScriptStep("stage/job", "true", {"A": "1", "B": "2"}, 5400),
        SqlStep("stage/sql", "shop", "SELECT 1", 3600),
        SqlStep("stage/sql", "shop", "SELECT 2", 600, transaction=False),
    ]


@pytest.mark.parametrize(
    "name", ["PATH", "BASH_ENV", "ENV", "LD_PRELOAD", "IFS", "PS4", "SHELLOPTS", "PYTHONPATH", "UID", "FABU_ACTOR"]
)
def test_no_variable_changes_how_scripts_run(name: str) -> None:
    named = workflow(script("true", envs=[{"key": name, "value": "x"}]), params=[{"name": name, "value": "x"}])
    message = f"{name} changes how scripts run, or is set by Fabu itself; choose another name"
    assert found(named) == [("params[0]", message), ("stages[0].jobs[0].spec.envs[0]", message)]


@pytest.mark.parametrize("kind", [*sorted(set(JobType) - set(KINDS)), "tapd"])
def test_other_job_types_name_the_runner_to_use(kind: str) -> None:
    assert found(workflow({"name": "x", "type": kind, "spec": None})) == [
        ("stages[0].jobs[0].type", f"the local runner does not run {kind} jobs; use the runner zadig")
    ]


def test_a_job_that_is_left_out_is_not_judged() -> None:
    other = {"name": "x", "type": "nacos", "spec": None, "run_policy": "skip"}
    assert found(workflow(script("true"), other)) == []
    assert found(workflow(other)) == [("stages", "no job would run; add one, or clear the run_policy of one")]


@pytest.mark.parametrize("timeout", ["soon", "0s", "-1m", "8d", "10", "9" * 40 + "d", "PT1H"])
def test_a_bad_time_limit(timeout: str) -> None:
    assert found(workflow(script("true", timeout=timeout))) == [
        ("stages[0].jobs[0].spec.timeout", "write a duration of up to 7 days, such as 90s, 10m or 1h30m")
    ]


@pytest.mark.parametrize(
    ("job", "path"),
    [
        (script(" \n"), "spec.script"),
        (sql(" "), "spec.sql"),
        (sql("SELECT 1", "other"), "spec.id"),
        (script("true", envs=[{"key": "A"}, {"key": "a-b"}]), "spec.envs[1]"),
        (script("true", envs=[{"key": "A=B"}]), "spec.envs[0]"),
        (
            {"type": "freestyle", "spec": {"script": "true", "freestyle_type": "service_freestyle"}},
            "spec.freestyle_type",
        ),
    ],
)
def test_each_problem_has_its_path(job: dict[str, Any], path: str) -> None:
    assert [place for place, _ in found(workflow(script("true"), job))] == [f"stages[0].jobs[1].{path}"]


def test_repositories_and_services_are_refused_for_nothing_checks_them_out() -> None:
    message = "the local runner checks out no repositories; let the script do it, and leave this out"
    spec = {
        "script": "true",
        "repos": [{"repo_name": "shop"}],
        "ref_repos": True,
        "services": [{"service_name": "shop"}],
    }
    assert found(workflow({"type": "freestyle", "spec": spec}, params=[{"name": "SOURCE", "type": "repo"}])) == [
        ("params[0]", message),
        ("stages[0].jobs[0].spec.services", "the local runner runs a script once, not for services; leave this empty"),
        ("stages[0].jobs[0].spec.repos", message),
        ("stages[0].jobs[0].spec.ref_repos", message),
    ]


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"value": "a", "default": "b"}, "a"),
        ({"default": "b"}, "b"),
        ({"value": "", "default": "b"}, ""),
        ({"value": "", "choice_value": ["a", "b"], "default": "c"}, "a,b"),
        ({}, ""),
    ],
)
def test_a_parameter_has_the_value_that_was_written_chosen_or_else_its_default(
    fields: dict[str, Any], value: str
) -> None:
    stored = workflow(script("true"), params=[{"name": "P", **fields}]).dump_given()
    (step,) = make_steps(Workflow.model_validate(stored), {})
    assert isinstance(step, ScriptStep)
    assert step.variables == {"P": value}


def test_all_problems_are_found_at_once() -> None:
    bad = workflow(
        script("", timeout="x"), sql("", "other", timeout="x"), params=[{"name": "1st"}, {"name": "", "type": "repo"}]
    )
    assert [path for path, _ in found(bad)] == [
        "params[0]",
        "params[1]",
        "params[1]",
        "stages[0].jobs[0].spec.script",
        "stages[0].jobs[0].spec.timeout",
        "stages[0].jobs[1].spec.id",
        "stages[0].jobs[1].spec.sql",
        "stages[0].jobs[1].spec.timeout",
    ]
