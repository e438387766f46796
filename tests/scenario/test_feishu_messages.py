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
