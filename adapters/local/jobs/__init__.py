"""The job types that the local runner runs, and what a workflow of such jobs comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.local.jobs import freestyle, sql
from adapters.local.settings import LocalSettings
from adapters.local.steps import JobKind, Step, name_problems
from core.errors import Problem
from core.workflow import Job, JobType, Workflow

KINDS: Mapping[str, JobKind[Any]] = {
    JobType.FREESTYLE: freestyle.KIND,
    JobType.SQL: sql.KIND,
}
_LEFT_OUT = frozenset({"skip", "default_not_run"})


def steps(workflow: Workflow, about: Mapping[str, str]) -> list[Step]:
    """Return what is to be run, in order, of a workflow without `problems`.

    Scripts see what the run is `about`, and the workflow's parameters, as variables. Repositories are not checked out:
    what a script needs, it fetches itself.
    """
    common = {**about, **{param.name: param.value for param in workflow.params if param.type != "repo"}}
    return [KINDS[job.type].step(job.spec, f"{stage}/{job.name}", common) for _, stage, job in _jobs(workflow)]


def problems(workflow: Workflow, settings: LocalSettings) -> list[Problem]:
    """Return what cannot be run here, all of it, with paths inside the workflow."""
    found = list(name_problems("params", [param.name for param in workflow.params if param.type != "repo"]))
    jobs = list(_jobs(workflow))
    if not jobs:
        found.append(Problem("stages", "no job would run; add one, or clear the run_policy of one"))
    for path, _, job in jobs:
        found += _job_problems(path, job, settings)
    return found


def _jobs(workflow: Workflow) -> Iterator[tuple[str, str, Job]]:
    """Yield the path, the stage's name and the job of all jobs that are to run."""
    for place, stage in enumerate(workflow.stages):
        for index, job in enumerate(stage.jobs):
            if job.run_policy not in _LEFT_OUT:
                yield f"stages[{place}].jobs[{index}]", stage.name, job


def _job_problems(path: str, job: Job, settings: LocalSettings) -> Iterator[Problem]:
    if kind := KINDS.get(job.type):
        yield from kind.problems(job.spec, f"{path}.spec", settings)
    else:
        yield Problem(
            f"{path}.type", "the local runner does not run {type} jobs; use the runner zadig", {"type": job.type}
        )
