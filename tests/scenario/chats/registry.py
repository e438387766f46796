"""The chats that releases, outages and contracts are tested with: one row for each variant of a chat."""

from __future__ import annotations

from typing import Any

from tests.scenario.chats.dingtalk import DINGTALK
from tests.scenario.chats.dingtalk_text import DINGTALK_TEXT
from tests.scenario.chats.feishu import FEISHU
from tests.scenario.chats.slack import SLACK
from tests.scenario.chats.vocabulary import Chat, Vendor

CHATS: dict[str, Chat] = {
    "slack-http": Chat(SLACK, {"mode": "http"}),
    "slack-socket": Chat(SLACK, {"mode": "socket", "signing_secret": ""}),
    "feishu-http": Chat(FEISHU, {"mode": "http"}),
    "feishu-long-connection": Chat(FEISHU, {"mode": "long_connection"}),
    "dingtalk-http": Chat(DINGTALK, {"mode": "http"}),
    "dingtalk-stream": Chat(DINGTALK, {"mode": "stream"}),
    "dingtalk-text-http": Chat(DINGTALK_TEXT, {"mode": "http"}, cards=False),
    "dingtalk-text-stream": Chat(DINGTALK_TEXT, {"mode": "stream"}, cards=False),
}
VENDORS: dict[str, Vendor[Any, Any]] = {vendor.name: vendor for vendor in (SLACK, FEISHU, DINGTALK)}
