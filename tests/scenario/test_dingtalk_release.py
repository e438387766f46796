"""A whole release in DingTalk, from its submission to its end: typed, clicked, over HTTP and over the Stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.dingtalk_case import GROUP, Office, in_dingtalk, office
from tests.scenario.office import eventually, script, step
from tests.scenario.slack_users import SharedClock
from tests.scenario.test_feishu_release import TYPOS

TOLD = """\
Alice: started the plan
Alice: finished the planning
Alice: asked for approval
Bob: approved in stage QA
Carol: rejected in stage QA — No rollback plan
The plan is rejected — No rollback plan
Alice: took the plan back to planning
Alice: finished the planning
Alice: asked for approval
Erin: approved in stage QA — Checked twice
Bob: approved in stage QA
Stage QA is complete
Dave: approved in stage Operations
Stage Operations is complete
The plan is approved
The plan may be executed now
Erin: completed “Notes” — Written in the wiki
Alice: started “Deploy”, attempt 1
System: “Deploy”: failed — all/go: exit code 1
Alice: started “Deploy”, attempt 2
System: “Deploy”: passed
Alice: skipped “Announce” — Nobody reads it
The plan is complete""".splitlines()
STAGES = [in_dingtalk("QA", "bob", "@sre", rule=2), in_dingtalk("Operations", "dave")]
ITEMS = [
    step("notes", assignee="erin"),
    script("deploy", 'test "$FABU_ATTEMPT" -gt 1', needs=["notes"]),
    step("announce", needs=["deploy"]),
]


@pytest.fixture(params=["http", "stream"])
async def case(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """An office where the app is reached in either way."""
    async with office(tmp_path, mode=request.param) as opened:
        yield opened


async def test_a_whole_release_by_cards(case: Office) -> None:
    fabu, alice, bob, carol, dave, erin = case.fabu, case.alice, case.bob, case.carol, case.dave, case.erin
    await fabu.draft(*ITEMS, stages=STAGES)
    assert "#1 is now: waiting for approval." in await alice.says("submit 1", GROUP)

    assert await bob.clicks("approve") == "Your approval counts. #1 now waits for stage QA."
    assert "say why you reject the plan" in await carol.clicks("reject")
    assert "#1 is now: rejected" in await carol.clicks("reject", text="No rollback plan")
    assert await fabu.status() == "denied"
    await bob.sees("rejected", "👎 Carol", "No rollback plan")

    card = await case.group_card("rejected")
    assert "#1 is now: planning" in await alice.clicks("replan", on=card)
    await alice.clicks("submit", on=await case.group_card("planning"))
    assert "stage QA" in await erin.clicks("approve", text="Checked twice")
    assert "stage Operations" in await bob.clicks("approve")
    assert "#1 is now: executing" in await dave.clicks("approve")

    assert await erin.clicks("execute", text="Written in the wiki") == "“Notes” is done. #1 is now: executing."
    card = await case.group_card("Written in the wiki")
    assert "“Deploy” is running" in await alice.clicks("execute", on=card, item="Deploy")
    await case.group_card("❌ 2. Deploy", "exit code 1")
    await alice.clicks("retry", on=card)
    await case.group_card("✅ 2. Deploy")
    assert "say why" in await alice.clicks("skip", on=card, item="Announce")
    answer = await alice.clicks("skip", on=card, text="Nobody reads it")
    assert answer == "“Announce” is skipped. #1 is now: successful."

    assert await fabu.status() == "success"
    shown = await case.until_all_cards_show("successful")
    assert len(shown) == 9, "the group's, three for the first stage in each round, Dave's, and Erin's for her item"
    assert {card.params[name] for card in shown for name in card.params if name.startswith("show_")} == {"false"}
    await alice.until(lambda: "The plan is complete" in case.thread())
    assert case.thread() == [*TOLD, await fabu.head()]
    assert (await fabu.log())[-1].event == "succeeded"


async def test_who_mistypes_is_told_what_may_be_meant(tmp_path: Path) -> None:
    async with office(tmp_path, language="zh_CN") as case:
        await case.fabu.submitted(step("notes"))
        for typed, answer in TYPOS.items():
            assert (await case.alice.says(typed, GROUP)).startswith(answer)
        assert await case.fabu.status() == "executing"


async def test_a_whole_release_by_chinese_words(case: Office) -> None:
    fabu, alice, bob, dave, erin = case.fabu, case.alice, case.bob, case.dave, case.erin
    await fabu.draft(*ITEMS, stages=[in_dingtalk("QA", "bob"), in_dingtalk("Operations", "dave")])
    assert "waiting for approval" in await alice.says("提交 1", GROUP)
    assert "say why" in await bob.says("驳回 1")
    assert "#1 is now: rejected" in await bob.says("驳回 #1 没有回滚方案", GROUP)
    assert "planning" in await alice.says("重新规划 1")
    assert "waiting for approval" in await alice.says("提交1")
    assert "stage Operations" in await bob.says("批准 1 没问题", GROUP)
    assert "executing" in await dave.says("同意 1")

    assert "“Notes” is done" in await erin.says("执行 1 notes 写好了")
    assert "“Deploy” is running" in await alice.says("执行 1 2", GROUP)
    await eventually(fabu.item, "deploy", wanted=lambda item: item["status"] == "failed")
    assert "“Deploy” is running" in await alice.says("重试 1 Deploy")
    await eventually(fabu.item, "deploy", wanted=lambda item: item["status"] == "done")
    assert "successful" in await alice.says("跳过 1 announce 不需要", GROUP)

    assert "#1 Payments 2.4" in await alice.says("列表", GROUP)
    assert "没有回滚方案" in await alice.says("记录 1")
    help_text = await alice.says("帮助", GROUP)
    assert "approve" in help_text
    assert await alice.says("", GROUP) == help_text, "a mention alone asks for help"
    notes, _, announce = (await fabu.plan())["items"]
    assert (notes["remark"], announce["status"]) == ("写好了", "skipped")
    await case.until_all_cards_show("successful")


async def test_who_has_not_voted_is_reminded_of_the_plan(tmp_path: Path) -> None:
    async with office(tmp_path, SharedClock) as case:
        stages = [in_dingtalk("QA", "bob", "carol")]
        await case.fabu.submitted(stages=stages, approval={"remind_every": "1h", "expires_in": "2h"})
        await case.carol.clicks("approve")
        await case.bob.card_with("approve")
        case.ding.clock.advance(3601)
        await case.bob.until(lambda: case.bob.told == ["#1 Payments 2.4\nSystem: reminded the approvers"])
        case.ding.clock.advance(3600)
        await case.until_all_cards_show("timed out")
        assert case.carol.told == []


async def test_the_answer_to_a_command_shows_what_its_buttons_did(case: Office) -> None:
    await case.fabu.submitted(step("notes"), step("announce"), stages=[in_dingtalk("QA", "bob")])
    await case.bob.writes("查看 1")
    [card] = case.bob.answers
    assert "#1 is now: executing" in await case.bob.clicks("approve", on=card)
    assert (card.params["status"], card.params["show_approve"]) == ("executing", "false")
    await case.alice.writes("show 1")
    [card] = case.alice.answers
    assert "“Notes” is done" in await case.alice.clicks("execute", on=card)
    assert "Announce" in card.params["item"]
    await case.fabu.api("POST", "/plans/1/cancel", {})
    assert "cancelled" in await case.alice.clicks("execute", on=card)
    assert (card.params["status"], card.params["show_execute"]) == ("cancelled", "false")
