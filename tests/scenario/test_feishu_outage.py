"""Feishu is away, slow or busy, or cards grow old: decisions are taken all the same, and the cards catch up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.chats.feishu import FEISHU, GROUP, FeishuOffice
from tests.scenario.office import LINES_OF_SMALL_RELEASE, opened, step
from tests.simulators.feishu import UPDATABLE, Message
from tests.simulators.feishu_cards import text_of
from tests.waiting import PATIENCE

BUSY = {"code": 99991400, "msg": "request trigger frequency limit"}
STATES = ("waiting for approval", "executing", "successful")


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[FeishuOffice]:
    async with FEISHU.office(tmp_path) as opened:
        yield opened


def states(card: Message) -> list[str]:
    """Return what a card has shown, one after the other."""
    tags = [text_of(content).splitlines()[1] for content in [*card.history, card.content]]
    return list(dict.fromkeys(next(state for state in STATES if state in tag) for tag in tags))


async def test_a_click_is_answered_while_feishu_takes_no_calls_and_no_card_goes_back(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[FEISHU.stage("QA", "bob")])
    card = await case.channel_card("waiting for approval")
    await case.bob.card_with("Approve")
    with case.feishu.outage():
        answer = await case.bob.clicks("Approve")
        assert "#1 is now: executing." in answer
        await case.fabu.api("POST", "/plans/1/items/notes/execute", {})
        assert await case.fabu.status() == "success"
        await case.bob.until(lambda: case.feishu.calls[-1].fault)
    await case.until_all_cards_show("successful")
    assert states(card) == [one for one in STATES if one in states(card)], "never back to an earlier state"


@pytest.mark.parametrize("operation", ["im.message.create", "im.message.patch", "im.message.reply"])
async def test_a_refusal_in_a_good_answer_is_a_refusal(case: FeishuOffice, operation: str) -> None:
    case.feishu.fail(operation, status=200, body=BUSY)
    await case.fabu.submitted(stages=[FEISHU.stage("QA", "bob")])
    await case.bob.clicks("Approve")
    await case.until_all_cards_show("executing")
    await case.alice.until(lambda: case.thread()[-1:] == ["The plan may be executed now"])
    assert case.thread() == LINES_OF_SMALL_RELEASE[:-2]
    assert len(case.channel_cards) == 1


async def test_a_token_that_is_refused_is_renewed(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[FEISHU.stage("QA", "bob")])
    await case.bob.card_with("Approve")
    case.feishu.tokens.revoke()
    await case.bob.clicks("Approve")
    await case.until_all_cards_show("executing")
    assert len(case.feishu.calls_to("auth.token")) == 2


async def test_a_lost_answer_posts_no_card_twice(case: FeishuOffice) -> None:
    case.feishu.fail("im.message.create", status=502, applied=True)
    await case.fabu.submitted(stages=[FEISHU.stage("QA", "bob")])
    await case.bob.clicks("Approve")
    await case.until_all_cards_show("executing")
    assert (len(case.channel_cards), len(case.bob.cards)) == (1, 1)


async def test_an_answer_waits_until_feishu_takes_it(case: FeishuOffice) -> None:
    case.feishu.fail("im.message.create", times=2, status=400, body=BUSY)
    assert "Plan #1 “Shop” is started." in await case.alice.says("new Shop", GROUP)
    assert [call.status for call in case.feishu.calls_to("im.message.create")] == [400, 400, 200]


async def test_the_group_hears_that_somebody_cannot_be_written_to(case: FeishuOffice) -> None:
    case.feishu.fail(
        "im.message.create", status=400, body={"code": 230013, "msg": "Bot has NO availability to this user"}
    )
    asked = await case.alice.writes("nonsense", GROUP)
    [answer] = await case.alice.until(lambda: case.alice.replies_to(asked, "post"))
    assert answer.text == "I cannot write to you alone. Open a chat with me, and ask there."


@pytest.mark.parametrize("words", ["help", "nonsense"])
async def test_an_answer_is_sent_to_the_person_when_the_question_was_recalled(case: FeishuOffice, words: str) -> None:
    case.feishu.fail("im.message.reply", status=400, body={"code": 230011, "msg": "The message was recalled"})
    await case.alice.writes(words)
    [answer] = await case.alice.until(lambda: case.feishu.messages_in(case.alice.id))
    assert answer.parent_id == ""


async def test_after_a_restart_the_cards_are_the_same_and_tell_what_happened(tmp_path: Path) -> None:
    async with FEISHU.simulator() as feishu:
        settings = FEISHU.settings(tmp_path, feishu)
        async with opened(settings) as fabu:
            feishu.fail("im.message.create", how="close", applied=True)
            await fabu.submitted(stages=[FEISHU.stage("QA", "bob")])
            await feishu.until(lambda: feishu.calls_to("im.message.create"), PATIENCE)
            with feishu.outage():
                await fabu.api("POST", "/plans/1/approve", {}, by="bob")
        async with opened(settings) as fabu:
            case = await FEISHU.connect(feishu, fabu)
            await case.until_all_cards_show("executing")
            await case.alice.clicks("Done", on=await case.channel_card("executing"))
            await case.until_all_cards_show("successful")
            assert len(case.channel_cards) == 1
            told = [*LINES_OF_SMALL_RELEASE, await fabu.head()]
            await case.alice.until(lambda: case.thread() == told)


async def test_many_changes_in_a_second_keep_feishus_pace(case: FeishuOffice) -> None:
    await case.fabu.submitted(*(step(f"item{number}") for number in range(40)))
    card = await case.channel_card("executing")
    done = (case.fabu.api("POST", f"/plans/1/items/item{number}/execute", {}) for number in range(40))
    await asyncio.gather(*done)
    await case.channel_card("successful", "Done 40")
    assert [call for call in case.feishu.calls if call.status >= 400] == [], "Feishu had nothing to refuse"
    assert len(case.feishu.calls_to("im.message.patch")) < 40
    shown = [text_of(content).count("✅") for content in [*card.history, card.content]]
    assert shown == sorted(shown)


async def test_a_card_that_is_too_old_to_change_is_posted_anew(case: FeishuOffice) -> None:
    await case.fabu.submitted(step("notes"), step("announce"))
    old = await case.channel_card("executing")
    await case.alice.until(lambda: case.thread()[-1:] == ["The plan may be executed now"])
    case.feishu.clock.advance(UPDATABLE + 60)
    await case.fabu.api("POST", "/plans/1/items/notes/execute", {})
    await case.alice.until(lambda: len(case.channel_cards) == 2)
    new = await case.channel_card("✅ 1 Notes")
    assert case.alice.shows(old, "✋ 1 Notes")
    await case.alice.until(lambda: "Notes" in "".join(case.thread()))
    new.recalled = True
    await case.fabu.api("POST", "/plans/1/items/announce/execute", {})
    await case.alice.until(lambda: len(case.channel_cards) == 3)
    await case.channel_card("successful")
