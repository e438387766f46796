"""DingTalk is away, slow or busy: decisions are taken all the same, and the cards catch up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.dingtalk.validate import ROWS
from tests.clock import SharedClock
from tests.scenario.chats.dingtalk import DINGTALK, GROUP, DingTalkOffice
from tests.scenario.office import LINES_OF_SMALL_RELEASE, opened, step
from tests.waiting import PATIENCE

QA = [DINGTALK.stage("QA", "bob")]
GONE = {"code": "param.cardInstanceNotExist", "message": "卡片实例不存在", "requestid": "r1"}


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[DingTalkOffice]:
    async with DINGTALK.office(tmp_path, mode="http") as opened:
        yield opened


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"status": 200, "body": {"success": False}}, {"status": 400, "body": GONE}]
)
async def test_an_answer_whose_card_is_refused_is_a_message_with_commands(
    case: DingTalkOffice, fault: dict[str, Any]
) -> None:
    await case.fabu.submitted(stages=QA)
    await case.bob.card_with("Approve")
    case.ding.fail("card.create", **fault)
    assert "`approve 1`" in await case.bob.says("show 1")
    assert case.bob.answers == []


async def test_an_answer_is_sent_again_while_dingtalk_is_busy(case: DingTalkOffice) -> None:
    for operation in ("robot.session", "robot.users"):
        case.ding.fail(operation, status=503)
    assert "is not a command" in await case.bob.says("nonsense")
    case.ding.fail("robot.users", status=503)
    assert "is not a command" in await case.bob.says("nonsense", GROUP)


async def test_the_group_hears_that_somebody_cannot_be_written_to(case: DingTalkOffice) -> None:
    case.ding.fail("robot.users", status=400, body={"code": "invalidParameter", "message": "robot 不可用"})
    await case.bob.writes("nonsense", GROUP)
    await case.bob.until(lambda: any("I cannot write to you alone" in m.text for m in case.ding.robot_messages(GROUP)))


async def test_a_click_is_answered_while_dingtalk_takes_no_calls(case: DingTalkOffice) -> None:
    await case.fabu.submitted(stages=QA)
    card = await case.bob.card_with("Approve")
    with case.ding.outage():
        assert "#1 is now: executing" in await case.bob.clicks("Approve", on=card)
    await case.until_all_cards_show("executing")


async def test_a_command_counts_although_its_answer_cannot_be_given(case: DingTalkOffice) -> None:
    await case.fabu.submitted(stages=QA)
    await case.fabu.until_seen("bob")
    with case.ding.outage():
        await case.bob.writes("approve 1")
    assert await case.fabu.status() == "executing"
    await case.until_all_cards_show("executing")


async def test_cards_never_show_an_older_state_than_before(case: DingTalkOffice) -> None:
    items = [step(f"item{number}") for number in range(1, 9)]
    await case.fabu.submitted(*items)
    card = await case.channel_card("executing")
    for number in range(1, 9):
        if number == 3:
            case.ding.fail("card.update", status=503)
        await case.alice.writes(f"execute 1 item{number}")
    await case.channel_card("successful")
    done = ["".join(shown[name] for name in ROWS).count("✅") for shown in [*card.history, card.params]]
    assert done == sorted(done)
    assert done[-1] == 8


async def test_a_token_that_ran_out_is_replaced_unnoticed(case: DingTalkOffice) -> None:
    await case.fabu.submitted(stages=QA)
    await case.fabu.until_seen("bob")
    for verb in ("approve", "execute"):
        case.ding.tokens.expire()
        person = case.bob if verb == "approve" else case.alice
        await person.writes(f"{verb} 1 notes")
    await case.until_all_cards_show("successful")
    await case.alice.until(lambda: "The plan is complete" in case.thread())


async def test_a_token_is_replaced_before_it_runs_out(tmp_path: Path) -> None:
    async with DINGTALK.office(tmp_path, SharedClock) as case:
        await case.fabu.submitted(stages=QA)
        await case.bob.card_with("Approve")
        case.ding.clock.advance(7200 - 60)
        await case.fabu.until_seen("bob")
        await case.bob.writes("approve 1")
        await case.until_all_cards_show("executing")
        assert len(case.ding.calls_to("token")) == 2
        assert [call for call in case.ding.calls if call.status >= 400] == [], "DingTalk had no token to refuse"


async def test_a_card_whose_answer_got_lost_is_not_posted_again(case: DingTalkOffice) -> None:
    case.ding.fail("card.create", how="close", applied=True)
    await case.fabu.submitted()
    await case.alice.until(lambda: case.ding.cards(GROUP))
    await case.fabu.api("POST", "/plans/1/items/notes/execute", {})
    await case.channel_card("successful")
    assert len(case.ding.cards(GROUP)) == 1


@pytest.mark.parametrize("refusal", [{"status": 400, "body": GONE}, {"status": 200, "body": {"success": False}}])
async def test_a_card_that_can_be_changed_no_more_is_posted_anew(case: DingTalkOffice, refusal: dict[str, Any]) -> None:
    await case.fabu.submitted(step("notes"), step("announce"))
    old = await case.channel_card("executing")
    case.ding.fail("card.update", **refusal)
    await case.fabu.api("POST", "/plans/1/items/notes/execute", {})
    await case.alice.until(lambda: len(case.ding.cards(GROUP)) == 2)
    new = await case.channel_card("✅ 1 Notes")
    assert old.params["n1"].startswith("✋ 【1】Notes")
    await case.alice.clicks("Run", on=new)
    await case.channel_card("successful")
    assert len(case.ding.cards(GROUP)) == 2


async def test_after_a_restart_the_cards_are_the_same_and_tell_what_happened(tmp_path: Path) -> None:
    async with DINGTALK.simulator() as ding:
        settings = DINGTALK.settings(tmp_path, ding)
        async with opened(settings) as fabu:
            await DINGTALK.connect(ding, fabu)
            ding.fail("card.create", how="close", applied=True)
            await fabu.submitted(stages=QA)
            await ding.until(lambda: ding.calls_to("card.create"), PATIENCE)
            with ding.outage():
                await fabu.api("POST", "/plans/1/approve", {}, by="bob")
        async with opened(settings) as fabu:
            case = await DINGTALK.connect(ding, fabu)
            await case.until_all_cards_show("executing")
            await case.alice.clicks("Run", on=await case.channel_card("executing"))
            await case.until_all_cards_show("successful")
            assert len(ding.cards(GROUP)) == 1
            await case.alice.until(lambda: LINES_OF_SMALL_RELEASE[-1] in case.thread())


async def test_the_stream_is_opened_again(tmp_path: Path) -> None:
    async with DINGTALK.office(tmp_path) as case:
        await case.fabu.submitted(stages=QA)
        card = await case.bob.card_with("Approve")
        await case.ding.there(case.ding.gateway.drop())
        await case.bob.until(lambda: len(case.ding.gateway.opened) == 2 and case.ding.gateway.sockets)
        assert "executing" in await case.bob.clicks("Approve", on=card)


async def test_cards_wait_until_dingtalk_knows_where_clicks_go(tmp_path: Path) -> None:
    async with DINGTALK.simulator() as ding:
        settings = DINGTALK.settings(tmp_path, ding, mode="http")
        ding.fail("card.register", status=503)
        async with opened(settings) as fabu:
            case = await DINGTALK.connect(ding, fabu)
            await fabu.submitted(stages=QA)
            assert "`approve 1`" in await case.bob.says("show 1"), "what can be typed does not have to wait"
            assert "executing" in await case.bob.clicks("Approve")
            assert len(ding.calls_to("card.register")) == 2
