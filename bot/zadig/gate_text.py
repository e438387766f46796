"""Describes a release plan of Zadig in lines of text, for those who approve it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.i18n import Locale
from bot.richtext import to_plain
from bot.zadig.openapi.bodies import time_of
from core.text import reveal_invisible
from core.workflow import HookReleasePlan, TextHookJob, Workflow, WorkflowJob, mask_credentials

_LONGEST = 90_000
"""The largest length of a text, in characters: a plan's description may have 100 000."""


def describe_plan(plan: HookReleasePlan, locale: Locale) -> str:
    """Return a text with the plan's items, services and parameters; credentials are masked.

    Raises Invalid for a number that is not a time.
    """
    return "\n".join(_lines(plan, locale))[:_LONGEST]


def _lines(plan: HookReleasePlan, locale: Locale) -> Iterator[str]:
    yield locale.text("Release plan #{number} of Zadig, manager: {manager}", number=plan.index, manager=plan.manager)
    start, end, schedule = (
        locale.time(time_of(getattr(plan, name), f"release_plan.{name}"))
        for name in ("start_time", "end_time", "schedule_execute_time")
    )
    if plan.start_time or plan.end_time:
        yield locale.text("Window") + f": {start} – {end}"
    if plan.schedule_execute_time:
        yield locale.text("Scheduled") + f": {schedule}"
    if description := to_plain(plan.description):
        yield description
    for number, job in enumerate(plan.jobs, 1):
        yield ""
        if isinstance(job, TextHookJob):
            yield f"{number}. {job.name}"
            yield to_plain(job.spec.content)
        else:
            workflow = job.spec.workflow
            yield f"{number}. {job.name}: {workflow.display_name or workflow.name} ({workflow.project})"
            yield from map(reveal_invisible, _workflow(mask_credentials(workflow)))


def _workflow(workflow: Workflow) -> Iterator[str]:
    if params := ", ".join(f"{param.name}={param.value}" for param in workflow.params if param.value):
        yield f"   {params}"
    for stage in workflow.stages:
        for job in stage.jobs:
            parts = "; ".join(_parts(job))
            yield f"   - {stage.name} / {job.name} ({job.type})" + (f": {parts}" if parts else "")


def _parts(job: WorkflowJob) -> Iterator[str]:
    """Yield the parts of a job's spec that matter: environment, SQL, and services with their images and branches."""
    spec = job.dump()["spec"]
    if not isinstance(spec, dict):
        return
    for key in ("env", "sql"):
        if spec.get(key):
            yield f"{key}={spec[key]}"
    for key, members in spec.items():
        if isinstance(members, list):
            yield from (text for member in members if isinstance(member, dict) and (text := _member(member, key)))


def _member(member: dict[str, Any], key: str) -> str:
    if key in ("envs", "kv"):
        return _assignment(member)
    names = ("service_name", "service_module", "name", "data_id", "namespace", "repo_name")
    images = [module.get("image") for module in member.get("modules") or [member]]
    details = [
        *(image for image in images if image),
        *(f"{repo.get('repo_name')}@{repo.get('branch')}" for repo in member.get("repos") or []),
        *filter(None, map(_assignment, [*(member.get("key_vals") or []), *(member.get("variable_kvs") or [])])),
    ]
    name = "/".join(str(member[part]) for part in names if member.get(part))
    return f"{name} ({', '.join(details)})" if name and details else name


def _assignment(variable: dict[str, Any]) -> str:
    return f"{variable.get('key')}={variable['value']}" if variable.get("value") else ""
