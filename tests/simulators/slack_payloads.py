"""What Slack sends, byte for byte: encodings, the signature, and payloads with all documented fields.

Slack docs: reference/interaction-payloads, interactivity/implementing-slash-commands, apis/events-api,
authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from typing import Any
from urllib.parse import urlencode

from .slack_workspace import JSON, Channel, Message, Workspace


def encode(body: Any) -> str:
    """Return JSON as Slack writes it: compact, ASCII only, slashes escaped."""
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/")


def form(fields: dict[str, str]) -> bytes:
    """Return a form-encoded body."""
    return urlencode(fields).encode()


def signed(body: bytes, secret: str, ts: int | None = None) -> dict[str, str]:
    """Return the signature headers of `body` at `ts` unix seconds (now by default)."""
    moment = str(int(time.time()) if ts is None else ts)
    digest = hmac.new(secret.encode(), b"v0:" + moment.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={digest}"}


def typed(text: str) -> str:
    """Return typed text as Slack sends it: three entities escaped, `<@U1>` and `<#C1>` references kept."""
    pieces = re.split(r"(<[@#!][^<>]+>)", text)
    escaped = [
        piece if position % 2 else piece.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        for position, piece in enumerate(pieces)
    ]
    return "".join(escaped)


class Payloads:
    """Builds payloads for one workspace and app."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._token = secrets.token_hex(12)  # the legacy verification token; nobody should look at it

    def interaction(self, kind: str, user: str, trigger_id: str | None = None) -> JSON:
        """Return what all interactivity payloads have; a user unknown to the workspace is let through."""
        known = self._workspace.people.get(user)
        name = known.name if known else user.lower()
        payload: JSON = {
            "type": kind,
            "user": {"id": user, "username": name, "name": name, "team_id": self._workspace.team_id},
            "api_app_id": self._workspace.app_id,
            "token": self._token,
            "team": {"id": self._workspace.team_id, "domain": self._workspace.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }
        return payload if trigger_id is None else payload | {"trigger_id": trigger_id}

    def about_message(self, message: Message, channel: Channel, block_id: str) -> JSON:
        """Return where in a channel a click happened; of an ephemeral message Slack sends no copy."""
        container: JSON = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.only_for is not None,
        }
        for number, attachment in enumerate(message.attachments, 1):
            if any(block["block_id"] == block_id for block in attachment["blocks"]):
                container |= {"type": "message_attachment", "attachment_id": number, "is_app_unfurl": False}
        where: JSON = {"container": container, "channel": {"id": channel.id, "name": channel_name(channel)}}
        return where if message.only_for else where | {"message": self._workspace.wire(message)}

    def action(self, block_id: str, element: JSON, picked: JSON | None) -> JSON:
        """Return the one entry of `actions`: what the element carries, and what the user picked in it."""
        carried = {
            key: element[key] for key in ("type", "action_id", "text", "value", "style", "url") if key in element
        }
        return carried | {"block_id": block_id, "action_ts": self._workspace.timestamp()} | (picked or {})

    def command(
        self, user: str, channel: Channel, command: str, text: str, trigger_id: str, url: str
    ) -> dict[str, str]:
        """Return the form fields of a slash command."""
        known = self._workspace.people.get(user)
        return {
            "token": self._token,
            "team_id": self._workspace.team_id,
            "team_domain": self._workspace.domain,
            "channel_id": channel.id,
            "channel_name": channel_name(channel),
            "user_id": user,
            "user_name": known.name if known else user.lower(),
            "command": command,
            "text": typed(text),
            "api_app_id": self._workspace.app_id,
            "is_enterprise_install": "false",
            "response_url": url,
            "trigger_id": trigger_id,
        }

    def event(self, event: JSON, event_id: str | None = None) -> JSON:
        """Wrap an event as the Events API does."""
        team, app = self._workspace.team_id, self._workspace.app_id
        return {
            "token": self._token,
            "team_id": team,
            "context_team_id": team,
            "context_enterprise_id": None,
            "api_app_id": app,
            "event": event,
            "type": "event_callback",
            "event_id": event_id or self._workspace.next_id("Ev"),
            "event_time": int(self._workspace.clock.now()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": team,
                    "user_id": self._workspace.bot_user,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": f"4-{secrets.token_hex(16)}",
        }

    def url_verification(self, challenge: str) -> JSON:
        """Return the handshake of a new request URL."""
        return {"token": self._token, "challenge": challenge, "type": "url_verification"}

    def said(self, message: Message) -> JSON:
        """Return the event fields of a message that a user typed."""
        return {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "client_msg_id": self._workspace.next_id("M"),
            "text": message.text,
            "team": self._workspace.team_id,
            "channel": message.channel,
            "event_ts": message.ts,
            **({"edited": {"user": message.user, "ts": message.edited}} if message.edited else {}),
        }


def channel_name(channel: Channel) -> str:
    """Return the name that payloads give a channel."""
    return "directmessage" if channel.user else channel.name
