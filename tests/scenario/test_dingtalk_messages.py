"""What is written in DingTalk: to the robot, and to others in the same group."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.chats.dingtalk import DINGTALK, GROUP, DingTalkOffice


@pytest.fixture(params=["http", "stream"])
async def case(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[DingTalkOffice]:
    """An office where Bob has to decide on a plan."""
    async with DINGTALK.office(tmp_path, mode=request.param) as opened:
        await opened.fabu.submitted(stages=[DINGTALK.stage("QA", "bob")])
        await opened.bob.card_with("Approve")
        yield opened


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("批准 1", {"isInAtList": False}),
        ("@所有人 批准 1", {}),
        ("@carol 批准 1", {"atUsers": [{"dingtalkId": "$:LWCP_v1:carol", "staffId": "carol"}]}),
    ],
)
async def test_only_a_mention_of_the_robot_is_a_call(case: DingTalkOffice, words: str, changes: dict[str, Any]) -> None:
    assert (await case.ding.say("bob", words, GROUP, **changes)).status == 200
    await case.bob.says("show 1")
    assert "voted" not in await case.fabu.events()
    assert (case.bob.sentences, len(case.bob.answers)) == ([], 1)


@pytest.mark.parametrize("words", ["delegate 1 @carol", "@Fabu delegate 1 @carol", "转交1 @carol"])
async def test_a_mention_of_a_member_is_an_argument(case: DingTalkOffice, words: str) -> None:
    assert "Delegated." in await case.bob.says(words, GROUP)
    await case.carol.clicks("Approve")
    assert [person for person, *_ in await case.fabu.votes()] == ["bob"]


@pytest.mark.parametrize(
    "message",
    [
        {"msgtype": "richText", "content": {"richText": [{"text": "批准 "}, {"text": "1"}, {"type": "picture"}]}},
        {"msgtype": "audio", "content": {"recognition": "批准1。", "duration": 1000, "downloadCode": "c"}},
    ],
)
async def test_the_text_in_other_messages_is_a_command(case: DingTalkOffice, message: dict[str, Any]) -> None:
    assert (await case.ding.say("bob", "", **message)).status == 200
    await case.fabu.until_status("executing")


@pytest.mark.parametrize(
    "message",
    [
        {"msgtype": "picture", "content": {"downloadCode": "c"}},
        {"msgtype": "richText", "content": {"richText": [{"type": "picture", "downloadCode": "c"}]}},
        {"msgtype": "audio", "content": {"duration": 1000, "downloadCode": "c"}},
    ],
)
async def test_a_message_without_text_is_answered_in_a_sentence(case: DingTalkOffice, message: dict[str, Any]) -> None:
    assert (await case.ding.say("bob", "", **message)).status == 200
    assert (await case.bob.hears("This message has no text.")).count("\n") == 0
