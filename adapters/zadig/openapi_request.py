"""The body that starts a workflow by Zadig's OpenAPI, where the OpenAPI has inputs for all that the plan sets.

The OpenAPI takes short inputs for each job, but not all: it has none for some job types, no variables for deployments,
and repositories only with the alias of their code host. It sets all that an input has, so what the plan leaves as it is
is sent as Zadig stores it. `internal_request` makes the body for the other workflows.

Source: Zadig `aslan/core/workflow/service/workflow/types.go`, the types with `UpdateJobSpec`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from adapters.zadig.client import REF_PARAM, JsonObject
from adapters.zadig.merging import merge
from adapters.zadig.models import WorkflowDetail
from adapters.zadig.openapi_values import (
    FIXED,
    MADE_ANEW,
    NotExpressible,
    all_repo_inputs,
    key_val_inputs,
    members,
    repo_input,
    repo_inputs,
    require_inputs,
    required_text,
    service_input,
)
from adapters.zadig.passed_on import PASSED_ON, make_tapd_inputs
from core.workflow import JobType, Param, Workflow, WorkflowJob

WITHOUT_INPUTS = ("approval", "k8s-blue-green-release", "k8s-canary-release", "ai-release-specialist", "ai-task")
"""Job types without inputs, which run as they are stored."""


def make_openapi_request(workflow: Workflow, detail: WorkflowDetail, ref: str) -> JsonObject | None:
    """Return the body for `ZadigClient.start`, or None when only the internal API can start the workflow.

    Zadig skips jobs without inputs, and ignores unknown names: check with `validate.find_problems` first. `ref` is
    passed in `REF_PARAM` if the workflow has that parameter.
    """
    try:
        own = [param for param in workflow.params if param.name != REF_PARAM]
        parameters = [one for param in own for one in _param(param, detail)]
        inputs = [
            {"job_name": job.name, "job_type": job.type, "parameters": _parameters(job, detail)}
            for job in jobs_to_run(workflow)
        ]
    except NotExpressible:
        return None
    if any(param.name == REF_PARAM for param in detail.params):
        parameters.append({"name": REF_PARAM, "type": "string", "value": ref})
    return {
        "workflow_key": detail.workflow_key,
        "project_key": detail.project_key,
        "parameters": parameters,
        "inputs": inputs,
    }


def jobs_to_run(workflow: Workflow) -> Iterator[WorkflowJob]:
    """Yield the jobs that are to run, in order."""
    return (job for stage in workflow.stages for job in stage.jobs if job.runs)


def _param(param: Param, detail: WorkflowDetail) -> Iterator[JsonObject]:
    """Yield the input of a parameter; none for one whose value is not given."""
    stored = next((one.dump_given() for one in detail.params if one.name == param.name), {})
    given = param.dump_given()
    match merge(stored, given):
        case {"type": "repo", "repo": dict()} if param.repo:
            repo = repo_input(given["repo"], stored.get("repo") or {}, FIXED)
            yield {"name": param.name, "type": "repo", "repo": repo}
        case {"type": "string" | "text" | "choice" as kind}:
            if "value" in given:
                yield {"name": param.name, "type": kind, "value": param.value}
        case _:
            raise NotExpressible


def _parameters(job: WorkflowJob, detail: WorkflowDetail) -> JsonObject:
    """Return the inputs of a job. One that Zadig does not store is left to Zadig."""
    make_inputs, known = _INPUTS.get(job.type), detail.jobs.get(job.name)
    if make_inputs is None:
        raise NotExpressible
    given = job.dump_given().get("spec") or {}
    stored = (known.spec or {}) if known else given
    if not isinstance(given, dict) or not isinstance(stored, dict):
        raise NotExpressible
    return make_inputs(given, stored)


def _none(given: JsonObject, stored: JsonObject) -> JsonObject:
    require_inputs(given, stored)
    return {}


def _build(given: JsonObject, stored: JsonObject) -> JsonObject:
    """Return the inputs of a build. The registry is required as `address/namespace`; a plan may have it or not."""
    require_inputs(given, stored, "registry", "service_and_builds")
    if not isinstance(given.get("registry"), str):
        raise NotExpressible
    services = members(given, stored, "service_and_builds")
    return {"registry": given["registry"], "service_list": [_build_service(*pair) for pair in services]}


def _build_service(member: JsonObject, stored: JsonObject) -> JsonObject:
    return service_input(member, stored) | {"repo_info": repo_inputs(member, stored, FIXED)}


def _deploy(given: JsonObject, stored: JsonObject) -> JsonObject:
    """Return the inputs of a deployment. Zadig makes its services anew, without what it stores for them."""
    require_inputs(given, stored, "env", "services")
    inputs = []
    for member, base in members(given, stored, "services"):
        service = merge(base, member)
        require_inputs(service, {}, "service_name", "modules", "value_merge_strategy")
        if not service.get("modules"):
            raise NotExpressible
        for module in service["modules"]:
            require_inputs(module, {}, "service_module", "image")
            inputs.append(
                {
                    "service_name": service["service_name"],
                    "service_module": required_text(module, "service_module"),
                    "image_name": required_text(module, "image"),
                    "value_merge_strategy": service.get("value_merge_strategy") or "",
                }
            )
    return {"env_name": required_text(merge(stored, given), "env"), "service_list": inputs}


def _vm_deploy(given: JsonObject, stored: JsonObject) -> JsonObject:
    """Return the inputs of a deployment to hosts. Zadig makes its services anew."""
    require_inputs(given, stored, "env", "service_and_vm_deploys")
    services = [merge(base, member) for member, base in members(given, stored, "service_and_vm_deploys")]
    for service in services:
        require_inputs(service, {"deploy_artifact_type": "file"}, "service_name", "service_module", "file_name")
    names = ("service_name", "file_name")
    inputs = [{name: required_text(service, name) for name in names} for service in services]
    return {"env_name": required_text(merge(stored, given), "env"), "service_list": inputs}


def _freestyle(given: JsonObject, stored: JsonObject) -> JsonObject:
    """Return the inputs of a script. Zadig makes its repositories anew. `script` and `timeout` are no fields of it."""
    if merge(stored, given).get("freestyle_type") == "service_freestyle":
        require_inputs(given, stored, "services", "script", "timeout")
        return {"services": _services(given, stored, "services", MADE_ANEW)}
    require_inputs(given, stored, "envs", "repos", "script", "timeout")
    variables, repos = key_val_inputs(given, stored, "envs"), all_repo_inputs(given, stored, MADE_ANEW)
    return {"kv": variables, "repo_info": repos}


def _test(given: JsonObject, stored: JsonObject) -> JsonObject:
    if merge(stored, given).get("test_type") == "service_test":
        return _service_checks(given, stored, "service_and_tests")
    return _named_checks(given, stored, "test_modules", "testing")


def _scanning(given: JsonObject, stored: JsonObject) -> JsonObject:
    if merge(stored, given).get("scanning_type") == "service_scanning":
        return _service_checks(given, stored, "service_and_scannings")
    return _named_checks(given, stored, "scannings", "scanning")


def _service_checks(given: JsonObject, stored: JsonObject, key: str) -> JsonObject:
    """Return the inputs of tests or scans of services."""
    require_inputs(given, stored, key)
    return {"service_list": _services(given, stored, key, FIXED)}


def _named_checks(given: JsonObject, stored: JsonObject, key: str, kind: str) -> JsonObject:
    """Return the inputs of tests or scans on their own. Zadig runs also those that are not named."""
    require_inputs(given, stored, key)
    pairs = list(members(given, stored, key))
    if {one["name"] for one in stored.get(key) or []} - {member.get("name") for member, _ in pairs}:
        raise NotExpressible
    return {
        f"{kind}_list": [
            {
                f"{kind}_name": required_text(member, "name"),
                "repo_info": all_repo_inputs(member, base, FIXED),
                "inputs": key_val_inputs(member, base, "key_vals"),
            }
            for member, base in pairs
        ]
    }


def _services(given: JsonObject, stored: JsonObject, key: str, fixed: tuple[str, ...]) -> list[JsonObject]:
    return [
        service_input(member, base) | {"repo_info": all_repo_inputs(member, base, fixed)}
        for member, base in members(given, stored, key)
    ]


def _sql(given: JsonObject, stored: JsonObject) -> JsonObject:
    """Return the inputs of SQL. The database is required by name; a plan may have the name or not."""
    require_inputs(given, stored, "database_name", "sql", "id", "type")
    return {"database_name": required_text(given, "database_name"), "sql": required_text(given, "sql")}


_INPUTS: dict[str, Callable[[JsonObject, JsonObject], JsonObject]] = {
    JobType.BUILD: _build,
    JobType.DEPLOY: _deploy,
    JobType.VM_DEPLOY: _vm_deploy,
    JobType.FREESTYLE: _freestyle,
    JobType.TEST: _test,
    JobType.SCANNING: _scanning,
    JobType.SQL: _sql,
    "tapd": make_tapd_inputs,
    **{kind: passed_on.make_inputs for kind, passed_on in PASSED_ON.items()},
    **dict.fromkeys(WITHOUT_INPUTS, _none),
}
"""How the inputs of each job type are made, of the given and the stored spec."""
