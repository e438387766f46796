"""Zadig's workflows and Zadig's own plans from each chat: the document's example, and the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scenario.chats.everywhere import APPROVERS, Front, everywhere
from tests.scenario.office import stage
from tests.scenario.zadig_case import HOOK_TOKEN, examples, zadigs_plan
from tests.simulators.zadig import Zadig
from tests.simulators.zadig_plans import WAITING, HookSetting
from tests.waiting import eventually


@dataclass(frozen=True)
class Beside(Front):
    """A chat, and the Zadig beside it."""

    zadig: Zadig


@pytest.fixture(params=APPROVERS)
async def front(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Beside]:
    """One chat of a Fabu that is in all three, beside a Zadig."""
    gate = {"channel": request.param, "approvers": [APPROVERS[request.param]], "events": list(WAITING)}
    async with Zadig() as zadig:
        section = {"url": zadig.url, "token": zadig.token, "hook_token": HOOK_TOKEN, "gates": [gate]}
        async with everywhere(tmp_path, zadig=section) as case:
            case.feishu.feishu.rate.limit = 100  # people are slower than this
            address = f"{case.fabu.url}/zadig/hook"
            zadig.workflow_hook = HookSetting(address, HOOK_TOKEN, frozenset({"start_execute", "complete_execute"}))
            zadig.plan_hook = HookSetting(address, HOOK_TOKEN, frozenset(WAITING))
            yield Beside(case, request.param, zadig)
            assert zadig.complaints == []


async def test_the_documents_example_runs_to_success_with_a_retry(front: Beside) -> None:
    fabu, zadig = front.fabu, front.zadig
    plan, page = await fabu.submitted(*examples(zadig)), f"{zadig.url}/v1/projects/detail/"
    for number, item in enumerate(plan["items"], 1):
        name = item["name"]
        if item["type"] == "text":
            assert f"“{name}” is done" in await front.alice.says(f"execute 1 {number} written")
            continue
        assert f"“{name}” is running" in await front.alice.says(f"execute 1 {number}")
        await zadig.until(lambda: any(task.status == "created" for task in zadig.tasks.values()))
        (task,) = (task for task in zadig.tasks.values() if task.status == "created")
        await eventually(fabu.item, item["key"], wanted=lambda now: now["run"]["url"].startswith(page))
        if number == 1:
            await zadig.move(task, "failed", job="deploy", error="image not found")
            card = await front.office.channel_card(f"❌ 1 {name}", "deploy / deploy: image not found")
            await front.alice.clicks("Retry", on=card)
            await zadig.until(lambda task=task: task.restarted)  # type: ignore[misc]
            await eventually(fabu.item, item["key"], wanted=lambda now: now["run"]["status"] == "running")
        await zadig.move(task, "passed")
        await front.office.channel_card(f"✅ {number} {name}")
    await fabu.until_status("success")
    await front.office.channel_card("successful")
    assert (await fabu.item("i0"))["run"]["attempt"] == 2
    assert len(zadig.tasks) == 3


@pytest.mark.parametrize("status", ["pause", "wait_for_approval"])
async def test_an_approver_lets_go_on_what_waits_in_zadig(front: Beside, status: str) -> None:
    fabu, zadig, approver = front.fabu, front.zadig, APPROVERS[front.chat]
    job = {"name": "script", "type": "freestyle", "spec": {"envs": [{"key": "TARGET", "value": "prod"}]}}
    sign_off = {"name": "sign-off", "type": "approval", "spec": {}}
    stages = [{"name": "build", "jobs": [job, sign_off]}]
    item = {"key": "deploy", "name": "Deploy", "type": "workflow", "runner": "zadig", "project": "shop"}
    zadig.workflows["shop-release"]["stages"][0]["jobs"].append({**sign_off, "skipped": False})
    await fabu.submitted(
        {**item, "workflow": {"name": "shop-release", "stages": stages}},
        stages=[stage("QA", approver, channel="native")],
    )
    await fabu.api("POST", "/plans/1/approve", {}, by=approver)
    await front.alice.says("execute 1 deploy")
    await zadig.until(lambda: zadig.tasks)
    task = zadig.only_task()
    await eventually(fabu.item, "deploy", wanted=lambda now: now["run"]["status"] == "running")
    await zadig.move(task, status, job="sign-off" if status == "wait_for_approval" else "")
    await fabu.services.runs.poll()
    said = {
        "pause": "build: somebody has to start this stage",
        "wait_for_approval": "build / sign-off: somebody has to",
    }
    card = await front.office.channel_card("waits for a person", said[status])
    assert f"{zadig.url}/v1/projects/detail/shop" in str(vars(card)), "the link to the task's page"

    assert "Only those who approve this plan" in await front.alice.says("execute 1 deploy")
    assert task.status == status
    await front.approver.clicks("Let it go on", on=card)
    await zadig.until(lambda: task.status == "running")
    comments = [given["comment"] for given in zadig.approvals]
    assert comments == ([approver] if status == "wait_for_approval" else [])
    await zadig.move(task, "passed")
    await fabu.until_status("success")
    [entry] = [entry for entry in await fabu.log() if entry.event == "run_resumed"]
    assert (entry.actor, entry.via) == (approver, front.chat)


async def test_what_zadig_says_to_an_approver_whom_it_does_not_list_is_shown(front: Beside) -> None:
    fabu, zadig, approver = front.fabu, front.zadig, APPROVERS[front.chat]
    await fabu.submitted(examples(zadig)[0], stages=[stage("QA", approver, channel="native")])
    await fabu.api("POST", "/plans/1/approve", {}, by=approver)
    await front.alice.says("execute 1 1")
    await zadig.until(lambda: zadig.tasks)
    await eventually(fabu.item, "i0", wanted=lambda now: now["run"]["status"] == "running")
    await zadig.move(zadig.only_task(), "pause")
    await fabu.services.runs.poll()
    card = await front.office.channel_card("waits for a person", "somebody has to start this stage")
    body = {"code": 6169, "message": "failed to approve", "description": "fabu is not in the list of approvers"}
    zadig.fail("manual-exec", status=400, body=body)
    await front.approver.clicks("Let it go on", on=card)
    await front.office.channel_card("waits for a person", "fabu is not in the list of approvers")
    await front.approver.clicks("Let it go on", on=card)
    await zadig.until(lambda: zadig.only_task().status == "running")


@pytest.mark.parametrize("event", WAITING)
async def test_zadig_goes_on_when_it_is_approved_in_the_chat(front: Beside, event: str) -> None:
    asked = zadigs_plan()
    assert await front.zadig.send_plan_hook(asked, event) == 200
    card = await front.approver.sees("release 52")
    shown = front.approver.read(card)
    for told in ("deploy all: Shop release (shop)", "version=2.0", "build / script (freestyle)", "TARGET=dev"):
        assert told in shown
    assert "hunter2" not in shown
    await front.approver.clicks("Approve")
    await front.fabu.until_status("success")
    assert asked.status == {"start_execute": "executing", "all_job_done": "success"}.get(event, event)
    await front.office.channel_card("Zadig took the answer.")


async def test_zadig_stops_with_the_reason_when_it_is_rejected_in_the_chat(front: Beside) -> None:
    asked = zadigs_plan()
    assert await front.zadig.send_plan_hook(asked, "start_execute") == 200
    await front.approver.clicks("Reject", text="no rollback")
    await front.zadig.until(lambda: asked.failed_reason)
    assert (asked.status, asked.failed_reason) == ("wait_for_execute_external_check_failed", "no rollback")
    await front.office.channel_card("No: no rollback.", "The system that asked is told so")


async def test_what_zadig_says_to_a_late_answer_is_shown(front: Beside) -> None:
    asked = zadigs_plan()
    assert await front.zadig.send_plan_hook(asked, "start_execute") == 200
    await front.approver.sees("release 52")
    asked.status = "planning"
    asked.instance_code = "0123456789abcdef"
    await front.approver.clicks("Approve")
    await front.fabu.until_status("cancel")
    await front.office.channel_card("instance code not match")
