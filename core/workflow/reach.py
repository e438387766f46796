"""What a workflow touches when it runs: environments, services, databases and configuration keys.

Read out of the specs of the document's job types. What cannot be read there is never left out: it stands as
`UNREADABLE`, which may be any name, and policies and readers must not take it for harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, assert_never

from core.workflow.job import UnknownJob
from core.workflow.jobs_build import BuildJob, DistributeImageJob
from core.workflow.jobs_check import RunTestsJob, ScanningJob
from core.workflow.jobs_config import ApolloJob, ApolloSpec, NacosJob, NacosSpec, SqlJob
from core.workflow.jobs_deploy import DeployJob, DeploySpec, VmDeployJob, VmDeploySpec
from core.workflow.jobs_script import FreestyleJob
from core.workflow.workflow import KnownJob, Workflow, WorkflowJob

_Kind: TypeAlias = Literal["environment", "production", "service", "database", "key", "unclear"]
_Touch: TypeAlias = tuple[_Kind, str]

UNREADABLE = ""
"""Stands in a `Reach` for a name that cannot be read before the run."""
_PARAMETER = re.compile(r"\{\{\s*\.workflow\.params\.([^{}\s]+)\s*\}\}")
"""How a spec refers to a parameter of its workflow (Zadig's variables)."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What the jobs of a workflow touch that are to run, each name once in the order of the jobs.

    `production` are those of the `environments` that the workflow itself marks as such; Zadig may know of more.
    `databases` are instances, by their ids in the job's spec. `keys` are configuration entries whose value changes.
    If no jobs are given, the runner takes them from elsewhere: types, environments and databases are unreadable then.
    `unclear` are the names of the jobs that make an environment or a database unreadable, or else of the workflow.
    """

    job_types: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    production: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


def reach_of(workflow: Workflow) -> Reach:
    """Return what a workflow touches; jobs that do not run are left out."""
    jobs = [job for stage in workflow.stages for job in stage.jobs if job.runs]
    if not jobs:
        unknown = (UNREADABLE,)
        return Reach(unknown, unknown, databases=unknown, unclear=(workflow.display_name or workflow.name,))
    parameters = {param.name: param.value for param in workflow.params}
    touches = [touch for job in jobs for touch in _touches(job, parameters)]

    def names(kind: _Kind) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for found, name in touches if found == kind))

    return Reach(
        job_types=tuple(dict.fromkeys(str(job.type) for job in jobs)),
        environments=names("environment"),
        production=names("production"),
        services=names("service"),
        databases=names("database"),
        keys=names("key"),
        unclear=names("unclear"),
    )


def _touches(job: WorkflowJob, parameters: Mapping[str, str]) -> Iterator[_Touch]:
    """Yield what one job touches; the environment of a job of an unknown type is unreadable."""
    named: Iterable[_Touch] = [("environment", UNREADABLE)] if isinstance(job, UnknownJob) else _in_spec(job)
    for kind, written in named:
        name = _PARAMETER.sub(lambda place: parameters.get(place[1], place[0]), written).strip()
        if name and "{{" not in name:
            yield kind, name
        elif kind in ("environment", "database"):
            yield kind, UNREADABLE
            yield "unclear", job.name or job.type


def _in_spec(job: KnownJob) -> Iterator[_Touch]:
    """Yield what the spec of a known job names, with references to parameters as they are written."""
    match job:
        case DeployJob(spec=spec):
            yield from _in_environment(spec, (service.service_name for service in spec.services))
        case VmDeployJob(spec=spec):
            yield from _in_environment(spec, (service.service_name for service in spec.service_and_vm_deploys))
        case BuildJob():
            yield from (("service", service.service_name) for service in job.spec.service_and_builds)
        case DistributeImageJob():
            yield from (("service", target.service_name) for target in job.spec.targets)
        case ApolloJob():
            yield from _in_apollo(job.spec)
        case NacosJob():
            yield from _in_nacos(job.spec)
        case SqlJob():
            yield "database", job.spec.id
        case RunTestsJob() | ScanningJob() | FreestyleJob():
            return
        case _:
            assert_never(job)


def _in_environment(spec: DeploySpec | VmDeploySpec, services: Iterable[str]) -> Iterator[_Touch]:
    yield "environment", spec.env
    if spec.production:
        yield "production", spec.env
    yield from (("service", service) for service in services)


def _in_apollo(spec: ApolloSpec) -> Iterator[_Touch]:
    for namespace in spec.namespace_list:
        yield "environment", namespace.env
        before = {entry.key: entry.val for entry in namespace.original_config}
        for entry in namespace.kv:
            if before.get(entry.key) != entry.val:
                yield "key", f"{namespace.namespace}/{entry.key}"


def _in_nacos(spec: NacosSpec) -> Iterator[_Touch]:
    for data in spec.nacos_datas:
        yield "environment", data.namespace_name or data.namespace_id or spec.namespace_id
        if data.content != data.original_content:
            yield "key", f"{data.group}/{data.data_id}"
