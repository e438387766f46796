"""People in DingTalk who may not, who press twice or too late, whom Fabu knows in one way or another, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.chats.dingtalk import DINGTALK, GROUP, PHONES, DingTalkOffice, User
from tests.scenario.office import step

UNKNOWN = "Fabu does not know you yet. Ask an administrator to add dingtalk user {} to the people."


@pytest.fixture(params=["http", "stream"])
async def case(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[DingTalkOffice]:
    """An office where Bob and Carol have to decide on a plan."""
    async with DINGTALK.office(tmp_path, mode=request.param) as opened:
        items = [step("notes"), step("announce")]
        await opened.fabu.submitted(*items, stages=[DINGTALK.stage("QA", "bob", "carol", rule="any")])
        yield opened


async def test_who_is_no_approver_is_told_alone(case: DingTalkOffice) -> None:
    card = await case.channel_card("waiting for approval")
    assert "You are not an approver" in await case.erin.clicks("Approve", on=card)
    assert "approve" in await case.alice.clicks("Approve", on=card)
    assert case.bob.note(card) == case.carol.note(card) == ""
    assert await case.fabu.status() == "wait_for_approval"
    assert (await case.fabu.events()).count("refused") == 2


async def test_claims_in_a_click_give_no_right(case: DingTalkOffice) -> None:
    card = await case.channel_card("waiting for approval")
    claims = {"ref": card.params["ref"], "text": "", "userId": "bob", "person": "bob", "approver": "bob"}
    for user in ("erin", "nobody"):
        await case.ding.click_raw(user, card.out_track_id, ["approve"], claims)
    assert await case.fabu.votes() == []


async def test_two_presses_at_once_count_once(case: DingTalkOffice) -> None:
    card = await case.bob.card_with("Approve")
    params = {"ref": card.params["ref"], "text": ""}
    presses = (case.ding.click_raw("bob", card.out_track_id, ["approve"], params) for _ in range(5))
    assert [answer.status for answer in await asyncio.gather(*presses)] == [200] * 5
    assert (await case.fabu.events()).count("voted") == 1


async def test_two_people_at_once_are_both_answered(case: DingTalkOffice) -> None:
    cards = [await person.card_with("Approve") for person in (case.bob, case.carol)]
    notes = await asyncio.gather(case.bob.clicks("Approve", on=cards[0]), case.carol.clicks("Approve", on=cards[1]))
    assert sorted("#1 is now: executing" in note for note in notes) == [False, True]
    assert (await case.fabu.events()).count("voted") == 1
    await case.until_all_cards_show("executing")


async def test_an_outdated_card_is_replaced_by_what_is_true_now(case: DingTalkOffice) -> None:
    card = await case.bob.card_with("Approve")
    old = card.params["ref"]
    await case.alice.writes("replan 1")
    await case.alice.writes("submit 1")
    await case.bob.until(lambda: len(case.bob.cards) == 2)
    answer = await case.ding.click_raw("bob", card.out_track_id, ["approve"], {"ref": old, "text": ""})
    assert "out of date" in answer.body["userPrivateData"]["cardParamMap"]["note"]
    assert answer.body["cardData"]["cardParamMap"]["ref"] not in ("", old)
    assert await case.fabu.status() == "wait_for_approval"
    assert "executing" in await case.bob.clicks("Approve", on=case.bob.cards[1])


async def test_a_reference_of_nothing_does_nothing(case: DingTalkOffice) -> None:
    card = await case.bob.card_with("Approve")
    for ref in ("", "x", "." * 3, "a" * 5000, '{"plan": 1}', "../plans/1"):
        for verb in ("approve", "execute", "constructor"):
            answer = await case.ding.click_raw("bob", card.out_track_id, [verb], {"ref": ref, "text": ""})
            assert answer.status == 200
            assert answer.body["userPrivateData"]["cardParamMap"]["note"]
    foreign = await case.ding.click_raw("bob", card.out_track_id, [], {"ref": card.params["ref"], "text": ""})
    assert foreign.body == {}
    assert await case.fabu.events() == ["created", "finished", "submitted"]


async def test_strangers_and_leavers_are_nobody(case: DingTalkOffice) -> None:
    mallory = User(case.ding, "mallory")
    case.ding.add_user("mallory", "13900000000", "bob@example.com.evil.example")
    case.ding.groups[GROUP].add("mallory")
    assert await mallory.says("approve 1") == UNKNOWN.format("mallory")
    assert await mallory.clicks("Approve", on=await case.channel_card("waiting")) == UNKNOWN.format("mallory")
    case.ding.inactive.add("carol")
    assert await case.carol.says("approve 1") == UNKNOWN.format("carol")
    assert await case.fabu.status() == "wait_for_approval"


async def test_people_are_found_by_their_phone_and_asked_for_once(case: DingTalkOffice) -> None:
    await case.carol.clicks("Approve")
    assert "Nothing is waiting for you" in await case.carol.says("列表 我的")
    asked = [call.arguments["mobile"] for call in case.ding.calls_to("user.by_mobile")]
    assert asked.count(PHONES["carol"]) == 1


async def test_a_card_that_dingtalk_does_not_deliver_keeps_no_other_back(
    case: DingTalkOffice, caplog: pytest.LogCaptureFixture
) -> None:
    case.ding.undeliverable["bob"] = "the user has blocked the robot"
    await case.fabu.submitted(name="Second", stages=[DINGTALK.stage("QA", "bob", "carol", rule=1)])
    await case.carol.sees("#2 Second")
    await case.channel_card("#2 Second")
    assert all("Second" not in card.params["title"] for card in case.bob.cards)
    assert "#2 is now: executing" in await case.carol.clicks("Approve")
    await case.channel_card("#2 Second", "executing")
    assert "card not delivered: the user has blocked the robot" in caplog.text, "an answer with status 200 is read"


async def test_a_card_is_delivered_as_soon_as_dingtalk_can(case: DingTalkOffice) -> None:
    case.ding.undeliverable["bob"] = "the user has not opened the robot"
    await case.fabu.submitted(name="Second", stages=[DINGTALK.stage("QA", "bob", "carol")])
    await case.carol.sees("#2 Second")
    del case.ding.undeliverable["bob"]
    await case.carol.clicks("Approve")
    await case.bob.sees("#2 Second", "👍 Carol")
    assert "#2 is now: executing" in await case.bob.clicks("Approve")


async def test_sign_in_links_are_for_the_eyes_of_one(case: DingTalkOffice) -> None:
    assert "Others would see the link" in await case.bob.says("网页", GROUP)
    assert "https://fabu.example.com/sign-in/" in await case.bob.says("网页")
    assert [m.text for m in case.ding.robot_messages(GROUP) if "sign-in" in m.text] == []
