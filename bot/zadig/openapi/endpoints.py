"""The endpoints of Zadig's release-plan OpenAPI: list, create, show and change plans.

Source: Zadig `aslan/core/release_plan/handler/openapi.go`, `service/openapi.go`, `models/release_plan.go`. Fields,
lists and the shape of errors are Zadig's. Rights, masking, and what a plan's status allows are Fabu's, and so are the
HTTP statuses of errors, of which Zadig has only 400 and 500.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from adapters.common.http import json_answer
from adapters.hooks.body import render_plan
from bot.api.auth import authenticate
from bot.api.errors import language_of
from bot.api.request import ACTOR
from bot.api.routing import read_body, read_query, validate
from bot.i18n import Locale
from bot.services import SERVICES, Services
from bot.zadig.openapi.approval import render_approval
from bot.zadig.openapi.bodies import FullBody, PlanBody, fields_of, items_of
from bot.zadig.openapi.returned import own_approval
from core import commands as c
from core.commands import Verb
from core.context import Policy
from core.decide.planning import draft_of
from core.draft import PlanDraft, PlanPatch
from core.errors import FabuError, Invalid, NotFound, Problem, Thing, WrongStatus
from core.people import TokenScope
from core.plan import Plan, Stage
from core.ports.plans import PlanQuery
from core.ports.store import Reading
from core.status import ENDED, HookEvent, PlanStatus
from core.validate import problems_of

PATH = "/openapi/release_plan/v1"
_FIXED = ENDED | {PlanStatus.EXECUTING, PlanStatus.WAIT_FOR_APPROVAL}
"""The statuses in which a plan cannot be changed. In Zadig, a cancelled plan can; here it stays cancelled."""
_REF = re.compile(r"[\w-]{1,64}")
_DEEPEST = 10_000
"""How many plans may be skipped to reach a page."""


class Paging(BaseModel):
    """The page of a list; both parameters are required."""

    page: int = Field(alias="pageNum", ge=1, le=_DEEPEST)
    size: int = Field(alias="pageSize", ge=1, le=100)


def add_zadig_plans(app: web.Application) -> None:
    """Add the OpenAPI to an application that has the services and tokens."""
    for method, path, handler in (
        ("GET", PATH, list_plans),
        ("POST", PATH, create),
        ("GET", f"{PATH}/{{plan}}", show),
        ("PATCH", f"{PATH}/{{plan}}", change),
    ):
        app.router.add_route(method, path, _as_handler(handler))


async def list_plans(request: web.Request, services: Services) -> dict[str, Any]:
    """Answer one page of all plans, the newest first."""
    paging = read_query(request, Paging)
    skipped = (paging.page - 1) * paging.size
    if skipped > _DEEPEST:
        raise Invalid(
            Problem("pageNum", "the list goes on to {count} plans; ask for a page before", {"count": _DEEPEST})
        )

    def read(reading: Reading) -> tuple[list[Plan], int]:
        start = reading.plans.page(PlanQuery(limit=skipped)) if skipped else None
        total = sum(reading.plans.counts().values())
        if start and not start.next_cursor:
            return [], total
        page = reading.plans.page(PlanQuery(cursor=start.next_cursor if start else "", limit=paging.size))
        return [reading.plans.get(plan.id, whole=True) for plan in page.items], total

    plans, total = await services.store.read(read)
    return {"list": [_summary(plan, services) for plan in plans], "total": total}


async def create(request: web.Request, services: Services) -> dict[str, Any]:
    """Start a plan without items, which a later change adds. As in Zadig, its window may have begun long ago."""
    body = read_body(request, await request.read(), PlanBody)
    fields = fields_of(body, services.engine.directory)
    draft = validate(lambda: PlanDraft.model_validate(fields), fields)
    command = c.Create(plan_id=services.ids.new_plan(), draft=draft, as_in_zadig=True)
    await services.engine.execute(command, request[ACTOR])
    return {"id": command.plan_id}


async def show(request: web.Request, services: Services) -> dict[str, Any]:
    """Answer a plan with its items, its credentials masked."""
    plan = await _find_plan(request, services, _load_masked)
    code = plan.instance_code if request[ACTOR].admin else ""
    fields = render_plan(plan, "", plan.status, code, services.engine.directory)
    del fields["event_name"]
    return fields | {
        "version": plan.revision,
        "approval": render_approval(plan, services.engine.directory),
        "finish_planning_time": fields["planning_time"],
        "external_check_failed_reason": str(plan.check.reason) if plan.check else "",
        "callback_description": plan.check.progress if plan.check else "",
        "hook_settings": _hooks(plan, services.engine.policy),
        "jira_sprint_association": {"sprints": fields["jira_sprints"]},
    }


async def change(request: web.Request, services: Services) -> None:
    """Replace the content of a plan. A plan after planning returns to planning first, if the actor may do that."""
    body = read_body(request, await request.read(), FullBody)
    plan, engine, actor = await _find_plan(request, services), services.engine, request[ACTOR]
    fields = fields_of(body, engine.directory) | {"items": items_of(body.jobs, plan.items)}
    stages = plan.approval.stages if plan.controls else engine.policy.approval.stages(draft_of(plan))
    fields |= own_approval(fields.pop("approval"), plan, filter(_is_added, stages), engine.directory)
    patch = validate(lambda: PlanPatch.model_validate(fields), fields)
    if plan.status in _FIXED:
        raise WrongStatus(status=plan.status, verb=Verb.EDIT)
    edit = c.Edit(plan_id=plan.id, patch=patch, as_in_zadig=True)
    if plan.status is PlanStatus.PLANNING:
        await engine.execute(edit, actor)
        return
    before = draft_of(plan)
    if problems := problems_of(patch.apply_to(before), engine.context(actor), before, as_in_zadig=True):
        raise Invalid(*problems)
    await asyncio.gather(engine.execute(c.Replan(plan_id=plan.id), actor), engine.execute(edit, actor))


def _is_added(stage: Stage) -> bool:
    return bool(stage.policy)


def _hooks(plan: Plan, policy: Policy) -> dict[str, Any]:
    """Return the events that have hooks, and whether the plan waits at any. Targets and secrets are left out."""
    events = [event for event in HookEvent if policy.endpoints_for(event)]
    waits = any(policy.waits_at(event, plan) for event in events)
    return {"enable": bool(events), "enable_call_back": waits, "hook_events": events}


Load = Callable[[Reading, str], Plan]


def _load_whole(reading: Reading, plan_id: str) -> Plan:
    return reading.plans.get(plan_id, whole=True)


def _load_masked(reading: Reading, plan_id: str) -> Plan:
    return reading.plans.get_masked({plan_id})[plan_id]


async def _find_plan(request: web.Request, services: Services, load: Load = _load_whole) -> Plan:
    """Return the plan that the path names. Raises NotFound."""
    ref = request.match_info["plan"]
    if not _REF.fullmatch(ref):
        raise NotFound(Thing.PLAN, ref[:64].replace("\0", ""))
    return await services.store.read(lambda reading: load(reading, reading.plans.id_of(ref)))


def _summary(plan: Plan, services: Services) -> dict[str, Any]:
    name = services.engine.directory.name
    return {
        "id": plan.id,
        "index": plan.number,
        "name": plan.name,
        "manager": name(plan.manager),
        "description": plan.content.description if plan.content else "",
        "created_by": name(plan.created_by),
        "create_time": int(plan.created_at.timestamp()),
    }


Action = Callable[[web.Request, Services], Awaitable[dict[str, Any] | None]]


def _as_handler(action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return a handler that authenticates the caller, and answers success and errors as Zadig does."""

    async def handler(request: web.Request) -> web.Response:
        services = request.config_dict[SERVICES]
        try:
            actor = await authenticate(request)
            actor.require(TokenScope.READ if request.method == "GET" else TokenScope.PLAN)
            answer = await action(request, services)
        except FabuError as error:
            return _error_response(request, services, error)
        return json_answer({"message": "success"} if answer is None else answer)

    return handler


def _error_response(request: web.Request, services: Services, error: FabuError) -> web.Response:
    locale = Locale(language_of(request), services.settings.server.timezone)
    status = error.http_status
    answer = {"type": "error", "message": error.code, "code": status, "description": locale.error(error), "extra": None}
    return json_answer(answer, status)
