"""A whole release in Feishu, from its submission to its end: typed, clicked, over HTTP and over the long connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path

import pytest

from tests.scenario.feishu_case import GROUP, Office, button_of, in_feishu, office
from tests.scenario.office import eventually, script, step

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
STAGES = [in_feishu("QA", "bob", "@sre", rule=2), in_feishu("Operations", "dave")]
ITEMS = [
    step("notes", assignee="erin"),
    script("deploy", 'test "$FABU_ATTEMPT" -gt 1', needs=["notes"]),
    step("announce"),
]


@pytest.fixture(params=["http", "long_connection"])
async def case(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """An office where the app is reached in either way."""
    async with office(tmp_path, mode=request.param) as opened:
        opened.feishu.rate.limit = 100  # people are slower than this
        yield opened


async def test_a_whole_release_by_cards(case: Office) -> None:
    fabu, alice, bob, carol, dave, erin = case.fabu, case.alice, case.bob, case.carol, case.dave, case.erin
    await fabu.draft(*ITEMS, stages=STAGES)
    assert "#1 is now: waiting for approval." in await alice.says("submit 1", GROUP)

    assert (await bob.clicks("Approve")).toast == "Your approval counts. #1 now waits for stage QA."
    assert "say why you reject the plan" in (await carol.clicks("Reject")).toast
    assert "#1 is now: rejected." in (await carol.clicks("Reject", text="No rollback plan")).toast
    assert await fabu.status() == "denied"
    await bob.sees("rejected", "👎 Carol", "No rollback plan")

    card = await case.group_card("rejected")
    assert "#1 is now: planning." in (await alice.clicks("Replan", on=card)).toast
    card = await case.group_card("planning")
    await alice.clicks("Submit", on=card)
    assert "stage QA" in (await erin.clicks("Approve", text="Checked twice")).toast
    assert "stage Operations" in (await bob.clicks("Approve")).toast
    assert "#1 is now: executing." in (await dave.clicks("Approve")).toast

    assert (await erin.clicks("Done", text="Written in the wiki")).toast == "“Notes” is done. #1 is now: executing."
    await case.group_card("Written in the wiki")
    assert "“Deploy” is running" in (await alice.clicks("Execute", on=card, item="Deploy")).toast
    await case.group_card("❌ 2. Deploy", "exit code 1")
    await alice.clicks("Retry", on=card, item="Deploy")
    await case.group_card("✅ 2. Deploy")
    assert "skip" in (await alice.clicks("Skip", on=card, item="Announce")).toast
    answer = await alice.clicks("Skip", on=card, item="Announce", text="Nobody reads it")
    assert answer.toast == "“Announce” is skipped. #1 is now: successful."

    assert await fabu.status() == "success"
    shown = await case.until_all_cards_show("successful")
    assert len(shown) == 9, "the group's, three for the first stage in each round, Dave's, and Erin's for her item"
    assert not any(button_of(one, verb) for one in shown for verb in ("Approve", "Reject", "Done", "Skip", "Retry"))
    await alice.until(lambda: "The plan is complete" in case.thread())
    assert case.thread() == [*TOLD, await fabu.head()]
    assert (await fabu.log())[-1].event == "succeeded"


async def test_cards_in_chinese_change_their_colour_with_the_state(tmp_path: Path) -> None:
    async with office(tmp_path, language="zh_CN") as case:
        await case.fabu.draft(script("deploy", "sleep 1"), stages=[in_feishu("测试", "bob")], name="支付 2.4")
        assert await case.alice.says("提交 1", GROUP) == "已提交。#1 当前状态：等待审批。"
        card = await case.group_card("等待审批", "#1 支付 2.4")
        assert "请填写" in (await case.bob.clicks("驳回")).toast
        await case.bob.clicks("驳回", text="没有回滚方案")
        await case.group_card("拒绝", "没有回滚方案")
        await case.alice.clicks("重新规划", on=card)
        await case.group_card("规划中")
        await case.alice.clicks("提交", on=card)
        await case.bob.clicks("批准")
        await case.group_card("执行中")
        await case.alice.clicks("执行", on=card, item="Deploy")
        await case.group_card("运行中")
        await case.group_card("成功")
        colours = [content["header"]["template"] for content in [*card.history, card.content]]
        assert [colour for colour, _ in groupby(colours)] == ["orange", "red", "grey", "orange", "blue", "green"]


TYPOS = {
    "aprove 1": "没有“aprove”这个命令。你是想输入 `approve` 吗？",
    "批淮 1": "没有“批淮”这个命令。你是想输入 `批准` 吗？",
    "跳国1 2": "没有“跳国1”这个命令。你是想输入 `跳过` 吗？",
    "早上好": "没有“早上好”这个命令。发送 `帮助` 查看全部命令。",
    "驳回": "`驳回` 还需要计划编号。发送 `帮助` 查看写法。",
    "执行 1": "`执行` 还需要",
    "批准 99": "找不到计划 99。发送 `列表` 查看现有内容。",
    "执行 1 部署": "该计划没有发布项 部署。发送 `查看` 可列出其发布项。",
}


async def test_who_mistypes_is_told_what_may_be_meant(tmp_path: Path) -> None:
    async with office(tmp_path, language="zh_CN") as case:
        await case.fabu.submitted(step("notes"))
        for typed, answer in TYPOS.items():
            assert (await case.alice.says(typed, GROUP)).startswith(answer)
        assert await case.fabu.status() == "executing"


async def test_a_whole_release_by_chinese_words(case: Office) -> None:
    fabu, alice, bob, dave, erin = case.fabu, case.alice, case.bob, case.dave, case.erin
    await fabu.draft(*ITEMS, stages=[in_feishu("QA", "bob"), in_feishu("Operations", "dave")])
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

    assert "#1 Payments 2.4" in await alice.asks("列表", GROUP)
    assert "没有回滚方案" in await alice.asks("记录 1")
    help_text = await alice.asks("帮助", GROUP)
    assert "approve" in help_text
    assert await alice.asks("", GROUP) == help_text, "a mention alone asks for help"
    notes, _, announce = (await fabu.plan())["items"]
    assert (notes["remark"], announce["status"]) == ("写好了", "skipped")
    await case.until_all_cards_show("successful")
