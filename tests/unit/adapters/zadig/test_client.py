from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession

from adapters.zadig.client import ZadigClient
from adapters.zadig.openapi_request import make_openapi_request
from core.errors import DeliveryError
from core.status import RunStatus
from tests.simulators.zadig import Zadig
from tests.simulators.zadig_plans import HookSetting, Plan
from tests.simulators.zadig_tasks import Task
from tests.unit.adapters.zadig.conftest import script, workflow


async def request_for(client: ZadigClient, ref: str = "plan/item/1") -> dict[str, Any]:
    detail = await client.get_workflow("shop", "shop-release")
    request = make_openapi_request(workflow(script()), detail, ref)
    assert request is not None
    return request


async def start(client: ZadigClient, zadig: Zadig) -> Task:
    started = await client.start(await request_for(client))
    assert zadig.complaints == []
    return zadig.tasks["shop-release", started.task_id]


async def test_a_task_is_started_followed_and_ends(client: ZadigClient, zadig: Zadig) -> None:
    task = await start(client, zadig)
    assert (await client.get_task("shop-release", task.id)).run_status is RunStatus.RUNNING

    await zadig.move(task, "failed", job="script", error="exit status 2")
    told = await client.get_task("shop-release", task.id)
    assert told.run_status is RunStatus.FAILED
    assert told.faults == ["build / script: exit status 2"]


async def test_a_status_that_zadig_leaves_out_means_running(client: ZadigClient, zadig: Zadig) -> None:
    task = await start(client, zadig)
    task.status = ""
    assert (await client.get_task("shop-release", task.id)).run_status is RunStatus.RUNNING


async def test_a_retry_reopens_the_same_task(client: ZadigClient, zadig: Zadig) -> None:
    task = await start(client, zadig)
    await zadig.move(task, "failed", error="no space left")
    await client.retry("shop", "shop-release", task.id)
    told = await client.get_task("shop-release", task.id)
    assert (told.task_id, told.run_status, told.end_time, told.faults) == (task.id, RunStatus.RUNNING, 0, [])


async def test_a_task_is_cancelled_unless_it_has_passed(client: ZadigClient, zadig: Zadig) -> None:
    task = await start(client, zadig)
    await client.cancel("shop-release", task.id)
    assert task.status == "cancelled"

    await zadig.move(task, "passed")
    with pytest.raises(DeliveryError, match="already passed") as caught:
        await client.cancel("shop-release", task.id)
    assert not caught.value.retryable


@pytest.mark.parametrize(("approve", "status"), [(True, RunStatus.RUNNING), (False, RunStatus.FAILED)])
async def test_an_approval_job_is_decided_by_its_job_name(
    client: ZadigClient, zadig: Zadig, *, approve: bool, status: RunStatus
) -> None:
    detail = await client.get_workflow("shop", "shop-release")
    sign_off = {"name": "sign-off", "type": "approval", "spec": {}}
    started = await client.start(make_openapi_request(workflow(sign_off), detail, "") or {})
    await zadig.move(zadig.only_task(), "wait_for_approval")
    assert (await client.get_task("shop-release", started.task_id)).run_status is RunStatus.WAITING

    await client.approve("shop-release", started.task_id, "sign-off", approve=approve, comment="seen")
    assert (await client.get_task("shop-release", started.task_id)).run_status is status
    assert zadig.approvals[0]["comment"] == "seen"


async def test_a_stage_that_waits_for_a_hand_goes_on(client: ZadigClient, zadig: Zadig) -> None:
    task = await start(client, zadig)
    await zadig.move(task, "pause")
    await client.run_stage("shop", "shop-release", task.id, "build")
    assert task.status == "running"


async def test_a_task_is_found_by_its_reference(client: ZadigClient, zadig: Zadig) -> None:
    since = datetime.now(UTC)
    for number in range(3):
        await client.start(await request_for(client, f"plan/item/{number}"))
    found = await client.find_task_by_reference("shop", "shop-release", "plan/item/1", since)
    assert found is not None
    assert found.task_id == 2
    assert await client.find_task_by_reference("shop", "shop-release", "plan/item/9", since) is None
    assert (
        await client.find_task_by_reference("shop", "shop-release", "plan/item/1", since + timedelta(hours=1)) is None
    )


async def test_a_start_without_an_answer_may_have_happened_and_is_found(client: ZadigClient, zadig: Zadig) -> None:
    since = datetime.now(UTC)
    request = await request_for(client)
    zadig.fail("start", how="hang", applied=True)
    with pytest.raises(DeliveryError) as caught:
        await client.start(request)
    assert caught.value.sent
    assert await client.find_task_by_reference("shop", "shop-release", "plan/item/1", since) is not None


@pytest.mark.parametrize("fault", [{"how": "close"}, {"status": 502}, {"status": 504}, {"how": "hang"}])
async def test_whether_a_broken_start_happened_is_unknown(
    client: ZadigClient, zadig: Zadig, fault: dict[str, Any]
) -> None:
    request = await request_for(client)
    zadig.fail("start", **fault)
    with pytest.raises(DeliveryError) as caught:
        await client.start(request)
    assert (caught.value.sent, caught.value.retryable) == (True, True)


async def test_a_zadig_that_is_down_was_not_asked(client: ZadigClient, zadig: Zadig) -> None:
    request = await request_for(client)
    await zadig.stop()
    with pytest.raises(DeliveryError, match="cannot be reached") as caught:
        await client.start(request)
    assert (caught.value.sent, caught.value.retryable) == (False, True)


async def test_zadigs_own_refusal_is_told_and_not_repeated(client: ZadigClient, zadig: Zadig) -> None:
    request = await request_for(client)
    zadig.workflows["shop-release"]["enable_approval_ticket"] = True
    with pytest.raises(DeliveryError, match=r"failed to create task \(6160\): workflow need approval ticket") as caught:
        await client.start(request)
    assert (caught.value.sent, caught.value.retryable) == (False, False)


async def test_a_plain_error_is_worth_repeating_only_in_reading(client: ZadigClient, zadig: Zadig) -> None:
    failure = {"type": "error", "message": "Internal Error", "code": 500, "description": "mongo is away", "extra": None}
    request = await request_for(client)
    zadig.fail("task", body=failure)
    with pytest.raises(DeliveryError, match="mongo is away") as reading:
        await client.get_task("shop-release", 1)
    zadig.fail("start", body=failure)
    with pytest.raises(DeliveryError, match="mongo is away") as starting:
        await client.start(request)
    assert (reading.value.retryable, starting.value.retryable) == (True, False)


async def test_a_busy_gateway_says_when_to_come_back(client: ZadigClient, zadig: Zadig) -> None:
    zadig.fail("task", status=429, retry_after=7)
    with pytest.raises(DeliveryError) as caught:
        await client.get_task("shop-release", 1)
    assert (caught.value.retryable, caught.value.retry_after) == (True, 7)


async def test_a_wrong_token_is_a_matter_for_the_settings(zadig: Zadig, session: ClientSession) -> None:
    with pytest.raises(DeliveryError, match=r"zadig\.token") as caught:
        await ZadigClient(session, zadig.url, "wrong-token").get_task("shop-release", 1)
    assert not caught.value.retryable
    assert "wrong-token" not in str(caught.value)


async def test_a_missing_right_is_told(client: ZadigClient, zadig: Zadig) -> None:
    zadig.refused_actions = frozenset({"retry"})
    with pytest.raises(DeliveryError, match="lacks the right"):
        await client.retry("shop", "shop-release", 1)


@pytest.mark.parametrize("fault", [{"status": 200}, {"status": 302}, {"status": 404}])
async def test_an_address_that_is_no_zadig_is_a_matter_for_the_settings(
    client: ZadigClient, zadig: Zadig, fault: dict[str, Any]
) -> None:
    zadig.fail("task", **fault)
    with pytest.raises(DeliveryError, match=r"zadig\.url") as caught:
        await client.get_task("shop-release", 1)
    assert not caught.value.retryable


async def test_what_is_not_there_is_told_with_zadigs_code(client: ZadigClient) -> None:
    with pytest.raises(DeliveryError, match=r"\(6161\)"):
        await client.get_task("shop-release", 7)
    with pytest.raises(DeliveryError, match=r"\(6542\)"):
        await client.get_workflow("shop", "no/such workflow")


async def test_the_page_of_a_task_is_safe_for_any_name(client: ZadigClient, zadig: Zadig) -> None:
    page = urlsplit(client.page_url("shop", "shop-release", 7, "商店 & release?"))
    assert page.path == "/v1/projects/detail/shop/pipelines/custom/shop-release/7"
    assert parse_qs(page.query) == {"display_name": ["商店 & release?"]}


async def test_the_check_of_a_plan_is_answered(client: ZadigClient, zadig: Zadig) -> None:
    zadig.plan_hook = HookSetting("http://127.0.0.1:1/", "t", frozenset({"start_execute", "all_job_done"}))
    plan = Plan("68b7ec363306e52e21b2dbe6", "release 52")
    await zadig.send_plan_hook(plan, "start_execute")

    await client.answer_check(plan.id, plan.instance_code, "start_execute", "executing", progress="2 of 3")
    assert (plan.progress, plan.status) == ("2 of 3", "wait_for_execute_external_check")
    await client.answer_check(plan.id, plan.instance_code, "start_execute", "success")
    assert plan.status == "executing"

    await zadig.send_plan_hook(plan, "all_job_done")
    await client.answer_check(plan.id, plan.instance_code, "all_job_done", "failed", reason="error rate")
    assert (plan.status, plan.failed_reason) == ("wait_for_all_done_external_check_failed", "error rate")


@pytest.mark.parametrize(("code", "event"), [("wrong", "start_execute"), (None, "all_job_done")])
async def test_a_check_that_is_not_waiting_refuses_the_answer(
    client: ZadigClient, zadig: Zadig, code: str | None, event: str
) -> None:
    zadig.plan_hook = HookSetting("http://127.0.0.1:1/", "t", frozenset({"start_execute", "all_job_done"}))
    plan = Plan("68b7ec363306e52e21b2dbe6", "release 52")
    await zadig.send_plan_hook(plan, "start_execute")
    with pytest.raises(DeliveryError):
        await client.answer_check(plan.id, code or plan.instance_code, event, "success")
    assert plan.status == "wait_for_execute_external_check"


async def test_an_outage_is_logged_once_and_so_is_its_end(
    client: ZadigClient, zadig: Zadig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with zadig.outage():
        for _ in range(2):
            with pytest.raises(DeliveryError):
                await client.get_workflow("shop", "shop-release")
    for _ in range(2):
        await client.get_workflow("shop", "shop-release")
    lost, back = caplog.records
    assert lost.getMessage() == "Zadig cannot be reached: Server disconnected; check zadig.url"
    assert (lost.levelname, back.levelname, back.getMessage()) == ("WARNING", "INFO", "Zadig can be reached again")
