"""The stored workflow of the Zadig simulator, and how Zadig's OpenAPI lays inputs over it.

Source: Zadig `aslan/core/workflow/service/workflow/types.go` (`UpdateJobSpec` of each job type) and `openapi.go`.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.simulators.receiver_shapes import ANY, differences
from tests.simulators.zadig_more_jobs import KV_INPUT, MORE_INPUTS, MORE_JOBS

Json = dict[str, Any]

REPO_INPUT = {
    "codehost_name": str,
    "repo_namespace": str,
    "repo_name": str,
    "branch": str,
    "prs?": [int],
    "enable_commit?": bool,
    "commit_id?": str,
    "remote_name?": str,
    "checkout_path?": str,
}
_CHECKED = {"repo_info": [REPO_INPUT], "inputs": [KV_INPUT]}
_SERVICE = {"service_name": str, "service_module": str} | _CHECKED
INPUTS: dict[str, Any] = {
    "zadig-build": {"registry": str, "service_list": [_SERVICE]},
    "zadig-deploy": {
        "env_name": str,
        "service_list": [{"service_name": str, "service_module": str, "image_name": str, "value_merge_strategy?": str}],
    },
    "zadig-vm-deploy": {"env_name": str, "service_list": [{"service_name": str, "file_name": str}]},
    "zadig-test": {"testing_list?": [{"testing_name": str} | _CHECKED], "service_list?": [_SERVICE]},
    "zadig-scanning": {"scanning_list?": [{"scanning_name": str} | _CHECKED], "service_list?": [_SERVICE]},
    "freestyle": {"kv?": [KV_INPUT], "repo_info?": [REPO_INPUT], "services?": [_SERVICE]},
    "sql": {"database_name": str, "sql": str},
    "approval": {},
    **MORE_INPUTS,
}
PARAMETER = {"name": str, "type?": str, "value?": str, "repo?": REPO_INPUT}
START = {
    "workflow_key": str,
    "project_key": str,
    "parameters": [PARAMETER],
    "inputs": [{"job_name": str, "job_type": str, "parameters": ANY}],
}
REGISTRY = "registry.example.com/prod"
CODEHOSTS = {1: "gitlab-main"}
DATABASES = {"db-orders": "65f000000000000000000001"}


def _variable(key: str, value: str, **more: Any) -> Json:
    return {"key": key, "value": value, "type": "string", "is_credential": False, "source": "runtime"} | more


def _repo(name: str) -> Json:
    return {
        "source": "gitlab",
        "repo_owner": "shop",
        "repo_namespace": "shop",
        "repo_name": name,
        "branch": "main",
        "prs": None,
        "codehost_id": 1,
        "oauth_token": "stored-in-zadig",
    }


def _param(name: str, kind: str, value: str = "", **more: Any) -> Json:
    return {
        "name": name,
        "description": "",
        "type": kind,
        "value": value,
        "repo": None,
        "choice_option": [],
        "choice_value": [],
        "default": "",
        "is_credential": False,
        "source": "runtime",
    } | more


def _job(name: str, kind: str, spec: Json) -> Json:
    return {"name": name, "type": kind, "skipped": False, "run_policy": "", "spec": spec}


def _build_service(name: str) -> Json:
    return {
        "service_name": name,
        "service_module": name,
        "build_name": f"{name}-build",
        "image_name": name,
        "share_storage_info": None,
        "key_vals": [
            _variable("LEVEL", "low", type="choice", choice_option=["low", "high"]),
            _variable("FLAGS", ""),
        ],
        "repos": [_repo(name)],
    }


def stored_workflow() -> Json:
    """Return a workflow with one job of each kind that a test needs, as Zadig's database holds it."""
    return {
        "id": "65f0000000000000000000aa",
        "hash": "abc",
        "name": "shop-release",
        "display_name": "Shop release",
        "project": "shop",
        "disabled": False,
        "params": [
            _param("version", "string", "1.0"),
            _param("colour", "choice", "blue", choice_option=["blue", "green"]),
            _param("release_plan_ref", "string"),
        ],
        "stages": [
            {
                "name": "build",
                "parallel": True,
                "jobs": [
                    _job(
                        "build",
                        "zadig-build",
                        {
                            "docker_registry_id": "65f0000000000000000000bb",
                            "service_and_builds": [],
                            "service_and_builds_options": [_build_service("orders"), _build_service("carts")],
                        },
                    ),
                    _job("script", "freestyle", {"envs": [_variable("TARGET", "dev")], "steps": [{"script": "make"}]}),
                ],
            },
            {
                "name": "deploy",
                "jobs": [
                    _job("deploy", "zadig-deploy", {"env": "dev", "source": "runtime", "services": []}),
                    _job("migrate", "sql", {"id": "", "type": "mysql", "sql": "", "source": "runtime"}),
                    _job("sign-off", "approval", {}),
                ],
            },
            {
                "name": "configure",
                "jobs": [
                    _job("config", "apollo", {"apolloID": "65f0000000000000000000cc", "namespaceList": []}),
                ],
            },
        ],
    }


def complaints(request: Json) -> list[str]:
    """Return what Zadig would ignore or misread in a start, though it would not say so."""
    found = differences(request, START, "$", closed=True)
    for item in request.get("inputs", []):
        if item["job_type"] in INPUTS:
            found += differences(item["parameters"], INPUTS[item["job_type"]], item["job_name"], closed=True)
    return found


def set_params(workflow: Json, given: list[Json]) -> None:
    """Set workflow parameters as `UpdateWorkflowParam` does; a ValueError is one of Zadig's plain errors."""
    stored = {param["name"]: param for param in workflow["params"]}
    for item in given:
        param = stored.get(item["name"])
        if param is None:
            raise ValueError(f"param {item['name']} not found in workflow")
        if param["type"] == "choice" and item["value"] not in param["choice_option"]:
            raise ValueError(f"invalid choice value {item['value']} for param {item['name']}")
        if param["type"] in ("string", "text", "choice"):
            param["value"] = item["value"]


def set_jobs(workflow: Json, inputs: list[Json]) -> None:
    """Lay inputs over the jobs that they name; all other jobs are skipped, and a name that fits no job is ignored."""
    given = {item["job_name"]: item["parameters"] for item in inputs}
    for job in (job for stage in workflow["stages"] for job in stage["jobs"]):
        job["skipped"] = job["name"] not in given
        if not job["skipped"]:
            if job["type"] not in INPUTS:
                raise ValueError(f"undefined job type of type:{job['type']}")
            _set_job(job, given[job["name"]])


def _set_job(job: Json, given: Json) -> None:
    spec = job["spec"]
    match job["type"]:
        case "zadig-build":
            if given["registry"] != REGISTRY:
                raise ValueError(f"registry {given['registry']} not found")
            spec["service_and_builds"] = _chosen(spec["service_and_builds_options"], given["service_list"])
        case "freestyle":
            _set_variables(spec.get("envs", []), given.get("kv", []))
        case "zadig-deploy":
            spec["env"] = given["env_name"]
            spec["services"] = [
                {
                    "service_name": service["service_name"],
                    "modules": [{"service_module": service["service_module"], "image": service["image_name"]}],
                }
                for service in given["service_list"]
            ]
        case "sql":
            if given["database_name"] not in DATABASES:
                raise ValueError(f"failed to find database instance {given['database_name']}")
            spec |= {"id": DATABASES[given["database_name"]], "sql": given["sql"]}
        case kind if setter := MORE_JOBS.get(kind):
            setter(spec, given)
        case _:  # nothing can be set
            pass


def _chosen(options: list[Json], given: list[Json]) -> list[Json]:
    """Return the options that were asked for; what fits none is dropped without a word."""
    result = []
    for item in given:
        for option in options:
            if (option["service_name"], option["service_module"]) == (item["service_name"], item["service_module"]):
                service = copy.deepcopy(option)
                _set_variables(service["key_vals"], item["inputs"])
                _set_repos(service["repos"], item["repo_info"])
                result.append(service)
    return result


def _set_variables(stored: list[Json], given: list[Json]) -> None:
    values = {item["key"]: item["value"] for item in given}
    for variable in stored:
        variable["value"] = value = values.get(variable["key"], variable["value"])
        if variable["type"] == "multi-select":
            variable["choice_value"] = value.split(",") if value else []


def _set_repos(stored: list[Json], given: list[Json]) -> None:
    for item in given:
        if item["codehost_name"] not in CODEHOSTS.values():
            raise ValueError(f"failed to find code host with name:{item['codehost_name']}")
        for repo in stored:
            if (repo["repo_namespace"], repo["repo_name"]) == (item["repo_namespace"], item["repo_name"]):
                repo |= {key: item[key] for key in ("branch", "prs", "enable_commit", "commit_id")}
