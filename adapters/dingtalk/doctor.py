"""The check-up of the DingTalk app. It sends no messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yarl import URL

from adapters.dingtalk.client import DingTalkClient
from adapters.dingtalk.connection import StreamClient
from adapters.dingtalk.settings import DingTalkSettings
from core.errors import DeliveryError
from core.ports.checkup import Finding


async def examine(client: DingTalkClient, public_url: str) -> list[Finding]:
    """Return the findings; the group is checked only when the app can sign in."""
    settings = client.settings
    signed_in = await _sign_in(client)
    group = [await _group(client)] if signed_in.ok and settings.conversation_id else []
    inbound = _callbacks(settings, public_url)
    if settings.mode == "stream" and signed_in.ok:
        inbound = [await _stream(client)]
    return [signed_in, _template(settings), *group, *inbound]


async def _sign_in(client: DingTalkClient) -> Finding:
    try:
        await client.sign_in()
    except DeliveryError as error:
        cure = (
            "look whether the server may reach dingtalk.api_url" if error.retryable else "mend the client id and secret"
        )
        return Finding(False, f"DingTalk gives no access token: {error.reason}", cure)
    return Finding(True, "DingTalk accepts the client id and secret")


async def _stream(client: DingTalkClient) -> Finding:
    reason = await StreamClient(client.settings, client.session, _ignore).try_out()
    cure = (
        "choose Stream for the robot and the event subscription in the developer console, "
        "and let this machine, or its proxy, open WebSockets (wss) to DingTalk"
    )
    text = f"DingTalk's Stream cannot be opened: {reason}" if reason else "DingTalk's Stream can be opened"
    return Finding(not reason, text, cure)


async def _ignore(_topic: str, _headers: Mapping[str, str], _data: dict[str, Any]) -> dict[str, Any]:
    """Ignore a frame: nothing reads from the connection of a check-up."""
    return {}


def _template(settings: DingTalkSettings) -> Finding:
    if settings.card_template_id:
        told = "a card template is set; DingTalk does not tell which one: import it again when CHANGELOG.md says so"
        return Finding(True, told)
    cure = "import config/dingtalk_card.json into the card builder, publish it, and set dingtalk.card_template_id"
    return Finding(False, "there is no card template: plans are shown as messages without buttons", cure)


async def _group(client: DingTalkClient) -> Finding:
    try:
        robots = await client.list_robots(client.settings.conversation_id)
    except DeliveryError as error:
        cure = "look whether dingtalk.conversation_id is an openConversationId, and the app may query robots in groups"
        return Finding(False, f"the group cannot be looked at: {error.reason}", cure)
    if client.settings.robot_code in robots:
        return Finding(True, "the robot is in the group")
    return Finding(False, "the robot is not in the group", "add it in the settings of the group")


def _callbacks(settings: DingTalkSettings, public_url: str) -> list[Finding]:
    if settings.mode == "stream":
        return [Finding(True, "DingTalk reaches Fabu by Stream, which needs no public address")]
    secure = URL(public_url).scheme == "https"
    public = Finding(secure, f"DingTalk posts to {public_url}", "use an https address, or mode stream")
    cure = "copy dingtalk.token and dingtalk.aes_key"
    events = (
        Finding(True, "events are verified")
        if settings.token
        else Finding(False, "events of approval forms are refused", cure)
    )
    return [public, events]
