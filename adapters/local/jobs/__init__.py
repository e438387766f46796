"""The job types of the local runner, and the steps and problems of a workflow of such jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.local.jobs import freestyle, sql
from adapters.local.settings import LocalSettings
from adapters.local.steps import JobKind, Step, repo_problem, variable_problems, variable_value
from core.errors import Problem
from core.workflow import Job, JobType, Workflow

KINDS: Mapping[str, JobKind[Any]] = {
    JobType.FREESTYLE: freestyle.KIND,
    JobType.SQL: sql.KIND,
}


def make_steps(workflow: Workflow, variables: Mapping[str, str]) -> list[Step]:
    """Return the steps of a workflow without problems, in order.

    Scripts get `variables` and the parameters of the workflow as environment variables.
    """
    common = {**variables, **{param.name: variable_value(param) for param in workflow.params}}
    return [KINDS[job.type].step(job.spec, f"{stage}/{job.name}", common) for _, stage, job in _jobs(workflow)]


def find_problems(workflow: Workflow, settings: LocalSettings) -> list[Problem]:
    """Return all problems that keep a workflow from running here, with paths inside the workflow."""
    found = list(variable_problems("params", [param.name for param in workflow.params]))
    with_repos = (index for index, param in enumerate(workflow.params) if param.type == "repo" or param.repo)
    found += [repo_problem(f"params[{index}]") for index in with_repos]
    jobs = list(_jobs(workflow))
    if not jobs:
        found.append(Problem("stages", "no job would run; add one, or clear the run_policy of one"))
    for path, _, job in jobs:
        found += _job_problems(path, job, settings)
    return found


def _jobs(workflow: Workflow) -> Iterator[tuple[str, str, Job]]:
    """Yield the path, the name of the stage and the job, for all jobs that are to run."""
    for number, stage in enumerate(workflow.stages):
        for index, job in enumerate(stage.jobs):
            if job.runs:
                yield f"stages[{number}].jobs[{index}]", stage.name, job


def _job_problems(path: str, job: Job, settings: LocalSettings) -> Iterator[Problem]:
    if kind := KINDS.get(job.type):
        yield from kind.problems(job.spec, f"{path}.spec", settings)
    else:
        yield Problem(
            f"{path}.type", "the local runner does not run {type} jobs; use the runner zadig", {"type": job.type}
        )
