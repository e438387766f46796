"""What the local runner can run of a workflow: its jobs as steps, or the problems that stand against it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.errors import Problem
from core.text import parse_duration
from core.workflow import FreestyleJob, FreestyleSpec, Job, KeyVal, SqlJob, Workflow

DEFAULT_TIMEOUT = timedelta(hours=1)
_LONGEST = timedelta(days=7)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEFT_OUT = frozenset({"skip", "default_not_run"})


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """A bash script; `timeout` in seconds."""

    name: str
    script: str
    variables: Mapping[str, str]
    timeout: float


@dataclass(frozen=True, slots=True)
class SqlStep:
    """Statements for a database of the settings; `timeout` in seconds."""

    name: str
    database: str
    statements: str
    timeout: float


Step = ScriptStep | SqlStep


class StepFailed(Exception):
    """A step did not do what it should; the text says why."""


def steps(workflow: Workflow, about: Mapping[str, str]) -> list[Step]:
    """Return what is to be run, in order, of a workflow without `problems`.

    Scripts see what the run is `about`, and the workflow's parameters, as variables. Repositories are not checked out:
    what a script needs, it fetches itself.
    """
    common = {**about, **{param.name: param.value for param in workflow.params if param.type != "repo"}}
    return [_step(f"{stage}/{job.name}", job, common) for _, stage, job in _jobs(workflow)]


def problems(workflow: Workflow, databases: Container[str]) -> list[Problem]:
    """Return what cannot be run here, all of it, with paths inside the workflow."""
    found = list(_names("params", [param.name for param in workflow.params if param.type != "repo"]))
    jobs = list(_jobs(workflow))
    if not jobs:
        found.append(Problem("stages", "no job would run; add one, or clear the run_policy of one"))
    for path, _, job in jobs:
        found += _job_problems(path, job, databases)
    return found


def _jobs(workflow: Workflow) -> Iterator[tuple[str, str, Job]]:
    """Yield the path, the stage's name and the job of all jobs that are to run."""
    for place, stage in enumerate(workflow.stages):
        for index, job in enumerate(stage.jobs):
            if job.run_policy not in _LEFT_OUT:
                yield f"stages[{place}].jobs[{index}]", stage.name, job


def _step(name: str, job: Job, common: Mapping[str, str]) -> Step:
    match job:
        case FreestyleJob(spec=spec):
            variables = {**common, **{variable.key: _value(variable) for variable in spec.envs}}
            return ScriptStep(name, spec.script, variables, _timeout(spec.timeout).total_seconds())
        case SqlJob(spec=spec):
            return SqlStep(name, spec.id, spec.sql, DEFAULT_TIMEOUT.total_seconds())
        case _:
            raise ValueError(f"the local runner does not run jobs of type {job.type}")


def _job_problems(path: str, job: Job, databases: Container[str]) -> Iterator[Problem]:
    match job:
        case FreestyleJob(spec=spec):
            yield from _script_problems(f"{path}.spec", spec)
        case SqlJob(spec=spec):
            if spec.id not in databases:
                yield Problem(
                    f"{path}.spec.id",
                    "there is no database {id}; add it to the setting local.databases",
                    {"id": spec.id},
                )
            if not spec.sql.strip():
                yield Problem(f"{path}.spec.sql", "write at least one statement")
        case _:
            yield Problem(
                f"{path}.type", "the local runner does not run {type} jobs; use the runner zadig", {"type": job.type}
            )


def _script_problems(path: str, spec: FreestyleSpec) -> Iterator[Problem]:
    if spec.freestyle_type:
        yield Problem(
            f"{path}.freestyle_type", "the local runner runs a script once, not for services; leave this empty"
        )
    if not spec.script.strip():
        yield Problem(f"{path}.script", "write the bash script to run")
    try:
        _timeout(spec.timeout)
    except ValueError:
        yield Problem(f"{path}.timeout", "write a duration of up to 7 days, such as 90s, 10m or 1h30m")
    yield from _names(f"{path}.envs", [variable.key for variable in spec.envs])


def _names(path: str, names: list[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if not _NAME.fullmatch(name):
            yield Problem(
                f"{path}[{index}]", "{name} cannot name a variable; use letters, digits and underscores", {"name": name}
            )


def _value(variable: KeyVal) -> str:
    return variable.value or ",".join(variable.choice_value)


def _timeout(text: str) -> timedelta:
    """Raises ValueError when it is no duration, or none that makes sense."""
    timeout = parse_duration(text) if text.strip() else DEFAULT_TIMEOUT
    if not timedelta(0) < timeout <= _LONGEST:
        raise ValueError("out of range")
    return timeout
