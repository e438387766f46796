from __future__ import annotations

from typing import Any

import pytest

from adapters.zadig.models import WorkflowDetail
from adapters.zadig.openapi_inputs import WorkflowInput, parse_workflow
from adapters.zadig.openapi_request import make_openapi_request
from core.errors import Invalid

REPO = {
    "codehost_name": "gitlab-main", "repo_namespace": "shop", "repo_name": "orders", "branch": "main", "prs": [7],
    "enable_commit": True, "commit_id": "c0ffee", "remote_name": "origin", "checkout_path": "src",
}  # fmt: skip
FILE = {"file_id": "", "file_name": "", "file_path": ""}
KEY = {"key": "LEVEL", "value": "high", "type": "string", "is_credential": False} | FILE
CHOICES = {"key": "ZONES", "value": "a,b", "type": "multi-select", "is_credential": False} | FILE
SERVICE = {"service_name": "orders", "service_module": "api", "repo_info": [REPO], "inputs": [KEY, CHOICES]}
IMAGE = {"service_name": "orders", "image_name": "r/orders:2", "value_merge_strategy": "override"}

WORKLOAD = {
    "workload_type": "Deployment", "workload_name": "web", "container_name": "app", "image_name": "r/web:2"
}  # fmt: skip
SERVICE_IMAGE = {"service_name": "web", "image_name": "r/web:2"}
RESOURCE = {"resource_name": "web", "resource_kind": "ConfigMap", "resource_group": "", "resource_version": "v1"}

INPUTS: list[tuple[str, dict[str, Any]]] = [
    ("zadig-build", {"registry": "r/prod", "service_list": [SERVICE]}),
    (
        "zadig-deploy",
        {"env_name": "prod", "service_list": [IMAGE | {"service_module": "api"}, IMAGE | {"service_module": "web"}]},
    ),
    ("zadig-vm-deploy", {"env_name": "prod", "service_list": [{"service_name": "orders", "file_name": "a.tgz"}]}),
    ("zadig-test", {"testing_list": [{"testing_name": "smoke", "repo_info": [REPO], "inputs": [KEY]}]}),
    ("zadig-test", {"service_list": [SERVICE]}),
    ("zadig-scanning", {"scanning_list": [{"scanning_name": "sonar", "repo_info": [], "inputs": [KEY]}]}),
    ("zadig-scanning", {"service_list": [SERVICE]}),
    ("freestyle", {"kv": [KEY, CHOICES], "repo_info": [REPO]}),
    ("freestyle", {"services": [SERVICE]}),
    ("sql", {"database_name": "db-orders", "sql": "select 1"}),
    ("approval", {}),
    ("ai-task", {}),
    ("plugin", {"kv": [KEY, KEY | {"key": "TOKEN", "is_credential": True}]}),
    ("custom-deploy", {"target_list": [WORKLOAD, WORKLOAD | {"container_name": "proxy"}]}),
    ("k8s-blue-green-deploy", {"service_list": [SERVICE_IMAGE]}),
    ("k8s-canary-deploy", {"service_list": [SERVICE_IMAGE]}),
    ("k8s-gray-release", {"target_list": [WORKLOAD]}),
    ("k8s-gray-rollback", {"target_list": [WORKLOAD]}),
    ("k8s-resource-patch", {"target_list": [RESOURCE | {"inputs": [KEY]}]}),
    ("tapd", {"project_id": "7", "project_name": "Shop", "status": "done", "iteration_ids": ["1", "2"]}),
]


@pytest.mark.parametrize(("kind", "parameters"), INPUTS)
def test_a_planned_workflow_is_started_with_the_inputs_that_it_was_planned_by(
    kind: str, parameters: dict[str, Any]
) -> None:
    request = {
        "workflow_key": "shop-release",
        "project_key": "shop",
        "parameters": [{"name": "version", "type": "string", "value": "2.0"}],
        "inputs": [{"job_name": "job", "job_type": kind, "parameters": parameters}],
    }
    workflow = parse_workflow(WorkflowInput.model_validate(request))
    assert (
        make_openapi_request(workflow, WorkflowDetail(workflow_key="shop-release", project_key="shop"), "") == request
    )


@pytest.mark.parametrize(
    ("job", "path"),
    [
        ({"job_name": "a", "job_type": "apollo"}, "inputs[0].job_type"),
        ({"job_name": "a", "job_type": "jenkins", "parameters": {}}, "inputs[0].job_type"),
        ({"job_name": "a", "job_type": "sql", "parameters": None}, "inputs[0].parameters"),
        ({"job_name": "a", "job_type": "plugin", "parameters": {"kvs": []}}, "inputs[0].parameters"),
        (
            {"job_name": "a", "job_type": "custom-deploy", "parameters": {"target_list": ["web"]}},
            "inputs[0].parameters",
        ),
        ({"job_name": "a", "job_type": "freestyle", "parameters": {"kv": [3]}}, "inputs[0].parameters"),
        ({"job_name": "a", "job_type": "freestyle", "parameters": {"kv": [{"key": 3}]}}, "inputs"),
    ],
)
def test_inputs_that_zadig_would_not_take_are_refused(job: dict[str, Any], path: str) -> None:
    given = WorkflowInput.model_validate({"workflow_key": "w", "project_key": "p", "inputs": [job]})
    with pytest.raises(Invalid) as caught:
        parse_workflow(given)
    assert [problem.path for problem in caught.value.problems] == [path]
