"""DingTalk is away, slow or busy: decisions are taken all the same, and the cards catch up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from tests.scenario.dingtalk_case import (
    GROUP,
    Office,
    connected,
    in_dingtalk,
    known_people,
    office,
    platform_of,
    section_for,
)
from tests.scenario.office import PATIENCE, TOLD_OF_SMALL_RELEASE, opened, step, written_for
from tests.scenario.slack_users import SharedClock
from tests.simulators.dingtalk import DingTalkSimulator

QA = [in_dingtalk("QA", "bob")]
GONE = {"code": "param.cardInstanceNotExist", "message": "卡片实例不存在", "requestid": "r1"}


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path, mode="http") as opened:
        yield opened


@pytest.mark.parametrize("failure", [{"how": "close"}, {"status": 500}, {"status": 429}])
async def test_a_release_goes_on_without_dingtalk_and_shows_afterwards(case: Office, failure: dict[str, Any]) -> None:
    await case.fabu.submitted(stages=QA)
    await case.bob.card_with("approve")
    with case.ding.outage(**{"how": "answer", **failure}):
        await case.fabu.api("POST", "/plans/1/approve", {}, by="bob")
        await case.fabu.api("POST", "/plans/1/items/notes/execute", {})
        assert await case.fabu.status() == "success"
        await case.bob.until(lambda: case.ding.calls[-1].fault)
    await case.until_all_cards_show("successful")
    told = [*TOLD_OF_SMALL_RELEASE, await case.fabu.head()]
    await case.alice.until(lambda: case.thread()[-1:] == told[-1:])
    assert case.thread() == told


async def test_a_click_is_answered_while_dingtalk_takes_no_calls(case: Office) -> None:
    await case.fabu.submitted(stages=QA)
    card = await case.bob.card_with("approve")
    with case.ding.outage():
        assert "#1 is now: executing" in await case.bob.clicks("approve", on=card)
    await case.until_all_cards_show("executing")


async def test_a_command_counts_although_its_answer_cannot_be_given(case: Office) -> None:
    await case.fabu.submitted(stages=QA)
    with case.ding.outage():
        await case.bob.writes("approve 1")
    assert await case.fabu.status() == "executing"
    await case.until_all_cards_show("executing")


async def test_cards_never_show_an_older_state_than_before(case: Office) -> None:
    items = [step(f"item{number}") for number in range(1, 9)]
    await case.fabu.submitted(*items)
    card = await case.group_card("executing")
    for number in range(1, 9):
        if number == 3:
            case.ding.fail("card.update", status=503)
        await case.alice.writes(f"execute 1 item{number}")
    await case.group_card("successful")
    done = [shown["items"].count("✅") for shown in [*card.history, card.params]]
    assert done == sorted(done)
    assert done[-1] == 8


async def test_a_token_that_ran_out_is_replaced_unnoticed(case: Office) -> None:
    await case.fabu.submitted(stages=QA)
    await case.bob.card_with("approve")
    for verb in ("approve", "execute"):
        case.ding.tokens.expire()
        person = case.bob if verb == "approve" else case.alice
        await person.writes(f"{verb} 1 notes")
    await case.until_all_cards_show("successful")
    await case.alice.until(lambda: "The plan is complete" in case.thread())


async def test_a_token_is_replaced_before_it_runs_out(tmp_path: Path) -> None:
    async with office(tmp_path, SharedClock) as case:
        await case.fabu.submitted(stages=QA)
        await case.bob.card_with("approve")
        case.ding.clock.advance(7200 - 60)
        await case.bob.writes("approve 1")
        await case.until_all_cards_show("executing")
        assert len(case.ding.calls_to("token")) == 2
        assert [call for call in case.ding.calls if call.status >= 400] == [], "DingTalk had no token to refuse"


async def test_a_call_that_hangs_holds_up_no_decision_and_no_other_plan(case: Office) -> None:
    case.ding.fail("card.create", how="hang")
    await case.fabu.submitted(name="Hangs")
    await case.alice.until(lambda: case.ding.calls_to("card.create"))
    await case.fabu.submitted(name="Goes on")
    for number in (1, 2):
        assert "successful" in await case.alice.says(f"execute {number} notes")
    await case.group_card("#2 Goes on", "successful")
    case.ding.release()
    await case.group_card("#1 Hangs", "successful")


async def test_a_card_whose_answer_got_lost_is_not_posted_again(case: Office) -> None:
    case.ding.fail("card.create", how="close", applied=True)
    await case.fabu.submitted()
    await case.alice.until(lambda: case.ding.cards(GROUP))
    await case.fabu.api("POST", "/plans/1/items/notes/execute", {})
    await case.group_card("successful")
    assert len(case.ding.cards(GROUP)) == 1


@pytest.mark.parametrize("refusal", [{"status": 400, "body": GONE}, {"status": 200, "body": {"success": False}}])
async def test_a_card_that_can_be_changed_no_more_is_posted_anew(case: Office, refusal: dict[str, Any]) -> None:
    await case.fabu.submitted(step("notes"), step("announce"))
    old = await case.group_card("executing")
    case.ding.fail("card.update", **refusal)
    await case.fabu.api("POST", "/plans/1/items/notes/execute", {})
    await case.alice.until(lambda: len(case.ding.cards(GROUP)) == 2)
    new = await case.group_card("✅ 1. Notes")
    assert "▫️ 1. Notes" in old.params["items"]
    await case.alice.clicks("execute", on=new)
    await case.group_card("successful")
    assert len(case.ding.cards(GROUP)) == 2


async def test_after_a_restart_the_cards_are_the_same_and_tell_what_happened(tmp_path: Path) -> None:
    async with platform_of() as ding:
        settings = settings_for(ding, tmp_path)
        async with opened(settings) as fabu:
            await connected(ding, fabu, settings)
            ding.fail("card.create", how="close", applied=True)
            await fabu.submitted(stages=QA)
            await ding.until(lambda: ding.calls_to("card.create"), PATIENCE)
            with ding.outage():
                await fabu.api("POST", "/plans/1/approve", {}, by="bob")
        async with opened(settings) as fabu:
            await connected(ding, fabu, settings)
            case = Office(fabu, ding)
            await case.until_all_cards_show("executing")
            await case.alice.clicks("execute", on=await case.group_card("executing"))
            await case.until_all_cards_show("successful")
            assert len(ding.cards(GROUP)) == 1
            await case.alice.until(lambda: TOLD_OF_SMALL_RELEASE[-1] in case.thread())


async def test_the_stream_is_opened_again(tmp_path: Path) -> None:
    async with office(tmp_path) as case:
        await case.fabu.submitted(stages=QA)
        card = await case.bob.card_with("approve")
        await case.ding.there(case.ding.gateway.drop())
        await case.bob.until(lambda: len(case.ding.gateway.opened) == 2 and case.ding.gateway.sockets)
        assert "executing" in await case.bob.clicks("approve", on=card)


async def test_cards_wait_until_dingtalk_knows_where_clicks_go(tmp_path: Path) -> None:
    async with platform_of() as ding:
        settings = settings_for(ding, tmp_path, mode="http")
        ding.fail("card.register", status=503)
        async with opened(settings) as fabu:
            await connected(ding, fabu, settings)
            await fabu.submitted(stages=QA)
            case = Office(fabu, ding)
            assert "`approve 1`" in await case.bob.says("show 1"), "what can be typed does not have to wait"
            assert "executing" in await case.bob.clicks("approve")
            assert len(ding.calls_to("card.register")) == 2


def settings_for(ding: DingTalkSimulator, folder: Path, **fields: Any) -> Settings:
    return Settings.model_validate(written_for(folder, known_people(), dingtalk=section_for(ding, **fields)))
