"""An app whose tables Feishu refuses gets rows in their place."""

from __future__ import annotations

import logging

import pytest

from adapters.feishu.cards import Cards
from adapters.feishu.client import FeishuClient
from adapters.feishu.errors import FeishuError
from adapters.feishu.messenger import FeishuMessenger
from adapters.feishu.render import has_tables, render_card
from core.card import Button, Card, Row, Section, Show, State, Tone, Weight
from core.chat import Reply
from core.ports.messenger import Place
from tests.simulators.feishu import FeishuSimulator
from tests.simulators.feishu_cards import text_of
from tests.unit.adapters.bot import Bot

from .app import listening

DONE = Row("1 Deploy", Weight.DONE, State(Tone.GOOD, "✅", "done"))
CARD = Card("#7 Release", "#7", sections=(Section("Done 1", (DONE,), Show.PROGRESS),))
MEANING = "Feishu refuses the tables in this app's cards"


def refusals(feishu: FeishuSimulator) -> int:
    return len([call for call in feishu.calls if call.answer.get("code") == 230099])


async def test_a_refused_card_is_sent_once_more_and_the_refusal_is_remembered(
    feishu: FeishuSimulator, client: FeishuClient, caplog: pytest.LogCaptureFixture
) -> None:
    feishu.takes_tables = False
    messenger = FeishuMessenger(client, Cards())
    posted = await messenger.post(Place(channel="oc_ops"), CARD, "k1")
    assert await messenger.update(posted, CARD)
    await messenger.post(Place(user="ou_alice"), CARD, "k2")
    assert refusals(feishu) == 1
    assert all("1 Deploy done" in text_of(card.content) for card in feishu.cards_in("oc_ops"))
    assert [record.levelno for record in caplog.records if MEANING in record.message] == [logging.WARNING]


async def test_an_update_that_is_refused_is_sent_once_more(feishu: FeishuSimulator, client: FeishuClient) -> None:
    messenger = FeishuMessenger(client, Cards())
    posted = await messenger.post(Place(channel="oc_ops"), CARD, "k1")
    assert has_tables(feishu.messages[posted.message].content)
    feishu.takes_tables = False
    assert await messenger.update(posted, CARD)
    assert not has_tables(feishu.messages[posted.message].content)


async def test_a_refusal_for_another_reason_says_nothing_about_tables(
    feishu: FeishuSimulator, client: FeishuClient, caplog: pytest.LogCaptureFixture
) -> None:
    messenger = FeishuMessenger(client, Cards())
    for code, attempts in ((230099, 2), (230013, 1)):
        before = len(feishu.calls_to("im.message.create"))
        feishu.fail("im.message.create", attempts, status=400, body={"code": code, "msg": "refused"})
        with pytest.raises(FeishuError):
            await messenger.post(Place(channel="oc_ops"), CARD, "k1")
        assert len(feishu.calls_to("im.message.create")) - before == attempts
    posted = await messenger.post(Place(channel="oc_ops"), CARD, "k1")
    assert has_tables(feishu.messages[posted.message].content)
    assert MEANING not in caplog.text


async def test_replies_and_answers_to_clicks_have_rows_once_tables_are_refused(feishu: FeishuSimulator) -> None:
    feishu.takes_tables = False
    bot = Bot(Reply(card=CARD))
    clicked = Card("#7", "#7", buttons=(Button("retry", "Retry", "p.n"),))
    message = feishu.add_message("oc_ops", "ou_bot", "interactive", render_card(clicked))
    async with listening(feishu, bot) as platform:
        unsure = await platform.click("ou_alice", message, "Retry")
        assert unsure.card is None, "nobody knows yet, and nobody would hear of a refusal"
        await feishu.until(lambda: "1 Deploy done" in text_of(message.content))
        await platform.write("ou_alice", "show 7")
        [shown] = await feishu.until(lambda: feishu.cards_in("ou_alice"))
        assert "1 Deploy done" in text_of(shown.content)
        message.content = render_card(clicked)
        answer = await platform.click("ou_alice", message, "Retry")
    assert answer.card == message.content
    assert not has_tables(message.content)
