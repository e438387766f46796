"""Jobs of types beyond the document's: their values reach Zadig by both of its APIs, and all else stays as it is."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from adapters.zadig.client import ZadigClient
from adapters.zadig.openapi_inputs import WorkflowInput, parse_workflow
from adapters.zadig.validate import find_problems
from core.workflow import Workflow
from tests.simulators.zadig import Zadig
from tests.simulators.zadig_tasks import Task
from tests.unit.adapters.zadig.conftest import workflow
from tests.unit.adapters.zadig.test_requests import APOLLO, start, used

Json = dict[str, Any]

CLUSTER: Json = {"cluster_id": "65f0", "namespace": "prod", "docker_registry_id": "65f1"}
PLUGIN: Json = {
    "plugin": {
        "name": "scan", "version": "v0.0.1", "image": "r/scan:1", "cmds": ["scan"],
        "inputs": [
            {"name": "LEVEL", "type": "string", "value": "low", "is_credential": False},
            {"name": "TOKEN", "type": "string", "value": "stored", "is_credential": True},
        ],
    },
    "advanced_setting": {"timeout": 60},
}  # fmt: skip
SERVICES: Json = CLUSTER | {
    "targets": [
        {"k8s_service_name": "web", "container_name": "app", "image": "r/web:1", "deploy_timeout": 10},
        {"k8s_service_name": "api", "container_name": "app", "image": "r/api:1", "deploy_timeout": 10},
    ]
}
GRAY: Json = CLUSTER | {
    "gray_scale": 10,
    "targets": [
        {"workload_type": "Deployment", "workload_name": "web", "container_name": "app", "image": "r/web:1"},
        {"workload_type": "Deployment", "workload_name": "api", "container_name": "app", "image": "r/api:1"},
    ],
}
PATCH: Json = CLUSTER | {
    "patch_items": [
        {
            "resource_name": "web", "resource_kind": "ConfigMap", "resource_group": "", "resource_version": "v1",
            "patch_content": "data: {a: $A}", "params": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        }
    ]
}  # fmt: skip
TAPD: Json = {"tapd_id": "t1", "project_id": "", "project_name": "", "status": "", "iterations": []}
DEPLOY: Json = CLUSTER | {"targets": [], "target_options": [{"target": "Deployment/web/app"}]}
WORKLOAD = {"workload_type": "Deployment", "workload_name": "web", "container_name": "app", "image_name": "r/web:2"}
SERVICE = {"service_list": [{"service_name": "web", "image_name": "r/web:2"}]}
RESOURCE = {"resource_name": "web", "resource_kind": "ConfigMap", "resource_group": "", "resource_version": "v1"}


def changed(spec: Json, *path: str | int, value: Any) -> Json:
    """Return a spec with one value replaced."""
    result: Any = copy.deepcopy(spec)
    place = result
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return dict(result)


CASES: list[tuple[str, Json, Json, Json]] = [
    (
        "plugin", PLUGIN, {"kv": [{"key": "LEVEL", "value": "high"}]},
        changed(PLUGIN, "plugin", "inputs", 0, "value", value="high"),
    ),
    (
        "custom-deploy", DEPLOY, {"target_list": [WORKLOAD]},
        changed(DEPLOY, "targets", value=[{"target": "Deployment/web/app", "image": "r/web:2"}]),
    ),
    ("k8s-blue-green-deploy", SERVICES, SERVICE, changed(SERVICES, "targets", 0, "image", value="r/web:2")),
    ("k8s-canary-deploy", SERVICES, SERVICE, changed(SERVICES, "targets", 0, "image", value="r/web:2")),
    (
        "k8s-gray-release", GRAY, {"target_list": [WORKLOAD]},
        changed(GRAY, "targets", value=[GRAY["targets"][0] | {"image": "r/web:2"}]),
    ),
    (
        "k8s-resource-patch", PATCH, {"target_list": [RESOURCE | {"inputs": [{"key": "A", "value": "9"}]}]},
        changed(PATCH, "patch_items", 0, "params", 0, "value", value="9"),
    ),
    (
        "tapd", TAPD, {"project_id": "7", "project_name": "Shop", "status": "done", "iteration_ids": ["1"]},
        TAPD | {"project_id": "7", "project_name": "Shop", "status": "done", "iterations": [{"iteration_id": "1"}]},
    ),
    ("ai-task", {"model": "m"}, {}, {"model": "m"}),
]  # fmt: skip


def store(zadig: Zadig, kind: str, spec: Json) -> None:
    """Add the job `more` to the stored workflow."""
    job = {"name": "more", "type": kind, "skipped": False, "run_policy": "", "spec": copy.deepcopy(spec)}
    zadig.workflows["shop-release"]["stages"].append({"name": "more", "jobs": [job]})


def planned(kind: str, parameters: Json) -> Workflow:
    """Return the workflow that a client of the OpenAPI plans."""
    inputs = [{"job_name": "more", "job_type": kind, "parameters": parameters}]
    given = {"workflow_key": "shop-release", "project_key": "shop", "inputs": inputs}
    return parse_workflow(WorkflowInput.model_validate(given))


def with_apollo(wanted: Workflow) -> Workflow:
    """Return a workflow with a job that only the internal API runs."""
    return workflow(APOLLO, *(job.dump_given() for stage in wanted.stages for job in stage.jobs))


async def checked(client: ZadigClient, zadig: Zadig, wanted: Workflow) -> Task:
    """Start a workflow without problems."""
    assert find_problems(wanted, await client.get_workflow("shop", "shop-release")) == []
    return await start(client, zadig, wanted)


@pytest.mark.parametrize(("kind", "stored", "parameters", "expected"), CASES)
async def test_what_was_planned_by_the_openapi_runs_by_either_api(
    client: ZadigClient, zadig: Zadig, kind: str, stored: Json, parameters: Json, expected: Json
) -> None:
    store(zadig, kind, stored)
    wanted = planned(kind, parameters)
    task = await checked(client, zadig, wanted)
    assert (used(zadig), task.ran(), task.spec_of("more")) == (["start"], ["more"], expected)
    full = await checked(client, zadig, with_apollo(wanted))
    assert used(zadig) == ["start", "start-full"]
    if kind in ("k8s-blue-green-deploy", "k8s-canary-deploy"):  # here only the targets that the plan names run
        expected = changed(expected, "targets", value=expected["targets"][:1])
    assert full.spec_of("more") == expected


@pytest.mark.parametrize("kind", ["jenkins", "istio-release", "workflow-trigger", "zadig-helm-chart-deploy", "of-2030"])
async def test_a_spec_of_any_type_passes_through_whole(client: ZadigClient, zadig: Zadig, kind: str) -> None:
    spec: Json = {
        "id": "65f0",
        "jobs": [{"job_name": "a", "parameters": [{"name": "B", "value": ""}]}],
        "n": 3,
        "on": False,
    }
    store(zadig, kind, {"id": "old", "jobs": [], "n": 1, "on": True, "kept": {"deep": [1]}})
    task = await checked(client, zadig, workflow({"name": "more", "type": kind, "spec": spec}))
    assert used(zadig) == ["start-full"]
    assert task.spec_of("more") == spec | {"kept": {"deep": [1]}}


@pytest.mark.parametrize(("kind", "stored"), [(kind, stored) for kind, stored, _, _ in CASES])
async def test_a_spec_that_was_copied_from_zadig_changes_nothing(
    client: ZadigClient, zadig: Zadig, kind: str, stored: Json
) -> None:
    store(zadig, kind, stored)
    task = await checked(client, zadig, workflow({"name": "more", "type": kind, "spec": copy.deepcopy(stored)}))
    assert task.spec_of("more") == stored


async def test_what_the_openapi_cannot_set_goes_by_the_internal_api(client: ZadigClient, zadig: Zadig) -> None:
    store(zadig, "k8s-canary-deploy", SERVICES)
    target = {"k8s_service_name": "web", "deploy_timeout": 99}
    wanted = workflow({"name": "more", "type": "k8s-canary-deploy", "spec": {"targets": [target]}})
    task = await checked(client, zadig, wanted)
    assert used(zadig) == ["start-full"]
    assert task.spec_of("more")["targets"] == [SERVICES["targets"][0] | {"deploy_timeout": 99}]


@pytest.mark.parametrize(
    ("kind", "stored", "parameters", "path", "known"),
    [
        ("plugin", PLUGIN, {"kv": [{"key": "LEVLE", "value": "high"}]}, "plugin.inputs[0]", "LEVEL, TOKEN"),
        ("k8s-canary-deploy", SERVICES, {"service_list": [{"service_name": "wbe"}]}, "targets[0]", "web, api"),
        ("k8s-blue-green-deploy", {"services": [], "version": "v2"}, SERVICE, "targets[0]", ""),
        ("k8s-gray-release", GRAY, {"target_list": [{"workload_name": "wbe"}]}, "targets[0]", "web, api"),
        ("k8s-resource-patch", PATCH, {"target_list": [RESOURCE | {"resource_name": "x"}]}, "patch_items[0]",
         "web/ConfigMap/v1"),
    ],
)  # fmt: skip
async def test_what_zadig_would_ignore_is_a_problem(
    client: ZadigClient, zadig: Zadig, kind: str, stored: Json, parameters: Json, path: str, known: str
) -> None:
    store(zadig, kind, stored)
    detail = await client.get_workflow("shop", "shop-release")
    [problem] = find_problems(planned(kind, parameters), detail)
    assert problem.path == f"stages[0].jobs[0].spec.{path}"
    assert problem.params["known"] == known
    assert "so Zadig would leave it out" in problem.message


@pytest.mark.parametrize("spec", [{"plugin": "x"}, {"plugin": {"inputs": "x"}}, {"plugin": {"inputs": [1]}}, [], "x"])
async def test_a_spec_of_another_shape_is_not_interpreted(client: ZadigClient, zadig: Zadig, spec: Any) -> None:
    store(zadig, "plugin", {"plugin": None})
    wanted = workflow({"name": "more", "type": "plugin", "spec": spec})
    assert find_problems(wanted, await client.get_workflow("shop", "shop-release")) == []
