"""The requests that the servers get, as the vendors send them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.benchmarks.load import http_post
from tests.simulators import dingtalk_platform, feishu_platform, slack_payloads

SECRET = "benchmark"
_JSON = {"Content-Type": "application/json"}


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


def feishu(ref: str, sink: str) -> bytes:
    """Return a click on "approve", encrypted and signed."""
    event = {
        "operator": {"tenant_key": "t", "open_id": "ou_bob"}, "token": "c-1", "host": "im_message",
        "action": {"value": {"verb": "approve", "ref": ref}, "tag": "button", "name": "approve"},
        "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"},
    }  # fmt: skip
    header = {
        "event_id": uuid4().hex, "token": SECRET, "create_time": "1", "event_type": "card.action.trigger",
        "tenant_key": "t", "app_id": "cli_1",
    }  # fmt: skip
    body = feishu_platform.encrypted({"schema": "2.0", "header": header, "event": event}, SECRET)
    return http_post("/feishu/events", body, _JSON | feishu_platform.signed(body, SECRET, time.time()))


def dingtalk(ref: str, sink: str) -> bytes:
    """Return a click on "approve", signed."""
    sent = {"cardPrivateData": {"actionIds": ["approve"], "params": {"ref": ref, "text": ""}}}
    body = {
        "type": "actionCallback", "outTrackId": uuid4().hex, "userId": "dt_bob", "userIdType": 1, "corpId": "ding1",
        "spaceId": "cid1", "spaceType": "IM_GROUP", "content": json.dumps(sent), "extension": "{}",
    }  # fmt: skip
    headers = dingtalk_platform.card_headers(SECRET, str(int(time.time() * 1000)))
    return http_post("/dingtalk/card", json.dumps(body).encode(), _JSON | headers)


def callback(ref: str, sink: str) -> bytes:
    """Return the answer of an external system to a hook; `ref` is the plan's id and instance code."""
    plan_id, code = ref.split(".")
    body = {
        "release_plan_id": plan_id, "instance_code": code, "hook_event": "finish_planning", "result": "success",
    }  # fmt: skip
    return http_post("/api/callback/release_plan", json.dumps(body).encode(), _JSON)


REQUESTS: dict[str, Callable[..., bytes]] = {
    "slack": slack,
    "feishu": feishu,
    "dingtalk": dingtalk,
    "hooks": callback,
}
"""Makes a request for what a server of that kind waits for."""
