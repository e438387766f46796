"""Endpoints of release plans: create, list, read, change, copy and delete them, and one for each verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from bot.api.bodies import Copy, PlanFilter, Words, body_for
from bot.api.models import Listed, PlanAnswer
from bot.api.routing import KEY_HEADER, REVISION_HEADER, Call, Endpoint
from bot.cards.refs import Ref
from bot.chat.requests import make_command
from bot.verbs import WORDS
from core import commands as c
from core.commands import Verb
from core.decide.planning import draft_of
from core.draft import PlanDraft, PlanPatch, WindowDraft
from core.engine import Outcome
from core.errors import NotFound, StaleRevision, Thing
from core.people import TokenScope
from core.plan import Plan
from core.ports.plans import PlanQuery
from core.ports.store import Reading
from core.verbs import VERBS, Target

_PATHS = {Target.PLAN: "/plans/{id}", Target.ITEM: "/plans/{id}/items/{item}"}
EXAMPLE = {
    "name": "Release 2026-11",
    "manager": "alice",
    "window": {"start": None, "end": None},
    "approval": {"stages": [{"name": "QA", "channel": "native", "rule": "any", "approvers": ["bob", "@sre"]}]},
    "items": [
        {"key": "notes", "name": "Write the release notes", "type": "text", "content": "See the wiki."},
        {
            "key": "deploy",
            "name": "Deploy",
            "type": "workflow",
            "runner": "local",
            "needs": ["notes"],
            "workflow": {
                "name": "deploy",
                "stages": [
                    {"name": "all", "jobs": [{"name": "go", "type": "freestyle", "spec": {"script": "echo done"}}]}
                ],
            },
        },
    ],
}


async def create(call: Call[PlanDraft, None]) -> PlanAnswer:
    """Start a plan."""
    return await _create(call, c.Create(plan_id=call.services.ids.new_plan(), draft=call.body))


async def copy(call: Call[Copy, None]) -> PlanAnswer:
    """Start a plan with the content of another one; with its credentials only for those who may edit that one."""
    plan, body = await read_plan(call, whole=True), call.body
    may_edit = call.actor.admin or call.actor.id in (plan.manager, *plan.collaborators)
    draft = draft_of(plan) if may_edit else draft_of(plan).mask_credentials()
    window = body.window or _future_window(draft.window, call.services.clock.now())
    scheduled = draft.schedule_at if draft.schedule_at and draft.schedule_at > call.services.clock.now() else None
    changes = {"name": body.name or draft.name, "window": window, "schedule_at": body.schedule_at or scheduled}
    new, draft = call.services.ids.new_plan(), draft.model_copy(update=changes)
    return await _create(call, c.Create(plan_id=new, draft=draft, copied_from=plan.id, lineage=plan.line))


def _future_window(window: WindowDraft, now: datetime) -> WindowDraft:
    """Return a window, or an empty one when its start or end has passed."""
    past = [time for time in (window.start, window.end) if time and time < now]
    return WindowDraft() if past else window


async def _create(call: Call[Any, None], command: c.Create) -> PlanAnswer:
    answer = await _answer(call, await call.execute(command), whole=True)
    call.headers["Location"] = f"/api/v1/plans/{answer.id}"
    return answer


async def list_plans(call: Call[None, PlanFilter]) -> Listed[PlanAnswer]:
    """List plans, the newest first."""
    query, url, admin = call.query, call.services.settings.public_url, call.actor.admin
    plans = PlanQuery(query.status, query.manager, query.q, query.cursor, query.limit)
    page = await call.services.store.read(lambda reading: reading.plans.page(plans))
    return Listed[PlanAnswer].of(page, lambda plan: PlanAnswer.of(plan, url, with_code=admin, items=False))


async def show(call: Call[None, None]) -> PlanAnswer:
    """Answer a plan with its items."""
    return _answer_with_revision(call, await read_plan(call, whole=True))


async def edit(call: Call[PlanPatch, None]) -> PlanAnswer:
    """Change the fields in the body, of a plan that is in planning; of `window`, the start or the end alone too."""
    plan_id = await call.services.store.read(lambda reading: reading.plans.id_of(call.ref("id", Thing.PLAN)))
    command = c.Edit(plan_id=plan_id, patch=call.body, revision=call.revision)
    return await _answer(call, await call.execute(command), whole=True)


async def delete(call: Call[None, None]) -> None:
    """Hide a plan that is in planning or has ended."""
    await call.execute(make_command(Verb.DELETE, await _find_target(call), ""))


async def read_plan(call: Call[Any, Any], *, whole: bool = False) -> Plan:
    """Return the plan that the path names. Raises NotFound."""
    ref = call.ref("id", Thing.PLAN)
    return await call.services.store.read(lambda reading: reading.plans.get(reading.plans.id_of(ref), whole=whole))


async def _find_target(call: Call[Any, Any]) -> Ref:
    """Return the plan that the path names, with its item if it names one, and the revision if the caller expects one.

    Raises NotFound, and StaleRevision when the plan has another revision than the caller expects.
    """
    ref = call.ref("id", Thing.PLAN)
    expected = {call.revision, call.body.revision if isinstance(call.body, Words) else None} - {None}
    item = call.ref("item", Thing.ITEM) if "item" in call.request.match_info else ""

    def locate(reading: Reading) -> Ref:
        plan_id, nonce = reading.plans.id_of(ref), ""
        if expected:
            plan = reading.plans.get(plan_id)
            if stale := expected - {plan.revision}:
                raise StaleRevision(seen=stale.pop(), revision=plan.revision)
            nonce = plan.nonce
        return Ref(plan_id, nonce, _item_id(reading, plan_id, item) if item else "")

    return await call.services.store.read(locate)


def _item_id(reading: Reading, plan_id: str, ref: str) -> str:
    """Return the id of an item that is named by position or key. Another name is taken for an id, existing or not."""
    found = reading.plans.find_items(plan_id, ref)
    named = next((item.id for item in found if ref in (item.key, str(item.position))), ref)
    if not named.isascii():
        raise NotFound(Thing.ITEM, ref)
    return named


def _answer_with_revision(call: Call[Any, Any], plan: Plan) -> PlanAnswer:
    """Return the answer for a plan, and set its revision as ETag."""
    call.headers["ETag"] = f'"{plan.revision}"'
    return PlanAnswer.of(plan, call.services.settings.public_url, with_code=call.actor.admin)


async def _answer(call: Call[Any, Any], outcome: Outcome, *, whole: bool = False) -> PlanAnswer:
    """Return the plan after a command, with all its items: the engine has loaded only those that the command needed."""
    plan_id = outcome.plan.id
    plan = await call.services.store.read(lambda reading: reading.plans.get(plan_id, whole=whole))
    return _answer_with_revision(call, plan)


def _command(verb: Verb) -> Callable[[Call[Words, None]], Any]:
    async def command(call: Call[Words, None]) -> PlanAnswer:
        ref = await _find_target(call)
        return await _answer(call, await call.execute(make_command(verb, ref, call.body.text)))

    return command


def _verb_endpoints() -> Iterator[Endpoint]:
    """Yield an endpoint for each verb that has a summary, those of whole plans first."""
    for target, path in _PATHS.items():
        for verb, spec in VERBS.items():
            if spec.target is target and (summary := WORDS[verb].summary):
                yield Endpoint(
                    method="POST",
                    path=f"{path}/{verb.value}",
                    summary=summary,
                    handler=_command(verb),
                    answer=PlanAnswer,
                    body=body_for(spec.argument),
                    refusals=(404, 409, 412),
                    request_headers=(KEY_HEADER, REVISION_HEADER),
                    scope=spec.scope,
                )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="POST", path="/plans", summary="Start a plan", handler=create, answer=PlanAnswer, body=PlanDraft,
             status=201, refusals=(404, 409), request_headers=(KEY_HEADER,), example=EXAMPLE, scope=TokenScope.PLAN),
    Endpoint(method="GET", path="/plans", summary="List plans, the newest first", handler=list_plans,
             answer=Listed[PlanAnswer], query=PlanFilter),
    Endpoint(method="GET", path="/plans/{id}", summary="Read a plan", handler=show, answer=PlanAnswer,
             refusals=(404,)),
    Endpoint(method="PATCH", path="/plans/{id}", summary="Change what is planned", handler=edit, answer=PlanAnswer,
             body=PlanPatch, refusals=(404, 409, 412), request_headers=(REVISION_HEADER,), scope=TokenScope.PLAN,
             example={"name": "Release 2026-11, second try"}),
    Endpoint(method="DELETE", path="/plans/{id}", summary="Delete a draft, or a plan that is over", handler=delete,
             status=204, refusals=(404, 409, 412, 422), request_headers=(REVISION_HEADER,), scope=TokenScope.PLAN),
    Endpoint(method="POST", path="/plans/{id}/copy", summary="Start a plan from another one", handler=copy,
             answer=PlanAnswer, body=Copy, status=201, refusals=(404, 409), request_headers=(KEY_HEADER,),
             scope=TokenScope.PLAN,
             example={"name": "Release 2026-12"}),
    *_verb_endpoints(),
)  # fmt: skip
