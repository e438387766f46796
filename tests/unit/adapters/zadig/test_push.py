from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web

from adapters.zadig.client import ZadigClient
from adapters.zadig.openapi_request import make_openapi_request
from adapters.zadig.push import WorkflowPush, parse_push
from adapters.zadig.status import run_status
from core.errors import DeliveryError, Invalid, Unauthorized
from core.status import RunStatus
from core.workflow import ReleasePlanHook
from tests.simulators.base import Simulator
from tests.simulators.zadig import Zadig
from tests.simulators.zadig_plans import HookSetting, Plan
from tests.simulators.zadig_workflows import stored_workflow
from tests.unit.adapters.zadig.conftest import script, workflow

TOKEN = "hook secret 密"


class Listener(Simulator):
    """Reads what Zadig pushes, as a route of the bot would."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[WorkflowPush | ReleasePlanHook] = []
        self.bodies: list[dict[str, Any]] = []
        self.stored: list[bool] = []
        self.client: ZadigClient | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/zadig", self._hear)]

    def setting(self, *events: str) -> HookSetting:
        return HookSetting(f"{self.url}/zadig", TOKEN, frozenset(events))

    async def _hear(self, request: web.Request) -> web.Response:
        push = parse_push(await request.read(), request.headers, TOKEN)
        self.heard.append(push)
        self.bodies.append(await request.json())
        if self.client and isinstance(push, WorkflowPush):
            try:
                await self.client.get_task(push.workflow, push.task_id)
                self.stored.append(True)
            except DeliveryError:
                self.stored.append(False)
        return web.Response()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    async with Listener() as simulator:
        yield simulator


async def start(client: ZadigClient) -> None:
    detail = await client.get_workflow("shop", "shop-release")
    await client.start(make_openapi_request(workflow(script()), detail, "") or {})


async def test_the_hook_of_the_system_tells_start_and_end(
    client: ZadigClient, zadig: Zadig, listener: Listener
) -> None:
    zadig.workflow_hook = listener.setting("start_execute", "complete_execute")
    await start(client)
    await zadig.move(zadig.only_task(), "failed", job="script", error="exit status 2")
    assert zadig.pushes == [("start_execute", 200), ("complete_execute", 200)]
    assert listener.heard == [WorkflowPush("shop-release", 1)] * 2
    assert [run_status(body["workflow"]["status"]) for body in listener.bodies] == [RunStatus.RUNNING, RunStatus.FAILED]


async def test_a_start_is_told_before_the_task_can_be_read(
    client: ZadigClient, zadig: Zadig, listener: Listener
) -> None:
    zadig.workflow_hook, listener.client = listener.setting("start_execute", "complete_execute"), client
    await start(client)
    await zadig.move(zadig.only_task(), "passed")
    assert listener.stored == [False, True]


async def test_a_notification_of_the_workflow_tells_what_the_system_does_not(
    client: ZadigClient, zadig: Zadig, listener: Listener
) -> None:
    zadig.workflow_hook = listener.setting("complete_execute")
    zadig.notification = listener.setting("pause", "reject")
    await start(client)
    for status in ("pause", "reject"):
        await zadig.move(zadig.only_task(), status)
    assert listener.heard == [WorkflowPush("shop-release", 1)] * 2
    pushed = [(body["event"], run_status(body["workflow"]["status"])) for body in listener.bodies]
    assert pushed == [("workflow", RunStatus.WAITING), ("workflow", RunStatus.FAILED)]


async def test_the_hook_of_a_plan_is_told_apart_and_can_be_answered(
    client: ZadigClient, zadig: Zadig, listener: Listener
) -> None:
    zadig.plan_hook = listener.setting("start_execute")
    plan = Plan("68b7ec363306e52e21b2dbe6", "release 52", jobs=[workflow_job()])
    assert await zadig.send_plan_hook(plan, "start_execute") == 200
    (hook,) = listener.heard
    assert isinstance(hook, ReleasePlanHook)
    told = hook.release_plan
    assert (hook.event_name, told.status, told.name) == ("start_execute", plan.status, "release 52")
    await client.answer_check(told.id, told.instance_code, hook.event_name, "success")
    assert plan.status == "executing"


def workflow_job() -> dict[str, Any]:
    return {
        "id": "j1",
        "name": "deploy",
        "manager": "alice",
        "manager_id": "",
        "type": "workflow",
        "spec": {"workflow": stored_workflow(), "status": "prepare", "task_id": 0},
        "status": "todo",
        "executed_by": "",
        "executed_time": 0,
    }


def body(**changes: Any) -> bytes:
    told = {"task_id": 1, "project_name": "shop", "workflow_name": "shop-release", "status": "passed", "stages": None}
    return json.dumps(
        {"object_kind": "workflow", "event": "workflow", "workflow": told, "release_plan": None} | changes
    ).encode()


def test_a_push_is_about_one_task() -> None:
    assert parse_push(body(), {"x-zadig-token": TOKEN}, TOKEN) == WorkflowPush("shop-release", 1)


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({"X-Zadig-Token": "wrong"}, TOKEN),
        ({"X-Zadig-Token": ""}, TOKEN),
        ({}, TOKEN),
        ({}, ""),
        ({"X-Zadig-Token": ""}, ""),
        ({"X-Zadig-Token": "é\udcff"}, TOKEN),
    ],
)
def test_a_push_without_the_agreed_token_is_refused(headers: Mapping[str, str], token: str) -> None:
    with pytest.raises(Unauthorized):
        parse_push(body(), headers, token)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'{"a": {"b"',
        b"\xff",
        body(event="deleted"),
        body(workflow=None),
        body(object_kind="release_plan", release_plan=None),
        body(object_kind="release_plan", release_plan={"id": "p", "event_name": "start_execute"}),
    ],
)
def test_a_push_that_is_malformed_is_invalid(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        parse_push(raw, {"X-Zadig-Token": TOKEN}, TOKEN)
    assert caught.value.problems
