"""`fabu doctor` beside a running server and the chats that it uses, each reached over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.local.doctor import REACH
from tests.scenario.chats.dingtalk import DINGTALK, GROUP
from tests.scenario.chats.feishu import FEISHU
from tests.scenario.office import Json, written_for
from tests.scenario.process import FABU, serving
from tests.simulators.dingtalk import DingTalkSimulator
from tests.simulators.feishu import FeishuSimulator


@dataclass
class Installation:
    """A server that runs, its settings as they are written, and the chats around it."""

    written: Json
    feishu: FeishuSimulator
    ding: DingTalkSimulator

    @property
    def url(self) -> str:
        """Where the server listens."""
        return str(self.written["server"]["public_url"])

    async def doctor(self) -> tuple[str, list[str]]:
        """Run `fabu doctor`; return all it says, and what of it is wrong.

        This is no public address, and nothing isolates scripts: both are left out.
        """
        settings = {f"FABU__{section.upper()}": json.dumps(values) for section, values in self.written.items()}
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(FABU, "doctor", env=os.environ | settings, stdout=pipe)
        said = " ".join((await process.communicate())[0].decode().split())
        wrong = re.findall("✗ mend (.*?) → ", said)
        assert (process.returncode, len(wrong)) == (1, said.count("✗"))
        return said, [told for told in wrong if self.url not in told and told != REACH["none"]]


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    async with AsyncExitStack() as stack:
        feishu = await stack.enter_async_context(FEISHU.simulator())
        ding = await stack.enter_async_context(DINGTALK.simulator())
        chats = {
            "feishu": FEISHU.section(feishu, mode="http"),
            "dingtalk": DINGTALK.section(ding, mode="http"),
        }
        written = written_for(tmp_path, FEISHU.people, **chats)
        server = await stack.enter_async_context(serving(written))
        written["server"]["public_url"] = server.url
        yield Installation(written, feishu, ding)


async def test_what_is_well_is_told_and_nobody_is_disturbed(installation: Installation) -> None:
    said, wrong = await installation.doctor()
    assert wrong == []
    for path in ("/feishu/events", "/dingtalk/robot", "/dingtalk/card", "/dingtalk/events"):
        assert f"{installation.url}{path} is where Fabu listens" in said
    for well in (
        "Feishu knows the bot", "the app may send messages", "the bot is in the group", "the clock of Feishu",
        "DingTalk accepts the client id", "a card template is set", "the robot is in the group", "events are verified",
    ):  # fmt: skip
        assert well in said
    assert installation.feishu.messages == {}
    assert installation.ding.robot_messages(GROUP) == []


async def test_what_is_wrong_is_told_with_its_cure_and_without_secrets(installation: Installation) -> None:
    feishu, dingtalk = installation.written["feishu"], installation.written["dingtalk"]
    installation.feishu.scopes.clear()
    dingtalk |= {
        "client_secret": "wrong-secret",
        "card_template_id": "",
        "token": "",
        "aes_key": "",
        "process_code": "",
    }
    said, wrong = await installation.doctor()
    assert {
        "the app may not send messages", "the app may not find people by e-mail and phone",
        "there is no card template: plans are shown as messages without buttons",
        "events of approval forms are refused",
    } <= set(wrong)  # fmt: skip
    assert any(told.startswith("DingTalk gives no access token") for told in wrong)
    feishu["app_secret"] = "wrong-secret"
    again, wrong = await installation.doctor()
    assert any(told.startswith("Feishu does not accept the app") for told in wrong)
    assert "wrong-secret" not in said + again
