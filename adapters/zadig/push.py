"""What Zadig pushes: the progress of a workflow, and the hooks of its own release plans.

Source: Zadig `aslan/core/common/service/webhooknotify/types.go` and `client.go`. The secret comes in clear in
`X-Zadig-Token`; there is no signature. A push may come late, twice or never, and `start_execute` comes before the task
is stored: it is a reason to look, not the truth.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from adapters.zadig.models import Answer, TaskStage, faults
from adapters.zadig.status import run_status
from core.errors import Invalid, Problem, Unauthorized
from core.status import RunStatus
from core.workflow import ReleasePlanHook
from core.workflow.base import Int64, Many, Text


@dataclass(frozen=True, slots=True)
class WorkflowPush:
    """The state of one task when it was pushed.

    `event` is `workflow` from a notification of the workflow itself, `start_execute` or `complete_execute` from the
    hook of the whole system. `plan_id` names the release plan of Zadig that started the task, if one did.
    """

    event: Literal["workflow", "start_execute", "complete_execute"]
    project: str
    workflow: str
    display_name: str
    task_id: int
    status: RunStatus
    faults: tuple[str, ...]
    plan_id: str


class _Plan(Answer):
    id: Text = ""


class _Workflow(Answer):
    task_id: Int64
    project_name: Text
    workflow_name: Text
    workflow_display_name: Text = ""
    release_plan: _Plan | None = None
    status: Text = ""
    error: Text = ""
    stages: Many[TaskStage] = ()


class _Envelope(Answer):
    object_kind: Text = ""


class _WorkflowEnvelope(Answer):
    event: Literal["workflow", "start_execute", "complete_execute"]
    workflow: _Workflow


def parse_push(raw: bytes, headers: Mapping[str, str], token: str) -> WorkflowPush | ReleasePlanHook:
    """Read a push whose `X-Zadig-Token` is `token`; `headers` are looked up without regard to case.

    Raises:
        Unauthorized: the token is wrong or missing, or none is agreed.
        Invalid: the body is not what Zadig sends, or nobody could answer it.
    """
    given = next((value for name, value in headers.items() if name.lower() == "x-zadig-token"), "")
    # aiohttp hands over bytes that are no UTF-8 as surrogates
    if not token or not hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode()):
        raise Unauthorized
    try:
        # `start_execute` is an event of both kinds
        if _Envelope.model_validate_json(raw).object_kind == "workflow":
            return _workflow_push(_WorkflowEnvelope.model_validate_json(raw))
        hook = ReleasePlanHook.model_validate_json(raw)
    except ValidationError as error:
        raise Invalid(*map(_problem, error.errors())) from error
    if not hook.release_plan.instance_code:
        raise Invalid(Problem("release_plan.instance_code", "without it nobody can call back; edit the plan in Zadig"))
    return hook


def _problem(flaw: ErrorDetails) -> Problem:
    return Problem(".".join(map(str, flaw["loc"])) or "body", "{reason}", {"reason": flaw["msg"]})


def _workflow_push(push: _WorkflowEnvelope) -> WorkflowPush:
    told = push.workflow
    return WorkflowPush(
        event=push.event,
        project=told.project_name,
        workflow=told.workflow_name,
        display_name=told.workflow_display_name,
        task_id=told.task_id,
        status=run_status(told.status),
        faults=tuple(faults(told.error, told.stages)),
        plan_id=told.release_plan.id if told.release_plan else "",
    )
