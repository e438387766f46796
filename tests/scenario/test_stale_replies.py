"""A card that is a reply, which nothing else keeps up to date, shows the present plan after a click on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.chats.feishu import FEISHU, FeishuOffice
from tests.scenario.chats.registry import VENDORS
from tests.scenario.chats.slack import CHANNEL, SLACK, SlackOffice
from tests.scenario.chats.vocabulary import Office, Vendor
from tests.scenario.office import step
from tests.simulators.slack_reading import is_card
from tests.simulators.slack_workspace import Message


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[SlackOffice]:
    async with SLACK.office(tmp_path, mode="http") as opened:
        yield opened


@pytest.fixture
async def feishu(tmp_path: Path) -> AsyncIterator[FeishuOffice]:
    async with FEISHU.office(tmp_path, mode="http") as opened:
        yield opened


async def reply_to(person: Any, words: str) -> Any:
    """Type a command, and return the card that answers it."""
    platform = person.simulator.__class__.__name__
    if platform == "FeishuSimulator":
        asked = await person.writes(words)
        [card] = await person.until(lambda: person.replies_to(asked, "interactive"))
        return card
    if platform == "SlackSimulator":
        shown = len(person.slack.ephemerals(person.id))
        await person.slack.slash(person.id, CHANNEL, words)
        [card] = await person.until(lambda: person.slack.ephemerals(person.id)[shown:])
        return card
    answers = len(person.answers)
    await person.writes(words)
    [card] = await person.until(lambda: person.answers[answers:])
    return card


async def test_a_click_on_the_card_of_show_brings_it_up_to_date(
    office: Office[Any, Any], vendor: Vendor[Any, Any]
) -> None:
    alice = office.alice
    await office.fabu.submitted(stages=[vendor.stage("QA", "bob")])
    card = await reply_to(alice, "show 1")
    assert alice.shows(card, "waiting for approval")
    await alice.clicks("Replan", on=card, text="wrong tag")
    await alice.until(lambda: alice.shows(card, "planning") and alice.offers(card, "Submit"))
    assert not alice.offers(card, "Approve")
    await alice.clicks("Submit", on=card)
    await alice.until(lambda: alice.shows(card, "waiting for approval") and alice.offers(card, "Replan"))
    assert await office.fabu.status() == "wait_for_approval"


async def test_a_refused_click_on_a_reply_that_others_made_stale_updates_it(
    office: Office[Any, Any], vendor: Vendor[Any, Any]
) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(stages=[vendor.stage("QA", "bob", "carol")])
    card = await reply_to(bob, "show 1")
    await fabu.api("POST", "/plans/1/approve", {}, by="bob")
    assert "decided already" in await bob.clicks("Approve", on=card)
    await fabu.api("POST", "/plans/1/cancel", {})
    await bob.clicks("Approve", on=card)
    await bob.until(lambda: bob.shows(card, "cancelled") and not bob.offers(card, "Approve"))


async def test_a_reply_of_an_older_revision_shows_the_new_one_after_a_click(
    office: Office[Any, Any], vendor: Vendor[Any, Any]
) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(stages=[vendor.stage("QA", "bob")])
    card = await reply_to(bob, "show 1")
    await fabu.api("POST", "/plans/1/replan", {})
    assert "out of date" in await bob.clicks("Approve", on=card)
    await bob.until(lambda: bob.shows(card, "planning") and not bob.offers(card, "Approve"))
    assert await fabu.status() == "planning"


async def test_a_card_that_is_kept_up_to_date_is_not_replaced(
    office: Office[Any, Any], vendor: Vendor[Any, Any]
) -> None:
    await office.fabu.submitted(stages=[vendor.stage("QA", "bob", "carol")])
    card = await office.bob.card_with("Approve")
    await office.bob.clicks("Approve", on=card)
    await office.bob.until(lambda: not office.bob.offers(card, "Approve"))
    assert not office.bob.offers(card, "Replan"), "it is still the card of an approver"


async def test_a_reply_in_a_thread_of_slack_is_updated_as_well(slack: SlackOffice) -> None:
    await slack.fabu.submitted(step("notes"), step("announce"))
    await slack.alice.writes("show 1", CHANNEL)

    def below() -> Message | None:
        found = [m for m in slack.slack.messages(CHANNEL) if m.thread_ts and is_card(m)]
        return found[-1] if found else None

    card = await slack.alice.until(below)
    await slack.alice.clicks("Done", on=card, item="Notes", text="sent")
    await slack.alice.until(lambda: "✅ 1 Notes" in slack.alice.read(card))


async def test_after_the_life_of_a_response_url_slacks_api_changes_the_card(slack: SlackOffice) -> None:
    await slack.fabu.submitted(step("notes"), step("announce"))
    await slack.alice.writes("show 1")
    card = await slack.alice.until(lambda: next((m for m in slack.slack.dms(slack.alice.id) if is_card(m)), None))
    slack.slack.fail("response_url", 9, status=404)
    await slack.alice.clicks("Done", on=card, item="Notes", text="sent")
    await slack.alice.until(lambda: "✅ 1 Notes" in slack.alice.read(card))


async def test_where_slack_changes_nothing_the_present_card_is_sent(slack: SlackOffice) -> None:
    await slack.fabu.submitted(step("notes"), step("announce"))
    card = await reply_to(slack.alice, "show 1")
    slack.slack.fail("response_url", 9, status=404)
    await slack.alice.clicks("Done", on=card, item="Notes", text="sent")
    await slack.alice.until(
        lambda: any("✅ 1 Notes" in slack.alice.read(shown) for shown in slack.slack.ephemerals(slack.alice.id))
    )
    assert "✋ 1 Notes" in slack.alice.read(card)


@pytest.mark.parametrize("chat", VENDORS)
async def test_a_list_stays_a_list_after_a_click_on_a_row(tmp_path: Path, chat: str) -> None:
    async with VENDORS[chat].office(tmp_path, mode="http") as office:
        bob = office.bob
        for name in ("One", "Two"):
            await office.fabu.submitted(step(name.lower(), name=name, assignee="bob"))
        card = await reply_to(bob, "list mine")
        assert bob.shows(card, "#1 · 1 One", "#2 · 1 Two")
        await bob.clicks("Done", on=card, item="#2 · 1 Two" if chat == "slack" else "", text="done")
        await bob.until(lambda: sum(bob.shows(card, row) for row in ("#1 · 1 One", "#2 · 1 Two")) == 1)
        assert bob.offers(card, "Done")


async def test_the_page_of_a_long_plan_is_kept(feishu: FeishuOffice) -> None:
    await feishu.fabu.submitted(*(step(f"s{number}") for number in range(45)))
    asked = await feishu.alice.writes("show 1 page 2")
    [card] = await feishu.alice.until(lambda: feishu.alice.replies_to(asked, "interactive"))
    first = next(number for number in range(1, 46) if feishu.alice.shows(card, f"✋ {number} "))
    assert first > 1
    await feishu.alice.clicks("Done", on=card)
    await feishu.alice.until(lambda: feishu.alice.shows(card, f"✅ {first} "))
