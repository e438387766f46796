"""What Feishu alone shows of a release: the colour of its cards, a form as a card, links for the eyes of one."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from tests.scenario.chats.feishu import FEISHU, GROUP
from tests.scenario.office import script
from tests.simulators.feishu_cards import elements, text_of


async def test_cards_in_chinese_change_their_colour_with_the_state(tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with FEISHU.office(tmp_path, language="zh_CN") as case:
        await case.fabu.draft(
            script("deploy", f"until [ -e {go} ]; do sleep 0.05; done"),
            stages=[FEISHU.stage("测试", "bob")],
            name="支付 2.4",
        )
        assert await case.alice.says("提交 1", GROUP) == "已提交。#1 当前状态：等待审批。"
        card = await case.channel_card("等待审批", "#1 支付 2.4")
        assert "请填写" in await case.bob.clicks("驳回")
        await case.bob.clicks("驳回", text="没有回滚方案")
        await case.channel_card("拒绝", "没有回滚方案")
        await case.alice.clicks("重新规划", on=card)
        await case.channel_card("规划中")
        await case.alice.clicks("提交", on=card)
        await case.bob.clicks("同意")
        await case.channel_card("执行中")
        await case.alice.clicks("执行", on=card, item="Deploy")
        await case.channel_card("运行中")
        go.touch()
        await case.channel_card("成功")
        colours = [content["header"]["template"] for content in [*card.history, card.content]]
        assert [colour for colour, _ in groupby(colours)] == ["orange", "red", "grey", "orange", "blue", "green"]


async def test_a_plan_is_started_by_a_card_and_shown_by_a_command(tmp_path: Path) -> None:
    async with FEISHU.office(tmp_path) as case:
        await case.alice.writes("new")
        form = await case.alice.card_with("Create")
        names = [one["name"] for one, _ in elements(form.content) if one["tag"] == "input"]
        filled = dict(zip(names, ["Shop", "", "bob", "", "backup\ndeploy"], strict=True))
        wrong = await case.platform.click("ou_alice", form, "Create", filled | {names[3]: "soon"})
        assert wrong.body["toast"]["type"] == "error"
        assert wrong.card is None, "what was typed stays"
        created = await case.platform.click("ou_alice", form, "Create", filled)
        assert created.card is not None
        assert "#1 Shop" in text_of(created.card)
        assert "2 deploy" in await case.alice.asks("show 1", GROUP)


async def test_a_sign_in_link_is_given_alone_and_never_shown_to_a_group(tmp_path: Path) -> None:
    async with FEISHU.office(tmp_path) as case:
        assert "Others would see the link" in await case.alice.says("web", GROUP)
        assert "https://fabu.example.com/sign-in/" in await case.alice.says("web")
        assert case.feishu.messages_in(GROUP) == []
