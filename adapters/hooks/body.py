"""The body of a hook: a plan in the format of the document "发布计划", section "Hook 外部系统", as Zadig sends it.

It adds three fields to Zadig's: `revision`, `jira_sprints` and `audit`. `audit` is the head of the operation log: a
receiver that stores the body can prove later that the log has not been changed.

The names and their order are those of `core.workflow.ReleasePlanHook`, which parses a body and writes the same bytes.
The body is not rendered with that model: workflows are stored in the wire format, and parsing them again is slow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from core.effects import Hook
from core.people import Directory
from core.plan import Item, Plan, StoredSpec
from core.status import PlanStatus, RunStatus
from core.workflow import Workflow

_SYSTEM = "系统"
"""Zadig's name for itself as an actor; it does not translate it."""
_TASK_STATUS = {RunStatus.STARTING: "created", RunStatus.UNKNOWN: "failed"}
"""The document's run statuses that differ from ours; it has none for a run that is lost."""

_EMPTY = '"jobs":[]'
"""A stage without jobs, in the JSON of a workflow. It cannot occur inside a string, where quotes are escaped."""
_TASK = re.compile(r"(?:.*/)?([0-9]{1,18})")
"""The runner's number of a run, alone or after the name of its workflow: `43`, `deploy/43`."""


def render_body(plan: Plan, hook: Hook, directory: Directory, *, document_aliases: bool = False) -> bytes:
    """Return the body of a hook, as compact UTF-8 JSON.

    Status and instance code are those of the plan at the event, so that a callback to a late hook is known to be
    late. Everything else is the plan's present state.
    """
    body = render_plan(plan, hook.event, hook.status, hook.instance_code, directory, document_aliases=document_aliases)
    return orjson.dumps({"object_kind": "release_plan", "event": hook.event, "workflow": None, "release_plan": body})


def render_plan(
    plan: Plan, event: str, status: PlanStatus, code: str, directory: Directory, *, document_aliases: bool = False
) -> dict[str, Any]:
    """Return a whole plan in Zadig's format.

    Pass a plan from `PlanReads.get_masked`: credentials are not masked here. `document_aliases` adds the field names of
    the document's tables to Zadig's, for receivers that follow the document.
    """
    names, items = _Names(directory), plan.items_in_order
    return {
        "id": plan.id,
        "index": plan.number,
        "event_name": event,
        "name": plan.name,
        "manager": names[plan.manager],
        "manager_id": plan.manager,
        "start_time": _seconds(plan.window.start),
        "end_time": _seconds(plan.window.end),
        "schedule_execute_time": _seconds(plan.schedule_at),
        "description": plan.content.description if plan.content else "",
        "created_by": names[plan.created_by],
        "create_time": _seconds(plan.created_at),
        "updated_by": names[plan.updated_by],
        "update_time": _seconds(plan.updated_at),
        "instance_code": code,
        "jobs": [_job(item, names, document_aliases=document_aliases) for item in items],
        "status": status,
        "planning_time": _seconds(plan.planning_at),
        "approval_time": _seconds(plan.approval_at),
        "executing_time": _seconds(plan.executing_at),
        "success_time": _seconds(plan.success_at),
        "revision": plan.revision,
        "jira_sprints": list(plan.content.jira_sprints) if plan.content else [],
        "audit": {"seq": plan.log_seq, "hash": plan.log_head},
    }


class _Names:
    """The names of people on the wire, by id."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def __getitem__(self, person: str) -> str:
        return _SYSTEM if person == "system" else self._directory.name(person)


def _job(item: Item, names: _Names, *, document_aliases: bool) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "manager": names[item.assignee],
        "manager_id": item.assignee,
        "type": item.type,
        "spec": _text_spec(item) if item.type == "text" else _workflow_spec(item, document_aliases=document_aliases),
        "status": item.status,
        "executed_by": names[item.executed_by],
        "executed_time": _seconds(item.executed_at),
    }


def _text_spec(item: Item) -> dict[str, Any]:
    return {"content": (item.spec or {}).get("content", ""), "remark": item.remark}


def _workflow_spec(item: Item, *, document_aliases: bool) -> dict[str, Any]:
    run = item.run
    number = _TASK.fullmatch(run.external_id) if run else None
    return {
        "workflow": {} if item.spec is None else _workflow(item.spec, document_aliases=document_aliases),
        "status": _TASK_STATUS.get(run.status, run.status.value) if run else "",
        "task_id": int(number[1]) if number else 0,
    }


def _workflow(spec: Mapping[str, Any], *, document_aliases: bool) -> dict[str, Any] | orjson.Fragment:
    """Return a workflow without empty stages, which Zadig does not send; mostly this is the stored JSON, unparsed."""
    if isinstance(spec, StoredSpec) and not document_aliases and _EMPTY not in spec.text:
        return orjson.Fragment(spec.text)
    workflow = Workflow.model_validate(dict(spec)).dump(document_aliases=document_aliases)
    return workflow | {"stages": [stage for stage in workflow["stages"] if stage["jobs"]]}


def _seconds(time: datetime | None) -> int:
    return int(time.timestamp()) if time else 0
