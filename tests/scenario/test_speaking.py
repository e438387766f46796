"""When Fabu speaks and whom it mentions: who has to act is told, and nobody else is disturbed."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.outbox import cards
from tests.clock import SharedClock
from tests.scenario.chats.feishu import FEISHU
from tests.scenario.chats.registry import CHATS
from tests.scenario.chats.slack import CHANNEL, SLACK
from tests.scenario.chats.vocabulary import Chat, Office
from tests.scenario.office import script, step
from tests.waiting import eventually

FAILING = script("deploy", "exit 1", assignee="erin")


@pytest.fixture(params=["slack-http", "feishu-http", "dingtalk-http"])
def chat(request: pytest.FixtureRequest) -> Chat:
    """Each chat, with cards."""
    return CHATS[request.param]


@pytest.fixture
async def office(tmp_path: Path, chat: Chat) -> AsyncIterator[Office[Any, Any]]:
    async with chat.office(tmp_path) as opened:
        yield opened


async def fail_and_end(office: Office[Any, Any]) -> None:
    """Let an item of Erin's fail in a plan of Alice's, and bring the plan to its end all the same."""
    await office.fabu.submitted(FAILING, step("notes"))
    await office.alice.says("execute 1 deploy")
    await office.channel_card("❌ 1 Deploy")
    await office.alice.says("skip 1 deploy by hand")
    await office.alice.says("execute 1 notes")
    await office.alice.until(lambda: "The plan is complete" in office.thread())


async def test_slack_mentions_who_has_to_act_and_broadcasts_the_end(tmp_path: Path) -> None:
    async with SLACK.office(tmp_path) as office:
        await fail_and_end(office)
        replies = [message for message in office.slack.messages(CHANNEL) if message.thread_ts]
        mentions = {
            message.text: [
                part["user_id"] for part in message.blocks[0]["elements"][0]["elements"] if "user_id" in part
            ]
            for message in replies
        }
        [failed] = [text for text in mentions if "“Deploy”: failed" in text]
        assert mentions.pop(failed) == [SLACK.account("erin"), SLACK.account("alice")]
        assert not any(mentions.values()), "everybody else is a plain name"
        [loud] = [message for message in replies if message.is_broadcast]
        assert "The plan is complete" in loud.text


async def test_feishu_mentions_who_has_to_act(tmp_path: Path) -> None:
    async with FEISHU.office(tmp_path) as office:
        await fail_and_end(office)
        replies = office.alice.replies_to(office.channel_cards[-1], "post")
        [failed] = [reply for reply in replies if "@" in reply.text]
        assert "“Deploy”: failed" in failed.text
        assert failed.text.endswith("@ou_erin @ou_alice")


async def test_the_channel_sees_nothing_of_a_draft(office: Office[Any, Any], chat: Chat) -> None:
    await office.fabu.draft(step("notes"), stages=[chat.vendor.stage("QA", "bob")])
    await office.fabu.api("PATCH", "/plans/1", {"items": [step("notes"), step("more")]})
    await office.fabu.submitted(step("notes"))
    await office.channel_card("executing")
    assert len([card for card in office.lasting_cards if card not in office.alice.cards]) == 1, (
        "that of the second plan"
    )


async def test_the_manager_is_told_when_a_stage_ends(office: Office[Any, Any], chat: Chat) -> None:
    await office.fabu.submitted(stages=[chat.vendor.stage("QA", "bob"), chat.vendor.stage("Operations", "dave")])
    await office.bob.clicks("Approve")
    await office.alice.sees("Stage QA is complete", "Waits for Operations: Dave")
    await office.dave.clicks("Approve")
    await office.alice.sees("executing")


async def test_who_has_handed_over_reads_to_whom(office: Office[Any, Any], chat: Chat) -> None:
    await office.fabu.submitted(stages=[chat.vendor.stage("QA", "bob")])
    card = await office.bob.card_with("Approve")
    await office.bob.says("delegate 1 carol")
    await office.bob.until(lambda: office.bob.shows(card, "Handed over to Carol"))
    assert not office.bob.offers(card, "Approve")
    assert "executing" in await office.carol.clicks("Approve")


async def test_reminders_wait_for_the_morning(tmp_path: Path, chat: Chat) -> None:
    async with chat.office(tmp_path, clock=SharedClock) as office:
        clock = office.alice.simulator.clock
        until_monday = (7 - office.fabu.services.clock.now().weekday()) % 7 or 7
        start = office.fabu.services.clock.now().replace(hour=21, minute=30) + timedelta(days=until_monday)
        clock.advance((start - office.fabu.services.clock.now()).total_seconds())
        await office.fabu.submitted(stages=[chat.vendor.stage("QA", "bob")], approval={"remind_every": "1h"})
        await office.bob.card_with("Approve")
        clock.advance(3601)
        await eventually(office.fabu.events, wanted=lambda events: "reminded" in events)
        clock.advance(9 * 3600)
        assert not any(office.bob.shows(card, "Waits for your approval") for card in office.bob.cards), "07:30"
        clock.advance(1801)
        reminder = await office.bob.sees("Waits for your approval")
        assert "executing" in await office.bob.clicks("Approve", on=reminder)
        await office.bob.until(lambda: not office.bob.offers(reminder, "Approve"))


async def test_items_that_end_in_quick_succession_are_one_update(
    tmp_path: Path, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "PAUSES", {0: timedelta(seconds=1)})
    async with chat.office(tmp_path) as office:
        await office.fabu.submitted(*(step(f"s{number}") for number in range(12)))
        await office.channel_card("executing")
        before = len(office.alice.simulator.calls)
        for number in range(11):
            await office.fabu.api("POST", f"/plans/1/items/s{number}/execute", {})
        await office.channel_card("executing, 11 of 12 done")
        updates = [call for call in office.alice.simulator.calls[before:] if "update" in call.operation]
        assert len(updates) <= 4, "one, and what gathers in each second after it"


async def test_the_links_of_ones_own_card_sign_in_once_and_those_of_the_channel_nobody(
    office: Office[Any, Any], chat: Chat
) -> None:
    fabu = office.fabu
    await fabu.submitted(stages=[chat.vendor.stage("QA", "bob")])
    shared, mine = await office.channel_card("waiting for approval"), await office.bob.card_with("Approve")
    page = "https://fabu.example.com/plans/1"
    assert page in links_of(shared)
    [link] = [url for url in links_of(mine) if "/sign-in/" in url and url.endswith("?plan=1")]
    path = link.removeprefix("https://fabu.example.com")
    if chat.vendor.name == "feishu":
        assert (mine.content["config"]["enable_forward"], "enable_forward" in shared.content["config"]) == (
            False,
            False,
        )
    async with fabu.session.get(fabu.url + path) as offered:
        assert "You will be signed in as Bob." in await offered.text()
    async with fabu.session.post(fabu.url + path, allow_redirects=False) as entered:
        assert (entered.status, entered.headers["Location"]) == (303, "/plans/1")
    async with fabu.session.post(fabu.url + path, allow_redirects=False) as again:
        assert again.status == 401


def links_of(card: Any) -> list[str]:
    """All URLs of a card, wherever they stand."""
    return re.findall(r"https://fabu\.example\.com/[^\"')\s\\]*", json.dumps(vars(card), default=str))
