"""`fabu doctor --send-test`: what it writes to whom, and what it says of those who get nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from tests.scenario.chats import dingtalk, feishu, slack
from tests.scenario.office import Json, opened, stage, written_for
from tests.scenario.process import run_fabu
from tests.simulators.dingtalk import DingTalkSimulator
from tests.simulators.feishu import FeishuSimulator
from tests.simulators.slack import SlackSimulator

TITLE = "Test message of Fabu"
ACCOUNTS: dict[str, Json] = {
    "alice": {"dingtalk": "alice"},
    "bob": {"slack": "U2", "language": "zh_CN"},
    "carol": {"feishu": "ou_carol"},
    "dave": {"slack": "U404"},
}


@dataclass
class Installation:
    """Three chats, and the settings of a Fabu that uses them; it has one plan."""

    slack: SlackSimulator
    feishu: FeishuSimulator
    ding: DingTalkSimulator
    written: Json

    async def doctor(self, *arguments: str) -> str:
        """Run the check-up with a test of messages, and return what it says."""
        _, said = await run_fabu(
            "doctor", "--send-test", *arguments, written=self.written, variables={"COLUMNS": "200"}
        )
        return said.partition("test messages ")[2]

    def seen(self) -> list[str]:
        """Return the texts of all that was sent to the channels and to people."""
        return [
            *slack.seen(self.slack, slack.CHANNEL), *slack.seen(self.slack, "U2"),
            *feishu.seen(self.feishu, feishu.GROUP), *feishu.seen(self.feishu, "ou_carol"),
            *dingtalk.seen(self.ding, dingtalk.GROUP), *dingtalk.seen(self.ding, "alice"),
        ]  # fmt: skip


@pytest.fixture(params=["http"])
async def installation(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Installation]:
    """Each chat with callbacks over HTTP, or with a connection that Fabu opens (`socket`)."""
    by_http = request.param == "http"
    async with AsyncExitStack() as stack:
        simulators = [await stack.enter_async_context(one.open_simulator()) for one in (slack, feishu, dingtalk)]
        of_slack, of_feishu, ding = simulators
        sections: dict[str, Any] = {
            "slack": slack.section_for(of_slack, mode=request.param),
            "feishu": feishu.section_for(of_feishu, mode="http" if by_http else "long_connection"),
            "dingtalk": dingtalk.section_for(ding, mode="http" if by_http else "stream"),
        }
        written = written_for(tmp_path, ACCOUNTS, **sections)
        alone = written_for(tmp_path, ACCOUNTS)
        async with opened(Settings.model_validate(alone)) as fabu:
            stages = [
                stage("QA", "bob", "carol"), stage("Ops", "dave", channel="native"),
                stage("All", "alice", "bob", "erin", channel="dingtalk"),
            ]  # fmt: skip
            await fabu.draft(stages=stages, approval={"allow_self_approval": True})
        yield Installation(of_slack, of_feishu, ding, written)


@pytest.mark.parametrize("installation", ["socket"], indirect=True)
async def test_the_channels_get_one_message_each(installation: Installation) -> None:
    said = await installation.doctor()
    for told in (
        "Slack: a test message was sent to the channel C1",
        f"Feishu: a test message was sent to the channel {feishu.GROUP}",
        f"DingTalk: a test message was sent to the channel {dingtalk.GROUP}",
    ):
        assert f"✓ ok {told}" in said
    seen = installation.seen()
    assert [TITLE in text for text in seen] == [True] * 3


async def test_approvers_get_one_in_their_language_and_it_is_said_who_does_not(installation: Installation) -> None:
    installation.slack.workspace.channel("C1").is_member = False
    said = await installation.doctor("--plan", "1")
    for told in (
        "Slack: a test message was sent to bob (U2)",
        "Feishu: a test message was sent to carol (ou_carol)",
        "DingTalk: a test message was sent to alice (alice)",
    ):
        assert f"✓ ok {told}" in said
    assert "✗ mend Slack takes no message for dave (U404): user_not_found" in said
    assert "→ check the account of dave under [[people]]" in said
    assert "✗ mend Slack takes no message for the channel C1: not_in_channel" in said
    assert "→ add the app to the channel, and check slack.channel" in said
    assert "✗ mend erin has no account in a chat that works, so nothing was sent" in said
    assert said.count("bob (U2)") == 1, "an approver of two stages gets one message"
    seen = installation.seen()
    assert len(seen) == 5
    assert sum("Fabu 测试消息" in text for text in seen) == 1
    calls = installation.slack.calls
    calls[:] = [call for call in calls if call.answer.get("ok", True)]  # refused, as they should be
