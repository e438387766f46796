"""Validates the workflow of a plan against the stored workflow in Zadig, before the start.

Zadig reports few of the problems: it skips a job with an unknown name, and ignores a service, a variable or a
repository that the stored workflow does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from adapters.zadig.client import REF_PARAM
from adapters.zadig.merging import find_same, identity_of
from adapters.zadig.models import WorkflowDetail, options_of
from adapters.zadig.passed_on import PASSED_ON
from core.errors import Problem
from core.workflow import Param, Workflow, WorkflowJob

Json = dict[str, Any]


def find_problems(workflow: Workflow, detail: WorkflowDetail) -> list[Problem]:
    """Return all problems, each with a path inside the workflow such as `stages[0].jobs[1].name`, and its cure."""
    places = [
        (f"stages[{s}].jobs[{j}]", job) for s, stage in enumerate(workflow.stages) for j, job in enumerate(stage.jobs)
    ]
    found = [problem for number, param in enumerate(workflow.params) for problem in _param(param, number, detail)]
    seen: set[str] = set()
    for path, job in places:
        found += _duplicate(job, path) if job.name in seen else _job(job, path, detail)
        seen.add(job.name)
    if not any(job.runs for _, job in places):
        found.append(Problem("stages", "no job would run; name at least one job of {workflow}", _of(detail)))
    return found


def _param(param: Param, number: int, detail: WorkflowDetail) -> Iterator[Problem]:
    stored = next((candidate for candidate in detail.params if candidate.name == param.name), None)
    if stored is None:
        known = ", ".join(candidate.name for candidate in detail.params if candidate.name != REF_PARAM)
        yield Problem(
            f"params[{number}].name",
            "{workflow} has no parameter {name}; it has: {known}",
            {**_of(detail), "name": param.name, "known": known},
        )
    elif stored.is_credential:
        return  # a problem would contain the value
    elif stored.type == "choice" and param.value:
        yield from _choice(f"params[{number}].value", [param.value], stored.choice_option)
    elif stored.type == "multi-select":
        yield from _choice(f"params[{number}].choice_value", param.choice_value, stored.choice_option)


def _choice(path: str, values: Iterable[str], options: Sequence[str]) -> Iterator[Problem]:
    for value in values:
        if value not in options:
            yield Problem(
                path,
                "{value} is not among the options; choose one of: {known}",
                {"value": value, "known": ", ".join(options)},
            )


def _duplicate(job: WorkflowJob, path: str) -> list[Problem]:
    return [Problem(f"{path}.name", "the job {name} is named twice; leave one of them out", {"name": job.name})]


def _job(job: WorkflowJob, path: str, detail: WorkflowDetail) -> list[Problem]:
    stored = detail.jobs.get(job.name)
    if stored is None:
        return [
            Problem(
                f"{path}.name",
                "{workflow} has no job {name}, so Zadig would skip it; its jobs are: {known}",
                {**_of(detail), "name": job.name, "known": ", ".join(detail.jobs)},
            )
        ]
    if stored.type != job.type:
        return [
            Problem(
                f"{path}.type",
                "the job {name} is of type {type} in Zadig; write that type and its fields",
                {"name": job.name, "type": stored.type},
            )
        ]
    given = job.dump_given().get("spec") or {}
    if not isinstance(given, dict) or not isinstance(stored.spec, dict):
        return []
    find = _spec if job.known else partial(_passed_on, kind=job.type)
    return list(find(given, stored.spec, f"{path}.spec"))


def _spec(ours: Json, theirs: Json, path: str) -> Iterator[Problem]:
    """Yield the members of lists in a spec that are no options in Zadig; lists without options are not checked."""
    yield from _variables(ours.get("envs", []), theirs.get("envs"), f"{path}.envs")
    for key, members in ours.items():
        options = {_name(option): option for option in options_of(theirs | ours, key)}
        for number, member in enumerate(members if options else ()):
            here, option = f"{path}.{key}[{number}]", options.get(_name(member))
            if option is None:
                yield Problem(
                    here,
                    "the workflow does not have {name} here, so Zadig would leave it out; it has: {known}",
                    {"name": _name(member), "known": ", ".join(options)},
                )
            else:
                yield from _variables(member.get("key_vals", []), option.get("key_vals"), f"{here}.key_vals")


def _passed_on(ours: Json, theirs: Json, path: str, *, kind: str) -> Iterator[Problem]:
    """Yield the members of the list of a job type, beyond the document's, that Zadig would ignore."""
    passed_on = PASSED_ON.get(kind)
    if passed_on is None or not passed_on.ignores_others:
        return
    known = passed_on.members(theirs)
    for number, member in enumerate(passed_on.members(ours)):
        if not find_same(member, known):
            yield Problem(
                f"{path}.{'.'.join(passed_on.place)}[{number}]",
                "the workflow does not have {name} here, so Zadig would leave it out; it has: {known}",
                {"name": identity_of(member), "known": ", ".join(map(identity_of, known))},
            )


def _variables(ours: list[Json], theirs: list[Json] | None, path: str) -> Iterator[Problem]:
    stored = {variable["key"]: variable for variable in theirs or []}
    for number, variable in enumerate(ours if theirs is not None else ()):
        known = stored.get(variable.get("key"))
        if known is None:
            yield Problem(
                f"{path}[{number}].key",
                "there is no variable {name}, so Zadig would ignore it; there are: {known}",
                {"name": variable.get("key", ""), "known": ", ".join(stored)},
            )
        elif "value" in variable and known.get("type") == "choice" and not known.get("is_credential"):
            yield from _choice(f"{path}[{number}].value", [variable["value"]], known.get("choice_option") or [])


def _name(member: Json) -> str:
    """Return the name of a service, a test or a scan: `service/module`, or its name."""
    return "/".join(member[key] for key in ("service_name", "service_module", "name") if member.get(key))


def _of(detail: WorkflowDetail) -> dict[str, object]:
    return {"workflow": detail.workflow_name or detail.workflow_key}
