"""The simulated receiver against the simulated Zadig: what one sends is right for the other, and back."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession

from tests.simulators.receiver import Receiver
from tests.simulators.zadig import Zadig
from tests.simulators.zadig_plans import HookSetting, Plan

TEXT = {
    "id": "j1",
    "name": "announce",
    "manager": "alice",
    "manager_id": "",
    "type": "text",
    "spec": {"content": "<p>tell everybody</p>", "remark": ""},
    "status": "done",
    "executed_by": "alice",
    "executed_time": 1756893023,
}


@pytest.mark.parametrize(
    ("event", "result", "status"),
    [
        ("finish_planning", "success", "finish_planning"),
        ("start_execute", "success", "executing"),
        ("all_job_done", "success", "success"),
        ("all_job_done", "failed", "wait_for_all_done_external_check_failed"),
        ("start_execute", "executing", "wait_for_execute_external_check"),
    ],
)
async def test_a_receiver_accepts_zadigs_hook_and_zadig_its_answer(event: str, result: str, status: str) -> None:
    async with Zadig() as zadig, Receiver(token="hook-secret") as receiver, ClientSession() as session:
        zadig.plan_hook = HookSetting(receiver.hook_url, "hook-secret", frozenset({event}))
        plan = Plan("68b7ec363306e52e21b2dbe6", "发布 52", jobs=[TEXT])
        assert await zadig.send_plan_hook(plan, event) == 200
        (hook,) = receiver.hooks
        assert hook.problems == []

        bearer = {"Authorization": f"Bearer {zadig.token}"}
        answer = await receiver.call_back(session, zadig.url, hook, result, headers=bearer, failed_reason="why")
        assert answer == (200, {"message": "success"})
        assert plan.status == status


async def test_an_answer_with_another_code_is_refused() -> None:
    async with Zadig() as zadig, Receiver(token="hook-secret") as receiver, ClientSession() as session:
        zadig.plan_hook = HookSetting(receiver.hook_url, "hook-secret", frozenset({"start_execute"}))
        plan = Plan("68b7ec363306e52e21b2dbe6", "release 52")
        await zadig.send_plan_hook(plan, "start_execute")
        bearer = {"Authorization": f"Bearer {zadig.token}"}
        status, body = await receiver.call_back(
            session, zadig.url, receiver.hooks[0], headers=bearer, instance_code="0" * 16
        )
        assert (status, body["code"]) == (500, 500)
        assert plan.status == "wait_for_execute_external_check"
