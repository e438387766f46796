"""Zadig's workflows and Zadig's own plans from each chat: the document's example, and the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.dingtalk_case import text_of as dingtalk_text
from tests.scenario.office import eventually
from tests.scenario.slack_users import CHANNEL
from tests.scenario.three_chats import Three, three_chats
from tests.scenario.zadig_case import HOOK_TOKEN, examples, zadigs_plan
from tests.simulators.feishu_cards import text_of as feishu_text
from tests.simulators.slack_reading import text_of as slack_text
from tests.simulators.zadig import Zadig
from tests.simulators.zadig_plans import WAITING, HookSetting

CHATS = ("slack", "feishu", "dingtalk")
APPROVERS = {"slack": "bob", "feishu": "carol", "dingtalk": "erin"}


class Front:
    """What people do in one of the chats, in one way for all."""

    def __init__(self, case: Three, zadig: Zadig, chat: str) -> None:
        self.case, self.zadig, self.chat = case, zadig, chat
        self.approver: Any = case.in_slack("bob")
        if chat != "slack":
            self.approver = case.feishu.carol if chat == "feishu" else case.dingtalk.erin

    async def types(self, words: str) -> str:
        """Let Alice type words; return what is said."""
        if self.chat == "slack":
            return await self.case.in_slack("alice").types(words)
        office = self.case.feishu if self.chat == "feishu" else self.case.dingtalk
        return await office.alice.says(words)

    async def card(self, *words: str) -> Any:
        """Wait until the card of the plan, where all see it, shows these words."""
        if self.chat == "slack":
            slack = self.case.slack

            def newest() -> Any:
                shown = [message for message in slack.messages(CHANNEL) if message.blocks][-1:]
                return next((card for card in shown if all(word in slack_text(card) for word in words)), None)

            return await self.case.in_slack("alice").until(newest)
        return await (self.case.feishu if self.chat == "feishu" else self.case.dingtalk).group_card(*words)

    def read(self, card: Any) -> str:
        """Return what is read on a card."""
        if self.chat == "slack":
            return slack_text(card)
        return feishu_text(card.content) if self.chat == "feishu" else dingtalk_text(card)

    async def clicks(self, verb: str, on: Any = None, *, who: Any = None, text: str = "") -> None:
        """Click a button; Alice does unless told."""
        if self.chat == "slack":
            await (who or self.case.in_slack("alice")).clicks(verb, on)
            if text:
                await who.fills_in(text=text)
        elif self.chat == "feishu":
            await (who or self.case.feishu.alice).clicks(verb, on, text=text)
        else:
            await (who or self.case.dingtalk.alice).clicks(verb.lower(), on, text=text)


@pytest.fixture(params=CHATS)
async def front(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Front]:
    """One chat of a Fabu that is in all three, beside a Zadig."""
    gate = {"channel": request.param, "approvers": [APPROVERS[request.param]], "events": list(WAITING)}
    async with Zadig() as zadig:
        section = {"url": zadig.url, "token": zadig.token, "hook_token": HOOK_TOKEN, "gates": [gate]}
        async with three_chats(tmp_path, zadig=section) as case:
            case.feishu.feishu.rate.limit = 100  # people are slower than this
            address = f"{case.fabu.url}/zadig/hook"
            zadig.workflow_hook = HookSetting(address, HOOK_TOKEN, frozenset({"start_execute", "complete_execute"}))
            zadig.plan_hook = HookSetting(address, HOOK_TOKEN, frozenset(WAITING))
            yield Front(case, zadig, request.param)
            assert zadig.complaints == []


async def test_the_documents_example_runs_to_success_with_a_retry(front: Front) -> None:
    fabu, zadig = front.case.fabu, front.zadig
    plan, page = await fabu.submitted(*examples(zadig)), f"{zadig.url}/v1/projects/detail/"
    for number, item in enumerate(plan["items"], 1):
        name = item["name"]
        if item["type"] == "text":
            assert f"“{name}” is done" in await front.types(f"execute 1 {number} written")
            continue
        assert f"“{name}” is running" in await front.types(f"execute 1 {number}")
        await zadig.until(lambda: any(task.status == "created" for task in zadig.tasks.values()))
        (task,) = (task for task in zadig.tasks.values() if task.status == "created")
        await eventually(fabu.item, item["key"], wanted=lambda now: now["run"]["url"].startswith(page))
        if number == 1:
            await zadig.move(task, "failed", job="deploy", error="image not found")
            card = await front.card(f"❌ 1. {name}", "deploy / deploy: image not found")
            await front.clicks("Retry", card)
            await zadig.until(lambda task=task: task.restarted)  # type: ignore[misc]
            await eventually(fabu.item, item["key"], wanted=lambda now: now["run"]["status"] == "running")
        await zadig.move(task, "passed")
        await front.card(f"✅ {number}. {name}")
    await fabu.until_status("success")
    await front.card("successful")
    assert (await fabu.item("i0"))["run"]["attempt"] == 2
    assert len(zadig.tasks) == 3


@pytest.mark.parametrize("event", WAITING)
async def test_zadig_goes_on_when_it_is_approved_in_the_chat(front: Front, event: str) -> None:
    asked = zadigs_plan()
    assert await front.zadig.send_plan_hook(asked, event) == 200
    card = await front.approver.sees("release 52")
    shown = front.read(card)
    for told in ("deploy all: Shop release (shop)", "version=2.0", "build / script (freestyle)", "TARGET=dev"):
        assert told in shown
    assert "hunter2" not in shown
    await front.clicks("Approve", who=front.approver)
    await front.case.fabu.until_status("success")
    assert asked.status == {"start_execute": "executing", "all_job_done": "success"}.get(event, event)
    await front.card("Zadig took the answer.")


async def test_zadig_stops_with_the_reason_when_it_is_rejected_in_the_chat(front: Front) -> None:
    asked = zadigs_plan()
    assert await front.zadig.send_plan_hook(asked, "start_execute") == 200
    await front.clicks("Reject", who=front.approver, text="no rollback")
    await front.zadig.until(lambda: asked.failed_reason)
    assert (asked.status, asked.failed_reason) == ("wait_for_execute_external_check_failed", "no rollback")
    await front.card("No: no rollback.", "The system that asked is told so")


async def test_what_zadig_says_to_a_late_answer_is_shown(front: Front) -> None:
    asked = zadigs_plan()
    assert await front.zadig.send_plan_hook(asked, "start_execute") == 200
    await front.approver.sees("release 52")
    asked.status = "planning"
    asked.instance_code = "0123456789abcdef"
    await front.clicks("Approve", who=front.approver)
    await front.case.fabu.until_status("cancel")
    await front.card("instance code not match")
