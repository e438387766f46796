"""The requests that the servers get, as Slack sends them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.benchmarks.load import http_post
from tests.simulators import slack_payloads

SECRET = "benchmark"


def slack(ref: str, sink: str) -> bytes:
    """Return a click on "approve", of 3 KB as from a card of middle size; what is said to it goes to the sink."""
    unique = uuid4().hex
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "some text of a plan " * 4}}
    button = {"type": "button", "text": {"type": "plain_text", "text": "Approve", "emoji": True}, "style": "primary"}
    message = {"bot_id": "B1", "type": "message", "text": "#1 Release", "user": "U0", "ts": "1111.222", "team": "T1"}
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": "Ubob", "username": "bob", "name": "bob", "team_id": "T1"},
        "api_app_id": "A1", "token": "t", "trigger_id": f"12.34.{unique}",
        "container": {"type": "message", "message_ts": "1111.222", "channel_id": "C1", "is_ephemeral": False},
        "team": {"id": "T1", "domain": "d"}, "enterprise": None, "is_enterprise_install": False,
        "channel": {"id": "C1", "name": "general"}, "state": {"values": {}},
        "response_url": f"{sink}/respond",
        "message": message | {"blocks": [section | {"block_id": f"b{i}"} for i in range(12)]},
        "actions": [button | {"action_id": "approve", "block_id": "b1", "value": ref, "action_ts": "158.1"}],
    }  # fmt: skip
    body = slack_payloads.form({"payload": slack_payloads.encode(payload)})
    headers = {"Content-Type": "application/x-www-form-urlencoded", **slack_payloads.signed(body, SECRET)}
    return http_post("/slack/events", body, headers)
