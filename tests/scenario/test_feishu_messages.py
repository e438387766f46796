"""What is written in Feishu: to the bot, and to others in the same group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.chats.feishu import FEISHU, GROUP, FeishuOffice


@pytest.fixture(params=["http", "long_connection"])
async def case(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[FeishuOffice]:
    """An office where Bob has to decide on a plan."""
    async with FEISHU.office(tmp_path, mode=request.param) as opened:
        await opened.fabu.submitted(stages=[FEISHU.stage("QA", "bob")])
        await opened.bob.card_with("Approve")
        yield opened


@pytest.mark.parametrize("words", ["@ou_carol approve 1", "@all approve 1", "@ou_carol @all 批准 1 吗？", "approve 1"])
async def test_only_a_mention_of_the_bot_is_a_call(case: FeishuOffice, words: str) -> None:
    assert (await case.platform.talk("ou_bob", words, GROUP)).status == 200
    assert "waiting for approval" in await case.bob.asks("show 1")
    assert "voted" not in await case.fabu.events()
    assert case.bob.sentences == []


@pytest.mark.parametrize(
    "words", ["@ou_bot delegate 1 @ou_carol", "delegate 1 @ou_carol @ou_bot", "delegate @ou_bot 1 @ou_carol"]
)
async def test_other_mentions_are_arguments_in_any_order(case: FeishuOffice, words: str) -> None:
    assert "Delegated." in await case.bob.says(words, GROUP)
    await case.carol.clicks("Approve")
    assert [person for person, *_ in await case.fabu.votes()] == ["bob"]


BOLD = {"tag": "text", "text": "批准 1 ", "style": ["bold"]}
MENTION = {"tag": "at", "user_id": "@_user_1", "user_name": "Fabu", "style": []}
MENTIONED = {"key": "@_user_1", "id": {"open_id": "ou_bot"}, "name": "Fabu", "tenant_key": "tenant"}
PICTURE = {"tag": "img", "image_key": "img_1", "width": 1, "height": 1}
LINK = {"tag": "a", "href": "http://deploy.sh", "text": "deploy.sh"}
PAGE = {"tag": "a", "href": "https://wiki.example.com/1", "text": "Checklist"}


@pytest.mark.parametrize("chat", [GROUP, ""])
async def test_the_text_of_a_formatted_message_is_a_command(case: FeishuOffice, chat: str) -> None:
    lines = [[MENTION, BOLD, LINK, {"tag": "text", "text": " ok "}, PAGE], [PICTURE]]
    await case.platform.send("ou_bob", "post", {"title": "", "content": lines}, [MENTIONED], chat)
    await case.bob.hears("Approved.")
    assert await case.fabu.votes() == [("bob", "approve", "deploy.sh ok https://wiki.example.com/1")]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image", {"image_key": "img_1"}),
        ("audio", {"file_key": "file_1", "duration": 1000}),
        ("sticker", {"file_key": "file_1"}),
        ("post", {"title": "", "content": [[PICTURE]]}),
    ],
)
async def test_a_message_without_text_is_answered_in_a_sentence(
    case: FeishuOffice, kind: str, content: dict[str, object]
) -> None:
    assert (await case.platform.send("ou_bob", kind, content, [])).status == 200
    await case.bob.hears("This message has no text.")
    assert [card for card in case.bob.cards if card.parent_id] == [], "the whole help is no answer to a picture"
