from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from adapters.zadig.runner import ZadigRunner
from adapters.zadig.settings import ZadigSettings
from core.errors import DeliveryError
from core.ports.runner import RunOrder, RunReport
from core.status import RunStatus
from core.workflow import ReleasePlanHook, Workflow, WorkflowHookJob
from tests.fixtures import hook_example
from tests.simulators.zadig import Zadig
from tests.unit.adapters.zadig.conftest import script, workflow


@pytest.fixture
async def runner(zadig: Zadig, session: ClientSession) -> AsyncIterator[ZadigRunner]:
    opened = ZadigRunner(ZadigSettings(url=zadig.url, token=SecretStr(zadig.token)), session)
    yield opened
    await opened.close()


def order(*jobs: dict[str, Any], **more: Any) -> RunOrder:
    return RunOrder(
        run_id="r1",
        plan_id="p1",
        plan_number=7,
        plan_name="Release 7",
        item_id="i1",
        item_name="Deploy",
        attempt=1,
        project="shop",
        workflow=workflow(*(jobs or (script(),))),
        actor="alice",
        requested_at=datetime.now(UTC),
        **more,
    )


def again(report: RunReport) -> RunOrder:
    """The order of the attempt that repeats another one."""
    return replace(order(), run_id="r2", attempt=2, previous=report.external_id)


async def test_a_run_starts_under_its_reference_and_links_to_its_page(runner: ZadigRunner, zadig: Zadig) -> None:
    started = await runner.start(order())
    assert (started.status, started.external_id) == (RunStatus.RUNNING, "shop-release/1")
    assert started.url == (
        f"{zadig.url}/v1/projects/detail/shop/pipelines/custom/shop-release/1?display_name=Shop+release"
    )
    params = {param["name"]: param["value"] for param in zadig.only_task().workflow["params"]}
    assert params["release_plan_ref"] == "fabu-7-i1-1"


async def test_what_zadig_would_skip_silently_fails_at_once_and_starts_nothing(
    runner: ZadigRunner, zadig: Zadig
) -> None:
    report = await runner.start(order(script(), {"name": "scirpt", "type": "freestyle", "spec": {}}))
    assert report.status is RunStatus.FAILED
    assert "Shop release has no job scirpt, so Zadig would skip it" in str(report.message)
    assert zadig.tasks == {}


async def test_what_the_openapi_cannot_say_starts_as_a_whole_workflow(runner: ZadigRunner, zadig: Zadig) -> None:
    job = {"name": "config", "type": "apollo", "spec": {"apolloID": "65f0000000000000000000cc", "namespaceList": []}}
    assert (await runner.start(order(job))).status is RunStatus.RUNNING
    assert len(zadig.calls_to("start-full")) == 1
    assert zadig.only_task().ran() == ["config"]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("passed", RunStatus.PASSED),
        ("reject", RunStatus.FAILED),
        ("queued", RunStatus.RUNNING),
        ("", RunStatus.RUNNING),
    ],
)
async def test_a_run_stands_as_its_task_does(runner: ZadigRunner, zadig: Zadig, status: str, told: RunStatus) -> None:
    started = await runner.start(order())
    zadig.only_task().status = status
    assert (await runner.status("r1", started.external_id, order())).status is told


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("pause", "build: somebody has to start this stage in Zadig"),
        ("wait_for_approval", "deploy / sign-off: somebody has to approve this in Zadig"),
        (
            "wait_for_manual_error_handling",
            "build / script: this failed; somebody has to say in Zadig whether to go on",
        ),
    ],
)
async def test_a_run_that_needs_a_person_says_what_for_and_where(
    runner: ZadigRunner, zadig: Zadig, status: str, message: str
) -> None:
    ordered = order(script(), {"name": "sign-off", "type": "approval", "spec": {}})
    started = await runner.start(ordered)
    await zadig.move(zadig.only_task(), status)
    report = await runner.status("r1", started.external_id, ordered)
    assert (report.status, str(report.message), report.url) == (RunStatus.WAITING, message, started.url)


async def test_a_failed_run_says_where_it_failed(runner: ZadigRunner, zadig: Zadig) -> None:
    started = await runner.start(order())
    await zadig.move(zadig.only_task(), "failed", job="script", error="exit status 2")
    report = await runner.status("r1", started.external_id, order())
    assert (report.status, str(report.message)) == (RunStatus.FAILED, "build / script: exit status 2")


async def test_a_task_that_vanished_is_unknown(runner: ZadigRunner, zadig: Zadig) -> None:
    started = await runner.start(order())
    zadig.tasks.clear()
    assert (await runner.status("r1", started.external_id, order())).status is RunStatus.UNKNOWN
    await runner.cancel("r1", started.external_id)


async def test_trouble_of_zadig_is_not_taken_for_a_vanished_task(runner: ZadigRunner, zadig: Zadig) -> None:
    started = await runner.start(order())
    zadig.fail("task", status=400, body={"code": 6161, "message": "failed to get task", "description": "timeout"})
    with pytest.raises(DeliveryError, match="timeout"):
        await runner.status("r1", started.external_id, order())


@pytest.mark.parametrize("status", ["failed", "timeout", "cancelled", "reject"])
async def test_a_retry_reopens_the_failed_task(runner: ZadigRunner, zadig: Zadig, status: str) -> None:
    started = await runner.start(order())
    await zadig.move(zadig.only_task(), status)
    report = await runner.start(again(started))
    assert report == replace(started, run_id="r2")
    assert zadig.only_task().restarted


@pytest.mark.parametrize("status", ["running", "passed"])
async def test_a_task_that_was_run_again_in_zadig_is_followed_not_doubled(
    runner: ZadigRunner, zadig: Zadig, status: str
) -> None:
    started = await runner.start(order())
    await zadig.move(zadig.only_task(), status)
    report = await runner.start(again(started))
    assert (report.run_id, report.status) == ("r2", RunStatus(status))
    assert len(zadig.calls_to("start")) == 1


@pytest.mark.parametrize("reason", ["vanished", "refused"])
async def test_a_retry_that_cannot_reopen_starts_anew(runner: ZadigRunner, zadig: Zadig, reason: str) -> None:
    started = await runner.start(order())
    await zadig.move(zadig.only_task(), "failed")
    if reason == "vanished":
        zadig.tasks.clear()
    else:
        zadig.fail("retry", body={"code": 500, "message": "Internal Error", "description": "cannot retry"})
    assert (await runner.start(again(started))).status is RunStatus.RUNNING
    assert len(zadig.calls_to("start")) == 2


async def test_a_start_that_nobody_answered_is_found_by_its_reference(runner: ZadigRunner, zadig: Zadig) -> None:
    assert await runner.find(order()) is None
    zadig.fail("start", how="hang", applied=True)
    with pytest.raises(DeliveryError) as caught:
        await runner.start(order())
    assert caught.value.sent
    found = await runner.find(order())
    assert found is not None
    assert found.external_id == "shop-release/1"


async def test_a_retry_that_nobody_answered_is_found(runner: ZadigRunner, zadig: Zadig) -> None:
    started = await runner.start(order())
    await zadig.move(zadig.only_task(), "failed")
    assert await runner.find(again(started)) is None
    zadig.fail("retry", how="close", applied=True)
    with pytest.raises(DeliveryError):
        await runner.start(again(started))
    found = await runner.find(again(started))
    assert found is not None
    assert (found.external_id, found.status) == ("shop-release/1", RunStatus.RUNNING)


async def test_a_cancelled_run_stops_its_task_and_an_ended_one_is_left_alone(runner: ZadigRunner, zadig: Zadig) -> None:
    started = await runner.start(order())
    for _ in range(2):
        await runner.cancel("r1", started.external_id)
    assert zadig.only_task().status == "cancelled"
    assert len(zadig.calls_to("cancel")) == 1


async def test_zadig_that_cannot_be_reached_was_told_nothing(runner: ZadigRunner, zadig: Zadig) -> None:
    await zadig.stop()
    with pytest.raises(DeliveryError) as caught:
        await runner.start(order())
    assert (caught.value.retryable, caught.value.sent) == (True, False)


def test_all_ten_job_types_can_be_planned_without_zadig(runner: ZadigRunner) -> None:
    hook = ReleasePlanHook.model_validate(hook_example())
    workflows = [job.spec.workflow for job in hook.release_plan.jobs if isinstance(job, WorkflowHookJob)]
    kinds = {job.type for flow in workflows for stage in flow.stages for job in stage.jobs}
    assert len(kinds) == 10
    assert [runner.problems(flow) for flow in workflows] == [[]] * len(workflows)


def test_what_can_be_told_without_zadig_is_told_at_once(runner: ZadigRunner) -> None:
    skipped = workflow(script() | {"run_policy": "skip"})
    nameless = Workflow(stages=workflow(script()).stages, enable_approval_ticket=True)
    assert [problem.path for problem in runner.problems(skipped)] == ["stages"]
    assert [problem.path for problem in runner.problems(nameless)] == ["name", "enable_approval_ticket"]
