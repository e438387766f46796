"""Every row of the registry: an adapter of the agreed shape, which is imported only where it is enabled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_type_hints

import pytest

from adapters.common.adapter import ChatAdapter, Host, RunnerAdapter
from bot.adapters import CHATS, RUNNERS, enabled_chats, open_chats, open_runners
from config.settings import Settings
from core.chat import Inbound, Reply
from tests.adapters import host, inbox_of

ENABLED: Mapping[str, Mapping[str, str]] = {
    "slack": {"bot_token": "xoxb-1", "signing_secret": "s", "app_token": "xapp-1"},
    "feishu": {"app_id": "cli_1", "app_secret": "s", "verification_token": "v"},
    "dingtalk": {"client_id": "ding1", "client_secret": "s", "robot_code": "r", "card_secret": "c", "mode": "http"},
}
"""The least that each chat needs in all its modes."""
RUNNING = {"url": "http://127.0.0.1:9", "token": "t", "enabled": True}
"""What enables a runner: the URL and token of its system, or else that it says so."""
CONNECTED = {"slack": "socket", "feishu": "long_connection", "dingtalk": "stream"}
"""The mode in which Fabu opens the connection."""
SDKS = ("slack_sdk", "slack_bolt", "lark_oapi", "alibabacloud", "Tea")


async def silent(_: Inbound) -> Reply:
    return Reply()


def settings_of(name: str, **changes: str) -> Settings:
    sections: Any = {name: {**ENABLED[name], **changes}}
    return Settings(**sections)


@pytest.mark.parametrize("name", CHATS)
def test_a_chat_is_opened_with_its_own_section(name: str) -> None:
    hints = get_type_hints(import_module(CHATS[name]).open_chat)
    assert hints == {"settings": Settings.model_fields[name].annotation, "host": Host, "return": ChatAdapter}
    assert enabled_chats(Settings()) == []
    assert enabled_chats(settings_of(name)) == [name]


@pytest.mark.parametrize("name", CHATS)
async def test_the_paths_that_are_announced_are_served(name: str) -> None:
    chats = open_chats(settings_of(name), host())
    chat = chats.adapters[name]
    assert chat.inbound_paths
    assert tuple(chat.listen(inbox_of(silent)).paths) == chat.inbound_paths
    assert chat.messenger.platform == name
    await chats.stop()


@pytest.mark.parametrize("name", CHATS)
async def test_a_chat_to_which_fabu_connects_serves_no_paths(name: str) -> None:
    chats = open_chats(settings_of(name, mode=CONNECTED[name]), host())
    chat = chats.adapters[name]
    assert (chat.inbound_paths, dict(chat.listen(inbox_of(silent)).paths)) == ((), {})
    await chats.stop()


@pytest.mark.parametrize("name", RUNNERS)
async def test_a_runner_is_opened_with_its_own_section(name: str) -> None:
    hints = get_type_hints(import_module(RUNNERS[name]).open_runner)
    assert hints == {"settings": Settings.model_fields[name].annotation, "host": Host, "return": RunnerAdapter}
    none: Any = {"local": {"enabled": False}}
    assert open_runners(Settings(**none), host()) == {}
    fields = type(getattr(Settings(), name)).model_fields
    sections: Any = none | {name: {key: value for key, value in RUNNING.items() if key in fields}}
    [(key, adapter)] = open_runners(Settings(**sections), host()).items()
    assert (key, adapter.runner.name) == (name, name)
    await adapter.runner.close()


def test_settings_that_enable_no_chat_load_none() -> None:
    code = (
        "import sys, bot.app, bot.doctor; from bot.adapters import open_chats; from config.settings import Settings;"
        "assert open_chats(Settings(), None).adapters == {}; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "adapters.slack.settings" in loaded
    assert not [name for name in loaded if name.startswith(SDKS) or name in CHATS.values()]
