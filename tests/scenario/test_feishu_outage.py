"""Feishu is away, slow or busy, or cards grow old: decisions are taken all the same, and the cards catch up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from tests.scenario.feishu_case import (
    GROUP,
    Office,
    in_feishu,
    known_people,
    office,
    platform_of,
    section_for,
    shows,
)
from tests.scenario.office import PATIENCE, TOLD_OF_SMALL_RELEASE, opened, step, written_for
from tests.simulators.feishu import UPDATABLE, Message
from tests.simulators.feishu_cards import text_of
from tests.simulators.feishu_platform import FeishuPlatform

BUSY = {"code": 99991400, "msg": "request trigger frequency limit"}
STATES = ("waiting for approval", "executing", "successful")


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as opened:
        yield opened


def states(card: Message) -> list[str]:
    """Return what a card has shown, one after the other."""
    seen = [text_of(content).splitlines()[1] for content in [*card.history, card.content]]
    return list(dict.fromkeys(seen))


@pytest.mark.parametrize(
    "failure", [{"how": "close"}, {"how": "answer", "status": 500}, {"how": "answer", "status": 429}]
)
async def test_a_release_goes_on_without_feishu_and_shows_afterwards(case: Office, failure: dict[str, Any]) -> None:
    await case.fabu.submitted(stages=[in_feishu("QA", "bob")])
    card = await case.group_card("waiting for approval")
    await case.bob.card_with("Approve")
    with case.feishu.outage(**{"how": "answer", **failure}):
        answer = await case.bob.clicks("Approve")
        assert "#1 is now: executing." in answer.toast
        await case.fabu.api("POST", "/plans/1/items/notes/execute", {})
        assert await case.fabu.status() == "success"
        await case.bob.until(lambda: case.feishu.calls[-1].fault)
    await case.until_all_cards_show("successful")
    told = [*TOLD_OF_SMALL_RELEASE, await case.fabu.head()]
    await case.alice.until(lambda: case.thread() == told)
    assert states(card) == [one for one in STATES if one in states(card)], "never back to an earlier state"


@pytest.mark.parametrize("operation", ["im.message.create", "im.message.patch", "im.message.reply"])
async def test_a_refusal_in_a_good_answer_is_a_refusal(case: Office, operation: str) -> None:
    case.feishu.fail(operation, status=200, body=BUSY)
    await case.fabu.submitted(stages=[in_feishu("QA", "bob")])
    await case.bob.clicks("Approve")
    await case.until_all_cards_show("executing")
    await case.alice.until(lambda: case.thread()[-1:] == ["The plan may be executed now"])
    assert case.thread() == TOLD_OF_SMALL_RELEASE[:-2]
    assert len(case.group_cards) == 1


async def test_a_token_that_is_refused_is_renewed(case: Office) -> None:
    await case.fabu.submitted(stages=[in_feishu("QA", "bob")])
    await case.bob.card_with("Approve")
    case.feishu.tokens.revoke()
    await case.bob.clicks("Approve")
    await case.until_all_cards_show("executing")
    assert len(case.feishu.calls_to("auth.token")) == 2


async def test_a_lost_answer_posts_no_card_twice(case: Office) -> None:
    case.feishu.fail("im.message.create", status=502, applied=True)
    await case.fabu.submitted(stages=[in_feishu("QA", "bob")])
    await case.bob.clicks("Approve")
    await case.until_all_cards_show("executing")
    assert (len(case.group_cards), len(case.bob.cards)) == (1, 1)


async def test_a_call_that_hangs_holds_up_no_decision_and_no_other_plan(case: Office) -> None:
    case.feishu.fail("im.message.create", how="hang")
    await case.fabu.submitted(name="Hangs")
    await case.alice.until(lambda: case.feishu.calls_to("im.message.create"))
    await case.fabu.submitted(name="Goes on")
    assert "successful" in await case.alice.says("execute 1 notes")
    assert "successful" in await case.alice.says("execute 2 notes")
    await case.group_card("#2 Goes on", "successful")
    case.feishu.release()
    await case.group_card("#1 Hangs", "successful")


async def test_an_answer_waits_until_feishu_takes_it(case: Office) -> None:
    case.feishu.fail("im.message.create", times=2, status=400, body=BUSY)
    assert "Plan #1 “Shop” is started." in await case.alice.says("new Shop", GROUP)
    assert [call.status for call in case.feishu.calls_to("im.message.create")] == [400, 400, 200]


async def test_after_a_restart_the_cards_are_the_same_and_tell_what_happened(tmp_path: Path) -> None:
    async with platform_of() as feishu:
        written = written_for(tmp_path, known_people(), feishu=section_for(feishu))
        settings = Settings.model_validate(written)
        async with opened(settings) as fabu:
            feishu.fail("im.message.create", how="close", applied=True)
            await fabu.submitted(stages=[in_feishu("QA", "bob")])
            await feishu.until(lambda: feishu.calls_to("im.message.create"), PATIENCE)
            with feishu.outage():
                await fabu.api("POST", "/plans/1/approve", {}, by="bob")
        async with opened(settings) as fabu:
            case = Office(fabu, feishu, FeishuPlatform(feishu, f"{fabu.url}/feishu/events"))
            await case.until_all_cards_show("executing")
            await case.alice.clicks("Done", on=await case.group_card("executing"))
            await case.until_all_cards_show("successful")
            assert len(case.group_cards) == 1
            told = [*TOLD_OF_SMALL_RELEASE, await fabu.head()]
            await case.alice.until(lambda: case.thread() == told)


async def test_many_changes_in_a_second_keep_feishus_pace(case: Office) -> None:
    await case.fabu.submitted(*(step(f"item{number}") for number in range(40)))
    card = await case.group_card("executing")
    for number in range(40):
        await case.fabu.api("POST", f"/plans/1/items/item{number}/execute", {})
    await case.group_card("successful", "40 of 40 complete")
    assert [call for call in case.feishu.calls if call.status >= 400] == [], "Feishu had nothing to refuse"
    assert len(case.feishu.calls_to("im.message.patch")) < 40
    done = [text_of(content).count("✅") for content in [*card.history, card.content]]
    assert done == sorted(done)


async def test_a_card_that_is_too_old_to_change_is_posted_anew(case: Office) -> None:
    await case.fabu.submitted(step("notes"), step("announce"))
    old = await case.group_card("executing")
    await case.alice.until(lambda: case.thread()[-1:] == ["The plan may be executed now"])
    case.feishu.clock.advance(UPDATABLE + 60)
    await case.fabu.api("POST", "/plans/1/items/notes/execute", {})
    await case.alice.until(lambda: len(case.group_cards) == 2)
    new = await case.group_card("✅ 1. Notes")
    assert shows(old, "▫️ 1. Notes")
    await case.alice.until(lambda: "Notes" in "".join(case.thread()))
    new.recalled = True
    await case.fabu.api("POST", "/plans/1/items/announce/execute", {})
    await case.alice.until(lambda: len(case.group_cards) == 3)
    await case.group_card("successful")
