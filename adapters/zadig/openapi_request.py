"""The body that starts a workflow by Zadig's OpenAPI, where the OpenAPI has inputs for all that the plan sets.

The OpenAPI takes short inputs for each job, but not all: it has none for some job types, no variables for deployments,
and repositories only with the alias of their code host. `internal_request` makes the body for the other workflows.

Source: Zadig `aslan/core/workflow/service/workflow/types.go`, the types with `UpdateJobSpec`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from adapters.zadig.client import REF_PARAM, JsonObject
from adapters.zadig.models import WorkflowDetail
from core.workflow import (
    BuildJob,
    DeployJob,
    DeployService,
    FreestyleJob,
    KeyVal,
    Param,
    Repo,
    RunTestsJob,
    ScanningJob,
    SqlJob,
    UnknownJob,
    VmDeployJob,
    Workflow,
    WorkflowJob,
)

WITHOUT_INPUTS = ("approval", "k8s-blue-green-release", "k8s-canary-release")
"""Job types without inputs, which run as they are stored."""


class _NotExpressible(Exception):
    """The OpenAPI has no input for a value of the plan."""


def make_openapi_request(workflow: Workflow, detail: WorkflowDetail, ref: str) -> JsonObject | None:
    """Return the body for `ZadigClient.start`, or None when only the internal API can start the workflow.

    Zadig skips jobs without inputs, and ignores unknown names: check with `validate.find_problems` first. `ref` is
    passed in `REF_PARAM` if the workflow has that parameter.
    """
    try:
        parameters = [_param(param) for param in workflow.params if param.name != REF_PARAM]
        inputs = [
            {"job_name": job.name, "job_type": job.type, "parameters": _parameters(job)}
            for job in jobs_to_run(workflow)
        ]
    except _NotExpressible:
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
    return (job for stage in workflow.stages for job in stage.jobs if job.run_policy != "skip")


def _param(param: Param) -> JsonObject:
    match param.type:
        case "repo" if param.repo:
            return {"name": param.name, "type": "repo", "repo": _repo(param.repo)}
        case "string" | "text" | "choice":
            return {"name": param.name, "type": param.type, "value": param.value}
        case _:
            raise _NotExpressible


def _parameters(job: WorkflowJob) -> JsonObject:
    match job:
        case BuildJob():
            return _build(job)
        case DeployJob():
            return _deploy(job)
        case VmDeployJob():
            return _vm_deploy(job)
        case FreestyleJob(spec=spec) if spec.freestyle_type == "service_freestyle":
            return {"services": [_service(service) for service in spec.services]}
        case FreestyleJob(spec=spec):
            return {"kv": _key_vals(spec.envs), "repo_info": _repos(spec.repos)}
        case RunTestsJob(spec=spec):
            by_service = spec.test_type == "service_test"
            return _checks("testing", spec.service_and_tests if by_service else None, spec.test_modules)
        case ScanningJob(spec=spec):
            by_service = spec.scanning_type == "service_scanning"
            return _checks("scanning", spec.service_and_scannings if by_service else None, spec.scannings)
        case SqlJob():
            return _sql(job)
        case UnknownJob(type=kind) if kind in WITHOUT_INPUTS:
            return {}
        case _:
            raise _NotExpressible


def _build(job: BuildJob) -> JsonObject:
    """Return the inputs of a build. The registry is required as `address/namespace`; a plan may have it or not."""
    registry = job.spec.__pydantic_extra__.get("registry")
    if not isinstance(registry, str):
        raise _NotExpressible
    return {"registry": registry, "service_list": [_service(service) for service in job.spec.service_and_builds]}


def _deploy(job: DeployJob) -> JsonObject:
    if any(_has_variables(service) for service in job.spec.services):
        raise _NotExpressible
    services = [
        {
            "service_name": service.service_name,
            "service_module": module.service_module,
            "image_name": module.image,
            "value_merge_strategy": service.value_merge_strategy,
        }
        for service in job.spec.services
        for module in service.modules
    ]
    return {"env_name": job.spec.env, "service_list": services}


def _has_variables(service: DeployService) -> bool:
    return bool(service.variable_kvs or service.variable_yaml or service.override_kvs)


def _vm_deploy(job: VmDeployJob) -> JsonObject:
    services = job.spec.service_and_vm_deploys
    if any(service.deploy_artifact_type != "file" for service in services):
        raise _NotExpressible
    names = [{"service_name": service.service_name, "file_name": service.file_name} for service in services]
    return {"env_name": job.spec.env, "service_list": names}


def _checks(kind: str, services: Iterable[Any] | None, named: Iterable[Any]) -> JsonObject:
    """Return the inputs of tests or scans, either of services or on their own."""
    if services is not None:
        return {"service_list": [_service(service) for service in services]}
    return {
        f"{kind}_list": [
            {f"{kind}_name": check.name, "repo_info": _repos(check.repos), "inputs": _key_vals(check.key_vals)}
            for check in named
        ]
    }


def _sql(job: SqlJob) -> JsonObject:
    """Return the inputs of SQL. The database is required by name; a plan may have the name or not."""
    database = job.spec.__pydantic_extra__.get("database_name", "")
    if job.spec.id and not database:
        raise _NotExpressible
    return {"database_name": database, "sql": job.spec.sql}


def _service(service: Any) -> JsonObject:
    """Return the input of a service of a build, a test, a scan or a script."""
    return {
        "service_name": service.service_name,
        "service_module": service.service_module,
        "repo_info": _repos(service.repos),
        "inputs": _key_vals(service.key_vals),
    }


def _key_vals(variables: Iterable[KeyVal]) -> list[JsonObject]:
    return [_key_val(variable) for variable in variables]


def _key_val(variable: KeyVal) -> JsonObject:
    """Return the input of a variable; several choices are joined by commas."""
    return {
        "key": variable.key,
        "value": ",".join(variable.choice_value) if variable.type == "multi-select" else variable.value,
        "type": variable.type,
        "is_credential": variable.is_credential,
        "file_id": variable.file_id,
        "file_name": variable.file_name,
        "file_path": variable.file_path,
    }


def _repos(repos: Iterable[Repo]) -> list[JsonObject]:
    return [_repo(repo) for repo in repos]


def _repo(repo: Repo) -> JsonObject:
    """Return the input of a repository. The alias of its code host is required; a plan may have it or not."""
    codehost = repo.__pydantic_extra__.get("codehost_name")
    if not isinstance(codehost, str) or repo.tag:
        raise _NotExpressible
    return {
        "codehost_name": codehost,
        "repo_namespace": repo.repo_namespace,
        "repo_name": repo.repo_name,
        "branch": repo.branch,
        "prs": list(repo.prs),
        "enable_commit": bool(repo.commit_id),
        "commit_id": repo.commit_id,
        "remote_name": repo.remote_name,
        "checkout_path": repo.checkout_path,
    }
