"""One plan, and people who sit in Slack, in Feishu and in DingTalk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.scenario.chats.everywhere import MODES, Everywhere, everywhere, known_people
from tests.scenario.office import Json, script, stage, step
from tests.waiting import eventually

QA = stage("QA", "bob", "carol", "erin", channel="native")
CONNECTED = {"slack": "socket", "feishu": "long_connection", "dingtalk": "stream"}


@pytest.fixture
def modes() -> Mapping[str, str]:
    """How each chat reaches Fabu."""
    return MODES


@pytest.fixture
def people() -> Mapping[str, Json]:
    """How Fabu knows everybody."""
    return known_people()


@pytest.fixture
async def case(tmp_path: Path, modes: Mapping[str, str], people: Mapping[str, Json]) -> AsyncIterator[Everywhere]:
    async with everywhere(tmp_path, modes=modes, people=people) as opened:
        yield opened


@pytest.mark.parametrize("modes", [MODES, CONNECTED], ids=["posted", "connected"])
async def test_one_stage_is_decided_in_three_chats(case: Everywhere) -> None:
    items = [step("notes"), script("deploy", "true", needs=["notes"]), step("announce")]
    await case.fabu.submitted(*items, stages=[QA])
    carol, erin = case.feishu.carol, case.dingtalk.erin
    await carol.clicks("Approve", text="fine with me")
    await case.until_all_cards_show("👍 Carol", "fine with me")
    await erin.clicks("Approve")
    await case.slack.bob.clicks("Approve")
    shown = await case.until_all_cards_show("executing", "👍 Bob", "👍 Carol", "👍 Erin")
    assert shown == dict.fromkeys(shown, 2) | {"slack": 3}, "the group's, the approver's, and the manager's in Slack"
    assert [person for person, *_ in await case.fabu.votes()] == ["carol", "erin", "bob"]

    await case.slack.alice.says("execute 1 notes written")
    await case.feishu.alice.clicks("Run", on=await case.feishu.channel_card("written"), item="Deploy")
    card = await case.dingtalk.channel_card("✅ 2 Deploy")
    await case.dingtalk.alice.clicks("Skip", on=card, item="Announce", text="nobody reads it")
    await case.until_all_cards_show("successful", "👍 Carol")
    lines = await case.until_all_threads_end("The plan is complete", await case.fabu.head())
    for line in ("Carol: approved in stage QA — fine with me", "Alice: completed “Notes” — written"):
        assert line in lines
    await case.fabu.log()


async def test_a_rejection_in_one_chat_shows_in_all(case: Everywhere) -> None:
    await case.fabu.submitted(stages=[QA])
    await case.slack.bob.card_with("Approve")
    await case.dingtalk.erin.clicks("Reject", text="no rollback plan")
    await case.until_all_cards_show("rejected", "👎 Erin", "no rollback plan")
    await case.feishu.alice.clicks("Replan", on=await case.feishu.channel_card("rejected"))
    await case.slack.alice.says("submit 1")
    approvers = (case.slack.bob, case.feishu.carol, case.dingtalk.erin)
    for person in approvers:
        await person.clicks("Approve")
    for office in case.offices.values():
        await office.channel_card("executing")
    for person in approvers:
        await person.sees("executing", "👍 Erin")


@pytest.mark.parametrize(("rule", "counted"), [("all", 3), (2, 2), ("any", 1)])
async def test_three_approve_at_the_same_instant(case: Everywhere, rule: str | int, counted: int) -> None:
    await case.fabu.submitted(stages=[QA | {"rule": rule}])
    carol, erin = case.feishu.carol, case.dingtalk.erin
    ours, theirs = await case.slack.bob.card_with("Approve"), await carol.card_with("Approve")
    others = await erin.card_with("Approve")
    await asyncio.gather(
        case.slack.bob.clicks("Approve", on=ours), carol.clicks("Approve", on=theirs), erin.clicks("Approve", on=others)
    )
    voters = [person for person, *_ in await case.fabu.votes()]
    assert len(voters) == counted
    assert (await case.fabu.events()).count("stage_passed") == 1
    await case.until_all_cards_show("executing", *(f"👍 {name.title()}" for name in voters))
    await case.until_all_threads_end("The plan may be executed now")


@pytest.mark.parametrize("channel", ["slack", "feishu", "dingtalk"])
async def test_who_is_in_all_chats_is_asked_once_where_the_stage_is(case: Everywhere, channel: str) -> None:
    await case.fabu.submitted(stages=[stage("QA", "dave", channel=channel)])
    await case.until_all_cards_show("waiting for approval")

    async def count() -> dict[str, int]:
        return {chat: len(texts) for chat, texts in case.cards().items()}

    await eventually(count, wanted=lambda found: sum(found.values()) == 4)
    assert await count() == {"slack": 1, "feishu": 1, "dingtalk": 1} | {channel: 2}


async def test_the_same_person_counts_once_wherever_they_click(case: Everywhere) -> None:
    await case.fabu.submitted(stages=[stage("QA", "dave", "bob")])
    await case.slack.dave.clicks("Approve")
    card = await case.dingtalk.channel_card("👍 Dave")
    assert "already" in await case.dingtalk.dave.clicks("Approve", on=card)
    assert [person for person, *_ in await case.fabu.votes()] == ["dave"]


async def test_a_delegate_sits_in_another_chat(case: Everywhere) -> None:
    await case.fabu.submitted(stages=[stage("QA", "bob")])
    await case.slack.bob.says("delegate 1 erin")
    await case.dingtalk.erin.clicks("Approve")
    await case.until_all_cards_show("executing", "Erin for Bob")


async def test_forms_of_two_vendors_and_cards_decide_one_plan(case: Everywhere) -> None:
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
    await case.slack.bob.clicks("Approve")
    await case.until_all_cards_show("executing", "👍 Bob", "👍 Carol", "👍 Erin")


@pytest.mark.parametrize("away", ["slack", "feishu", "dingtalk"])
async def test_one_chat_that_is_away_keeps_no_other_back(case: Everywhere, away: str) -> None:

    async def others() -> list[str]:
        return [text for chat, texts in case.cards().items() if chat != away for text in texts]

    simulators = {"slack": case.slack.slack, "feishu": case.feishu.feishu, "dingtalk": case.dingtalk.ding}
    await case.fabu.submitted(stages=[QA | {"rule": 1}])
    await case.until_all_cards_show("waiting for approval")
    with simulators[away].outage():
        await case.fabu.api("POST", "/plans/1/approve", {}, by="bob")
        await eventually(others, wanted=lambda texts: all("executing" in text for text in texts))
    await case.until_all_cards_show("executing", "👍 Bob")
    await case.until_all_threads_end("The plan may be executed now")


class TestFoundByAddress:
    """People whose accounts have to be looked up."""

    @pytest.fixture
    def people(self) -> Mapping[str, Json]:
        return known_people() | {"bob": {"email": "bob@example.com"}, "carol": {"email": "carol@example.com"}}

    async def test_a_chat_that_is_never_told_who_people_are_is_passed_over(self, case: Everywhere) -> None:
        case.slack.slack.fail("users.lookupByEmail", 50, status=200, body={"ok": False, "error": "missing_scope"})
        await case.fabu.submitted(stages=[stage("QA", "carol", channel="slack")])
        await case.feishu.carol.clicks("Approve")
        await case.until_all_cards_show("executing")

    async def test_a_chat_that_cannot_be_asked_keeps_no_other_back(self, case: Everywhere) -> None:
        with case.slack.slack.outage():
            await case.fabu.submitted(stages=[stage("QA", "bob", "erin", channel="native")])
            await case.feishu.channel_card("waiting for approval")
            await case.dingtalk.channel_card("waiting for approval")
            await case.dingtalk.erin.clicks("Approve")
            await case.feishu.channel_card("👍 Erin")
        await case.slack.bob.clicks("Approve")
        await case.until_all_cards_show("executing")
        assert case.feishu.bob.cards == []
