"""The body of a release-plan hook (Zadig v4.0 document "发布计划", section "Hook 外部系统").

Statuses and events keep the spelling of the sender; `core.status.canonical_status` and `ReleasePlanHook.event_name`
return Zadig's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from core.workflow.base import AnyJson, Int64, Many, NullIsZero, Text, Wire
from core.workflow.workflow import Workflow

LooseInt64 = Annotated[Int64, BeforeValidator(lambda value: value or 0)]
"""A number that the document's tables call a string: "52" is read as 52, "" as 0."""


class TextSpec(Wire):
    """A text item: its content and the remark given when it was done, both HTML."""

    content: Text = ""
    remark: Text = ""


class WorkflowSpec(Wire):
    """A workflow item: the workflow, the status of its run and the number of that run, 0 before the first."""

    workflow: Annotated[Workflow, NullIsZero()] = Workflow()
    status: Text = ""
    task_id: Int64 = 0


class HookJobBase(Wire):
    """An item of a plan.

    `status` is `todo`, `done`, `skipped`, `failed` or `running`; `executed_time` is in unix seconds, 0 before.
    """

    id: Text = ""
    name: Text = ""
    manager: Text = ""
    manager_id: Text = ""
    type: Text
    spec: AnyJson | Wire
    status: Text = ""
    executed_by: Text = ""
    executed_time: LooseInt64 = 0


class TextHookJob(HookJobBase):
    """A text item."""

    type: Literal["text"] = "text"
    spec: Annotated[TextSpec, NullIsZero()] = TextSpec()


class WorkflowHookJob(HookJobBase):
    """A workflow item."""

    type: Literal["workflow"] = "workflow"
    spec: Annotated[WorkflowSpec, NullIsZero()] = WorkflowSpec()


HookJob = Annotated[TextHookJob | WorkflowHookJob, Field(discriminator="type")]


class HookReleasePlan(Wire):
    """The plan when the event happened; times are unix seconds, 0 when not set.

    `instance_code` names the version of the plan: a receiver cannot call back without it.
    """

    id: Text
    index: LooseInt64 = 0
    event_name: Text = ""
    name: Text = ""
    manager: Text = ""
    manager_id: Text = ""
    start_time: Int64 = 0
    end_time: Int64 = 0
    schedule_execute_time: Int64 = 0
    description: Text = ""
    created_by: Text = ""
    create_time: Int64 = 0
    updated_by: Text = ""
    update_time: Int64 = 0
    instance_code: Text = ""
    jobs: Many[HookJob] = ()
    status: Text = ""
    planning_time: Int64 = 0
    approval_time: Int64 = 0
    executing_time: Int64 = 0
    success_time: Int64 = 0


class ReleasePlanHook(Wire):
    """The whole body. The plan without its envelope is read too."""

    object_kind: Text = "release_plan"
    event: Text = ""
    workflow: AnyJson = None
    release_plan: HookReleasePlan

    @model_validator(mode="before")
    @classmethod
    def _add_envelope(cls, body: Any) -> Any:
        """Add the envelope, which some senders leave out: the document's table starts inside it."""
        if isinstance(body, dict) and "release_plan" not in body and "event_name" in body:
            return {"event": body["event_name"], "release_plan": body}
        return body

    @property
    def event_name(self) -> str:
        """The name of the event: older Zadig and the document's example have `release_plan` in `event`."""
        return self.release_plan.event_name or self.event
