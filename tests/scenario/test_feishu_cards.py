"""What is Feishu's own on cards: the table of a progress, and the one form of a card."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.chats.feishu import FEISHU, GROUP, FeishuOffice, button_of
from tests.scenario.office import step
from tests.simulators.feishu import Message
from tests.simulators.feishu_cards import text_of

REFUSED = 230099


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[FeishuOffice]:
    async with FEISHU.office(tmp_path) as opened:
        yield opened


def tables(card: Message) -> list[dict[str, Any]]:
    return [element for element in card.content["body"]["elements"] if element["tag"] == "table"]


async def test_what_is_later_and_done_stands_in_a_table(case: FeishuOffice) -> None:
    await case.fabu.submitted(step("notes"), step("announce"), step("mail", needs=["notes", "announce"]))
    await case.alice.clicks("Done", on=await case.channel_card("executing"), item="Notes", text="in the wiki")
    card = await case.channel_card("✅ 1 Notes")
    [table] = tables(card)
    assert [row["i"] for row in table["rows"]] == ["▫️ 3 Mail", "✅ 1 Notes"]
    assert "in the wiki" in table["rows"][1]["w"]
    assert button_of(card, "Done", "Announce"), "what somebody has to do is a row with its buttons"


async def test_an_app_that_may_not_have_tables_gets_rows(case: FeishuOffice, caplog: pytest.LogCaptureFixture) -> None:
    case.feishu.takes_tables = False
    await case.fabu.submitted(step("notes"), step("mail", needs=["notes"]))
    card = await case.channel_card("executing", "▫️ 2 Mail")
    assert "executing" in await case.alice.asks("show 1", GROUP)
    await case.alice.clicks("Done", on=card, item="Notes")
    card = await case.channel_card("✅ 1 Notes")
    assert tables(card) == []
    assert len([call for call in case.feishu.calls if call.answer.get("code") == REFUSED]) == 1, "it is remembered"
    warnings = [one.message for one in caplog.records if one.levelno == logging.WARNING and "tables" in one.message]
    assert len(warnings) == 1


async def test_a_button_beside_a_row_opens_its_form_in_the_chat_with_the_bot(case: FeishuOffice) -> None:
    await case.fabu.submitted(step("notes"), step("announce"))
    card = await case.channel_card("executing")
    skip = button_of(card, "Skip", "Announce")
    assert skip
    assert (skip.text, skip.form) == ("Skip…", None)
    before = len(case.alice.cards)
    assert "“Announce” is skipped" in await case.alice.clicks("Skip", on=card, item="Announce", text="nobody reads it")
    await case.channel_card("1 of 2 done", "⏭️ 2 Announce", "nobody reads it")
    [form] = case.alice.cards[before:]
    assert "“Announce” is skipped" in text_of(form.content), "the form is gone"
    assert not button_of(form, "Skip")


async def test_a_step_is_done_by_one_click_beside_its_row(case: FeishuOffice) -> None:
    await case.fabu.submitted(step("notes"), step("announce"))
    card = await case.channel_card("executing")
    done = button_of(card, "Done", "Announce")
    assert done
    assert not done.submits
    assert "“Announce” is done" in await case.alice.clicks("Done", on=card, item="Announce")


async def test_a_form_that_a_reply_opened_updates_the_reply(case: FeishuOffice) -> None:
    await case.fabu.submitted(step("notes"), step("announce"))
    await case.alice.asks("show 1", GROUP)
    reply = case.feishu.cards_in(GROUP)[-1]
    await case.alice.clicks("Skip", on=reply, item="Announce", text="nobody reads it")
    await case.alice.until(lambda: "⏭️ 2 Announce" in text_of(reply.content))
