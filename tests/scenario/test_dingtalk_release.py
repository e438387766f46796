"""What DingTalk alone shows of a release: reminders as messages, and cards that answer commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clock import SharedClock
from tests.scenario.chats.dingtalk import DINGTALK, GROUP, DingTalkOffice, narrow
from tests.scenario.office import step


@pytest.fixture(params=["http", "stream"])
async def case(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[DingTalkOffice]:
    """An office where the app is reached in either way."""
    async with DINGTALK.office(tmp_path, mode=request.param) as opened:
        yield opened


async def test_the_card_of_the_group_is_at_the_next_item(case: DingTalkOffice) -> None:
    await case.fabu.submitted(step("notes"), step("smoke"), stages=[DINGTALK.stage("QA", "bob")])
    await case.bob.clicks("Approve", text="可以发布")
    card = await case.channel_card("executing")
    assert card.params["n1"].startswith("✋ 【1】Notes · waits for a person")
    assert [card.params[f"n1_{name}"] for name in ("go", "execute", "retry", "skip")] == [
        "Done",
        "true",
        "false",
        "true",
    ]
    await case.alice.clicks("Done", on=card, text="已通知")
    await case.alice.until(lambda: card.params["n1"].startswith("✋ 【2】Smoke"))
    await case.alice.says("完成 1 smoke 正常", GROUP)
    await case.channel_card("successful")
    shown = [card.params[name] for name in ("status_color", "show_n1", "n1", "n1_ref")]
    assert shown == ["green", "false", "", ""]
    assert [item["remark"] for item in (await case.fabu.plan())["items"]] == ["已通知", "正常"]
    assert await case.fabu.votes() == [("bob", "approve", "可以发布")]


async def test_three_items_have_their_own_buttons(case: DingTalkOffice) -> None:
    items = [step(name, assignee="") for name in ("notes", "smoke", "announce", "report")]
    await case.fabu.submitted(*items)
    card = await case.channel_card("executing")
    assert [card.params[slot].splitlines()[0][:8] for slot in ("n1", "n2", "n3")] == [
        "✋ 【1】Not",
        "✋ 【2】Smo",
        "✋ 【3】Ann",
    ]
    assert "Report" in card.params["i1"]
    await case.alice.clicks("Skip", on=card, item="Smoke", text="测试环境已验证")
    await case.alice.until(lambda: card.params["n2"].startswith("✋ 【3】"))
    await case.alice.clicks("Done", on=card, item="Report", text="已发送")
    found = [(item["status"], item["remark"]) for item in (await case.fabu.plan())["items"]]
    assert found == [("todo", ""), ("skipped", "测试环境已验证"), ("todo", ""), ("done", "已发送")]


async def test_the_card_of_an_item_has_the_buttons_of_the_item(case: DingTalkOffice) -> None:
    await case.fabu.submitted(step("notes"), step("smoke"))
    await case.channel_card("executing")
    await case.alice.writes("show 1 smoke")
    [card] = await case.alice.until(lambda: case.alice.answers)
    assert "“Smoke” is done" in await case.alice.clicks("Done", on=card, item="Smoke", text="正常")
    assert [item["remark"] for item in (await case.fabu.plan())["items"]] == ["", "正常"]


async def test_what_waits_for_somebody_has_its_own_buttons(case: DingTalkOffice) -> None:
    await case.fabu.submitted(step("notes", assignee="bob"), name="Orders 1.0")
    await case.fabu.submitted(stages=[DINGTALK.stage("QA", "bob")])
    await case.fabu.until_seen("bob", 2)
    await case.bob.writes("list mine")
    [card] = await case.bob.until(lambda: case.bob.answers)
    await case.bob.clicks("Show", on=card, item="#2")
    assert card.params["title"] == "#2 Payments 2.4"
    assert card.params["show_approve"] == "true"


async def test_what_is_typed_is_answered_to_who_typed_it(case: DingTalkOffice) -> None:
    await case.fabu.draft()
    answers = {
        "列表": "#1 Payments 2.4",
        "帮助": "驳回 拒绝",
        "查看 9": "There is no plan 9",
        "aprove 1": "Did you mean `approve`",
    }
    for text, answer in answers.items():
        assert answer in narrow(await case.bob.says(text))


async def test_a_plan_is_started_by_a_line(case: DingTalkOffice) -> None:
    assert "started" in await case.bob.says("新建 订单服务")
    [card] = case.bob.answers
    assert (card.params["title"], card.params["show_submit"]) == ("#1 订单服务", "true")


async def test_who_has_not_voted_is_reminded_of_the_plan(tmp_path: Path) -> None:
    async with DINGTALK.office(tmp_path, SharedClock) as case:
        stages = [DINGTALK.stage("QA", "bob", "carol")]
        await case.fabu.submitted(stages=stages, approval={"remind_every": "1h", "expires_in": "2h"})
        await case.carol.clicks("Approve")
        await case.bob.card_with("Approve")
        case.ding.clock.advance(3601)
        await case.bob.sees("Waits for your approval", "59m left")
        case.ding.clock.advance(3600)
        await case.until_all_cards_show("timed out")
        assert case.carol.sentences == []


async def test_the_answer_to_a_command_shows_what_its_buttons_did(case: DingTalkOffice) -> None:
    await case.fabu.submitted(step("notes"), step("announce"), stages=[DINGTALK.stage("QA", "bob")])
    await case.bob.writes("查看 1")
    [card] = case.bob.answers
    assert "#1 is now: executing" in await case.bob.clicks("Approve", on=card)
    assert (card.params["status"], card.params["show_approve"]) == ("executing, 0 of 2 done", "false")
    await case.alice.writes("show 1")
    [card] = case.alice.answers
    assert "“Notes” is done" in await case.alice.clicks("Run", on=card)
    assert "Announce" in card.params["n1"]
    await case.fabu.api("POST", "/plans/1/cancel", {})
    assert "cancelled" in await case.alice.clicks("Run", on=card)
    assert (card.params["status"], card.params["n1_execute"]) == ("cancelled", "false")
