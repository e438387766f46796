"""The inputs of workflows in Zadig's OpenAPI, parsed to workflows of plans: the inverse of `openapi_request`.

Source: Zadig `aslan/core/workflow/service/workflow/types.go`, the types with `UpdateJobSpec`, and
`aslan/core/release_plan/service/openapi.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, ValidationError

from adapters.zadig.models import Answer
from adapters.zadig.openapi_request import WITHOUT_INPUTS
from adapters.zadig.passed_on import PASSED_ON, parse_tapd
from core.errors import Invalid, Problem
from core.workflow import AnyJson, Workflow
from core.workflow.base import Many, NullIsZero, Text

Json = dict[str, Any]


class JobInput(Answer):
    """The inputs of one job; its `parameters` depend on the type."""

    job_name: Text
    job_type: Text
    parameters: Annotated[dict[str, AnyJson], NullIsZero()] = Field(default_factory=dict)


class WorkflowInput(Answer):
    """A workflow item in Zadig's OpenAPI: the workflow, its parameters, and the jobs to run."""

    workflow_key: Text
    project_key: Text
    parameters: Many[dict[str, AnyJson]] = ()
    inputs: Many[JobInput] = ()
    remark: Text = ""


def parse_workflow(given: WorkflowInput) -> Workflow:
    """Return the workflow of a plan. All its jobs are in one stage, since the OpenAPI has no stages.

    Raises Invalid with paths inside `given`.
    """
    jobs = [_job(job, number) for number, job in enumerate(given.inputs)]
    data = {
        "name": given.workflow_key,
        "project": given.project_key,
        "params": [{"type": "string", **param} for param in given.parameters],
        "stages": [{"name": given.workflow_key, "jobs": jobs}],
        "remark": given.remark,
    }
    try:
        return Workflow.model_validate(data)
    except ValidationError as error:
        raise Invalid(Problem("inputs", "{reason}", {"reason": error.errors()[0]["msg"]})) from error


def _job(job: JobInput, number: int) -> Json:
    path = f"inputs[{number}]"
    if job.job_type in WITHOUT_INPUTS:
        return {"name": job.job_name, "type": job.job_type, "spec": {}}
    if job.job_type not in _SPECS:
        known = ", ".join((*_SPECS, *WITHOUT_INPUTS))
        raise Invalid(Problem(f"{path}.job_type", "write one of: {expected}", {"expected": known}))
    try:
        return {"name": job.job_name, "type": job.job_type, "spec": _SPECS[job.job_type](job.parameters)}
    except (TypeError, KeyError, AttributeError) as error:
        raise Invalid(Problem(f"{path}.parameters", "these are not the parameters of such a job")) from error


def _build(given: Json) -> Json:
    return {"registry": given["registry"], "service_and_builds": _services(given)}


def _deploy(given: Json) -> Json:
    """Return the spec of a deployment. An input is one module; the modules of a service are grouped."""
    services: dict[str, Json] = {}
    for module in given.get("service_list") or []:
        service = {
            "service_name": module["service_name"],
            "value_merge_strategy": module.get("value_merge_strategy"),
            "modules": [],
        }
        modules = services.setdefault(module["service_name"], service)["modules"]
        modules.append({"service_module": module.get("service_module"), "image": module["image_name"]})
    return {"env": given["env_name"], "services": list(services.values())}


def _vm_deploy(given: Json) -> Json:
    services = [
        {"service_name": service["service_name"], "file_name": service["file_name"], "deploy_artifact_type": "file"}
        for service in given.get("service_list") or []
    ]
    return {"env": given["env_name"], "service_and_vm_deploys": services}


def _test(given: Json) -> Json:
    if given.get("service_list"):
        return {"test_type": "service_test", "service_and_tests": _services(given)}
    return {"test_modules": _entries(given, "testing")}


def _scanning(given: Json) -> Json:
    if given.get("service_list"):
        return {"scanning_type": "service_scanning", "service_and_scannings": _services(given)}
    return {"scannings": _entries(given, "scanning")}


def _freestyle(given: Json) -> Json:
    if given.get("services"):
        return {"freestyle_type": "service_freestyle", "services": _services(given, "services")}
    return {"envs": _variables(given.get("kv")), "repos": _repos(given.get("repo_info"))}


def _sql(given: Json) -> Json:
    return {"database_name": given.get("database_name", ""), "sql": given["sql"]}


_SPECS: dict[str, Callable[[Json], Json]] = {
    "zadig-build": _build,
    "zadig-deploy": _deploy,
    "zadig-vm-deploy": _vm_deploy,
    "zadig-test": _test,
    "zadig-scanning": _scanning,
    "freestyle": _freestyle,
    "sql": _sql,
    "tapd": parse_tapd,
    **{kind: passed_on.parse for kind, passed_on in PASSED_ON.items()},
}


def _services(given: Json, key: str = "service_list") -> list[Json]:
    names = ("service_name", "service_module")
    return [{name: one.get(name) for name in names} | _sources(one) for one in given.get(key) or []]


def _entries(given: Json, kind: str) -> list[Json]:
    return [{"name": one[f"{kind}_name"]} | _sources(one) for one in given.get(f"{kind}_list") or []]


def _sources(one: Json) -> Json:
    """Return the repositories and the variables of a service, a test or a scan."""
    return {"repos": _repos(one.get("repo_info")), "key_vals": _variables(one.get("inputs"))}


def _repos(given: list[Json] | None) -> list[Json]:
    return [repo | {"prs": repo.get("prs") or list(filter(None, [repo.get("pr")]))} for repo in given or []]


def _variables(given: list[Json] | None) -> list[Json]:
    return [
        variable | {"choice_value": variable["value"].split(",")}
        if variable.get("type") == "multi-select"
        else variable
        for variable in given or []
    ]
