"""Parses Zadig's pushes: the progress of a workflow, and the hooks of Zadig's own release plans.

Source: Zadig `aslan/core/common/service/webhooknotify/types.go` and `client.go`. The secret is sent in plain text in
`X-Zadig-Token`; there is no signature. A push may come late, twice or never, and `start_execute` comes before the task
is stored. Therefore a push only causes a request for the status of the task.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from adapters.zadig.models import Answer
from core.errors import Invalid, Problem, Unauthorized
from core.workflow import ReleasePlanHook
from core.workflow.base import Int64, Text


@dataclass(frozen=True, slots=True)
class WorkflowPush:
    """A push about one task."""

    workflow: str
    task_id: int


class _Workflow(Answer):
    task_id: Int64
    workflow_name: Text


class _Envelope(Answer):
    object_kind: Text = ""


class _WorkflowEnvelope(Answer):
    """The event is `workflow` for a notification of the workflow; the other two are of the hook of the whole system."""

    event: Literal["workflow", "start_execute", "complete_execute"]
    workflow: _Workflow


def parse_push(raw: bytes, headers: Mapping[str, str], token: str) -> WorkflowPush | ReleasePlanHook:
    """Parse a push whose `X-Zadig-Token` is `token`; the names of `headers` ignore case.

    Raises:
        Unauthorized: the token is wrong or missing, or `token` is empty.
        Invalid: the body is malformed, or has no instance code to answer with.
    """
    given = next((value for name, value in headers.items() if name.lower() == "x-zadig-token"), "")
    # aiohttp decodes header bytes that are not UTF-8 to surrogates
    if not token or not hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode()):
        raise Unauthorized
    try:
        # `start_execute` is an event of both kinds
        if _Envelope.model_validate_json(raw).object_kind == "workflow":
            workflow = _WorkflowEnvelope.model_validate_json(raw).workflow
            return WorkflowPush(workflow.workflow_name, workflow.task_id)
        hook = ReleasePlanHook.model_validate_json(raw)
    except ValidationError as error:
        raise Invalid(*map(_problem, error.errors())) from error
    if not hook.release_plan.instance_code:
        raise Invalid(Problem("release_plan.instance_code", "without it nobody can call back; edit the plan in Zadig"))
    return hook


def _problem(flaw: ErrorDetails) -> Problem:
    return Problem(".".join(map(str, flaw["loc"])) or "body", "{reason}", {"reason": flaw["msg"]})
