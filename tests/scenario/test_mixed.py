"""One plan, and people who sit in Slack, in Feishu and in DingTalk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.scenario import dingtalk_case, feishu_case
from tests.scenario.office import PATIENCE, Fabu, Json, eventually, script, stage, step
from tests.scenario.slack_users import IDS, User
from tests.scenario.three_chats import Three
from tests.simulators.dingtalk import DingTalkSimulator
from tests.simulators.feishu import FeishuSimulator
from tests.simulators.feishu_platform import FeishuPlatform
from tests.simulators.slack import SlackSimulator

QA = stage("QA", "bob", "carol", "erin")
POSTED = {"slack": "http", "feishu": "http", "dingtalk": "http"}
CONNECTED = {"slack": "socket", "feishu": "long_connection", "dingtalk": "stream"}


@pytest.fixture
async def feishu() -> AsyncIterator[FeishuSimulator]:
    async with feishu_case.platform_of() as feishu:
        yield feishu


@pytest.fixture
async def ding() -> AsyncIterator[DingTalkSimulator]:
    async with dingtalk_case.platform_of() as ding:
        yield ding


@pytest.fixture
def people() -> dict[str, dict[str, Any]]:
    """Bob is in Slack, Carol in Feishu, Erin in DingTalk; Alice and Dave are in all three."""
    everywhere = {name: {"slack": IDS[name], "feishu": f"ou_{name}", "dingtalk": name} for name in ("alice", "dave")}
    return everywhere | {"bob": {"slack": IDS["bob"]}, "carol": {"feishu": "ou_carol"}, "erin": {"dingtalk": "erin"}}


@pytest.fixture
def modes() -> dict[str, str]:
    """How each chat reaches Fabu."""
    return POSTED


@pytest.fixture
def sections(modes: dict[str, str], feishu: FeishuSimulator, ding: DingTalkSimulator) -> Json:
    return {
        "slack": {"mode": modes["slack"]},
        "feishu": feishu_case.section_for(feishu, mode=modes["feishu"]),
        "dingtalk": dingtalk_case.section_for(ding, mode=modes["dingtalk"]),
    }


@pytest.fixture
async def case(
    fabu: Fabu, slack: SlackSimulator, feishu: FeishuSimulator, ding: DingTalkSimulator, modes: dict[str, str]
) -> Three:
    await dingtalk_case.connected(ding, fabu, fabu.services.settings)
    posted = modes["feishu"] == "http"
    platform = FeishuPlatform(feishu, f"{fabu.url}/feishu/events" if posted else "")
    if not posted:
        await feishu.until(lambda: feishu.sockets.open, PATIENCE)
    return Three(fabu, slack, feishu_case.Office(fabu, feishu, platform), dingtalk_case.Office(fabu, ding))


@pytest.mark.parametrize("modes", [POSTED, CONNECTED], ids=["posted", "connected"])
async def test_one_stage_is_decided_in_three_chats(case: Three, alice: User, bob: User) -> None:
    items = [step("notes"), script("deploy", "true", needs=["notes"]), step("announce")]
    await case.fabu.submitted(*items, stages=[QA])
    carol, erin = case.feishu.carol, case.dingtalk.erin
    await carol.clicks("Approve", text="fine with me")
    await case.until_all_cards_show("👍 Carol", "fine with me")
    await erin.clicks("approve")
    await bob.clicks("Approve")
    shown = await case.until_all_cards_show("executing", "👍 Bob", "👍 Carol", "👍 Erin")
    assert shown == dict.fromkeys(shown, 2), "in each chat the group's, and that of who is asked there"
    assert await case.votes() == ["carol", "erin", "bob"]

    await alice.types("execute 1 notes written")
    await case.feishu.alice.clicks("Execute", on=await case.feishu.group_card("written"), item="Deploy")
    card = await case.dingtalk.group_card("✅ 2. Deploy")
    await case.dingtalk.alice.clicks("skip", on=card, item="Announce", text="nobody reads it")
    await case.until_all_cards_show("successful", "👍 Carol")
    lines = await case.until_all_threads_end("The plan is complete", await case.fabu.head())
    for line in ("Carol: approved in stage QA — fine with me", "Alice: completed “Notes” — written"):
        assert line in lines
    await case.fabu.log()


async def test_a_rejection_in_one_chat_shows_in_all(case: Three, alice: User, bob: User) -> None:
    await case.fabu.submitted(stages=[QA])
    await bob.card_with("Approve")
    await case.dingtalk.erin.clicks("reject", text="no rollback plan")
    await case.until_all_cards_show("rejected", "👎 Erin", "no rollback plan")
    await case.feishu.alice.clicks("Replan", on=await case.feishu.group_card("rejected"))
    await alice.types("submit 1")
    for clicks in (bob.clicks("Approve"), case.feishu.carol.clicks("Approve"), case.dingtalk.erin.clicks("approve")):
        await clicks
    await case.until_all_cards_show("executing")


@pytest.mark.parametrize(("rule", "counted"), [("all", 3), (2, 2), ("any", 1)])
async def test_three_approve_at_the_same_instant(case: Three, bob: User, rule: str | int, counted: int) -> None:
    await case.fabu.submitted(stages=[QA | {"rule": rule}])
    carol, erin = case.feishu.carol, case.dingtalk.erin
    ours, theirs = await bob.card_with("Approve"), await carol.card_with("Approve")
    others = await erin.card_with("approve")
    await asyncio.gather(
        bob.clicks("Approve", on=ours), carol.clicks("Approve", on=theirs), erin.clicks("approve", on=others)
    )
    assert len(await case.votes()) == counted
    assert (await case.fabu.events()).count("stage_passed") == 1
    await case.until_all_cards_show("executing", *(f"👍 {name.title()}" for name in await case.votes()))
    await case.until_all_threads_end("The plan may be executed now")


@pytest.mark.parametrize("channel", ["slack", "feishu", "dingtalk"])
async def test_who_is_in_all_chats_is_asked_once_where_the_stage_is(case: Three, dave: User, channel: str) -> None:
    await case.fabu.submitted(stages=[stage("QA", "dave", channel=channel)])
    await case.until_all_cards_show("waiting for approval")

    async def count() -> dict[str, int]:
        return {chat: len(texts) for chat, texts in case.cards().items()}

    await eventually(count, wanted=lambda found: sum(found.values()) == 4)
    assert await count() == {"slack": 1, "feishu": 1, "dingtalk": 1} | {channel: 2}


async def test_the_same_person_counts_once_wherever_they_click(case: Three, dave: User) -> None:
    await case.fabu.submitted(stages=[stage("QA", "dave", "bob")])
    await dave.clicks("Approve")
    card = await case.dingtalk.group_card("👍 Dave")
    assert "already" in await case.dingtalk.dave.clicks("approve", on=card)
    assert await case.votes() == ["dave"]


async def test_a_delegate_sits_in_another_chat(case: Three, bob: User) -> None:
    await case.fabu.submitted(stages=[stage("QA", "bob")])
    await bob.types("delegate 1 erin")
    await case.dingtalk.erin.clicks("approve")
    await case.until_all_cards_show("executing", "Erin for Bob")


async def test_forms_of_two_vendors_and_cards_decide_one_plan(case: Three, bob: User) -> None:
    stages = [
        stage("QA", "erin", channel="dingtalk_instance"),
        stage("Security", "carol", channel="feishu_instance"),
        stage("Operations", "bob"),
    ]
    await case.fabu.submitted(stages=stages)
    form = await case.dingtalk.form()
    await case.dingtalk.ding.workflow.decide(form.instance_id, "erin", "agree")
    await eventually(case.fabu.events, wanted=lambda events: events.count("form_linked") == 2)
    [instance] = case.feishu.feishu.approvals.instances.values()
    await case.feishu.platform.decide("ou_carol", instance.instance_code, "APPROVED")
    await bob.clicks("Approve")
    await case.until_all_cards_show("executing", "👍 Bob", "👍 Carol", "👍 Erin")


@pytest.mark.parametrize("away", ["slack", "feishu", "dingtalk"])
async def test_one_chat_that_is_away_keeps_no_other_back(case: Three, away: str) -> None:
    simulators = {"slack": case.slack, "feishu": case.feishu.feishu, "dingtalk": case.dingtalk.ding}
    await case.fabu.submitted(stages=[QA | {"rule": 1}])
    await case.until_all_cards_show("waiting for approval")
    with simulators[away].outage():
        await case.fabu.api("POST", "/plans/1/approve", {}, by="bob")
        await eventually(_texts, case, away, wanted=lambda texts: all("executing" in text for text in texts))
    await case.until_all_cards_show("executing", "👍 Bob")
    await case.until_all_threads_end("The plan may be executed now")


async def _texts(case: Three, away: str) -> list[str]:
    return list(_others(case, away))


def _others(case: Three, away: str) -> Iterator[str]:
    for chat, texts in case.cards().items():
        if chat != away:
            yield from texts


class TestFoundByAddress:
    """People whose accounts have to be looked up."""

    @pytest.fixture
    def people(self, people: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return people | {"bob": {"email": "bob@example.com"}, "carol": {"email": "carol@example.com"}}

    async def test_a_chat_that_is_never_told_who_people_are_is_passed_over(self, case: Three) -> None:
        case.slack.fail("users.lookupByEmail", 50, status=200, body={"ok": False, "error": "missing_scope"})
        await case.fabu.submitted(stages=[stage("QA", "carol", channel="slack")])
        await case.feishu.carol.clicks("Approve")
        await case.until_all_cards_show("executing")

    async def test_a_chat_that_cannot_be_asked_keeps_no_other_back(self, case: Three, bob: User) -> None:
        with case.slack.outage():
            await case.fabu.submitted(stages=[stage("QA", "bob", "erin", channel="slack")])
            await case.feishu.group_card("waiting for approval")
            await case.dingtalk.group_card("waiting for approval")
            await case.dingtalk.erin.clicks("approve")
            await case.feishu.group_card("👍 Erin")
        await bob.clicks("Approve")
        await case.until_all_cards_show("executing")
        assert case.feishu.bob.cards == []
