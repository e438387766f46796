"""The body of a hook: a plan in the format of the document "发布计划", section "Hook 外部系统", as Zadig sends it.

Beside Zadig's fields it has three of its own: `revision`, `jira_sprints` and `audit`, the head of the operation log, so
that whoever keeps the body can prove later what the log said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from core.people import Directory
from core.plan import Item, Plan, Run
from core.status import RunStatus
from core.workflow import (
    HookReleasePlan,
    ReleasePlanHook,
    TextHookJob,
    TextSpec,
    Workflow,
    WorkflowHookJob,
    WorkflowSpec,
    mask_credentials,
)

_SYSTEM = "系统"
"""What Zadig calls itself as the one who did something, in every language."""
_TASK_STATUS = {RunStatus.STARTING: "created", RunStatus.UNKNOWN: "failed"}
"""What runs are called in the document where it differs from ours: it has no word for a run that was lost."""

_TASK = re.compile(r"(?:.*/)?([0-9]{1,18})")
"""The number that a runner gave a run, alone or after the name of its workflow: `43`, `deploy/43`."""


def render(
    plan: Plan, event: str, moment: Mapping[str, Any], directory: Directory, *, document_aliases: bool = False
) -> bytes:
    """Return the body that tells of an event. The plan comes from `Reading.masked`: no credential is looked for here.

    `moment` holds the `status` and the `instance_code` that the plan had at the event: an answer to a hook that came
    late is then known to be late. Everything else is as it is now.
    """
    told = told_of(plan, event, moment, directory, masked=True)
    return ReleasePlanHook(event=event, release_plan=told).dump_json(document_aliases=document_aliases)


def told_of(
    plan: Plan, event: str, moment: Mapping[str, Any], directory: Directory, *, masked: bool = False
) -> HookReleasePlan:
    """Return a whole plan as Zadig tells of it, as `render` does; credentials are masked unless they are already."""
    names, items = _Names(directory), sorted(plan.items.values(), key=lambda item: item.position)
    return HookReleasePlan(
        id=plan.id,
        index=plan.number,
        event_name=event,
        name=plan.name,
        manager=names[plan.manager],
        manager_id=plan.manager,
        start_time=_seconds(plan.window.start),
        end_time=_seconds(plan.window.end),
        schedule_execute_time=_seconds(plan.schedule_at),
        description=plan.content.description if plan.content else "",
        created_by=names[plan.created_by],
        create_time=_seconds(plan.created_at),
        updated_by=names[plan.updated_by],
        update_time=_seconds(plan.updated_at),
        instance_code=moment["instance_code"],
        jobs=tuple(_job(item, names, masked=masked) for item in items),
        status=moment["status"],
        planning_time=_seconds(plan.planning_at),
        approval_time=_seconds(plan.approval_at),
        executing_time=_seconds(plan.executing_at),
        success_time=_seconds(plan.success_at),
        **_own_fields(plan),
    )


def _own_fields(plan: Plan) -> dict[str, Any]:
    return {
        "revision": plan.revision,
        "jira_sprints": [dict(sprint) for sprint in plan.content.jira_sprints] if plan.content else [],
        "audit": {"seq": plan.log_seq, "hash": plan.log_head},
    }


class _Names:
    """What people are called on the wire."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def __getitem__(self, person: str) -> str:
        return _SYSTEM if person == "system" else self._directory.name(person)


def _job(item: Item, names: _Names, *, masked: bool) -> TextHookJob | WorkflowHookJob:
    common: dict[str, Any] = {
        "id": item.id,
        "name": item.name,
        "manager": names[item.assignee],
        "manager_id": item.assignee,
        "status": item.status.value,
        "executed_by": names[item.executed_by],
        "executed_time": _seconds(item.executed_at),
    }
    spec = item.spec or {}
    if item.type == "text":
        return TextHookJob(**common, spec=TextSpec(content=spec.get("content", ""), remark=item.remark))
    workflow = Workflow.model_validate(spec)
    return WorkflowHookJob(**common, spec=_workflow_spec(workflow if masked else mask_credentials(workflow), item.run))


def _workflow_spec(workflow: Workflow, run: Run | None) -> WorkflowSpec:
    stages = tuple(stage for stage in workflow.stages if stage.jobs)  # Zadig sends no stage that is empty
    number = _TASK.fullmatch(run.external_id) if run else None
    return WorkflowSpec(
        workflow=workflow.model_copy(update={"stages": stages}),
        status=_TASK_STATUS.get(run.status, run.status.value) if run else "",
        task_id=int(number[1]) if number else 0,
    )


def _seconds(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
