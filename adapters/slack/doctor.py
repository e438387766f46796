"""The check-up of the Slack app: the bot token, its scopes, the channel, the signing secret, Socket Mode."""

from __future__ import annotations

import asyncio

from aiohttp import ClientError
from yarl import URL

from adapters.slack.client import SlackClient
from adapters.slack.errors import SlackError, translate_errors
from adapters.slack.text import JSON
from core.ports.checkup import Finding

_WITHIN = 10.0
"""Seconds in which Slack has to greet a new connection."""
_CHANNEL_CURES = {
    "missing_scope": "Add channels:read and groups:read under OAuth & Permissions, then install the app again.",
    "channel_not_found": "Set slack.channel to the id of a channel, C…; invite the app, if the channel is private.",
}
SCOPES = (
    "app_mentions:read",
    "channels:read",
    "chat:write",
    "commands",
    "groups:read",
    "im:history",
    "im:write",
    "users:read",
    "users:read.email",
)


async def examine(client: SlackClient) -> list[Finding]:
    """Return the findings, that on the bot token first. Raises nothing: a failed call is a finding."""
    found = await _token(client)
    if client.settings.channel and found[0].ok:
        found.append(await _channel(client))
    if client.settings.mode == "http":
        found.append(Finding(True, "Slack: requests are proven by the signing secret."))
    elif found[0].ok:
        found.append(await _socket(client))
    return found


async def _token(client: SlackClient) -> list[Finding]:
    try:
        with translate_errors():
            answer = await client.web.auth_test()
    except SlackError as error:
        if error.vendor_code:
            cure = "Install the app in the workspace again and copy its bot token to slack.bot_token"
            return [Finding(False, "Slack refuses the bot token.", f"{cure} ({error.vendor_code}).")]
        cure = f"Let this machine reach {client.settings.api_url}, or check slack.api_url."
        return [Finding(False, "Slack does not answer.", cure)]
    found = [Finding(True, "Slack knows the bot token.")]
    given = answer.headers.get("x-oauth-scopes")
    if given is None:
        return found
    missing = sorted(set(SCOPES) - {scope.strip() for scope in given.split(",")})
    if not missing:
        return [*found, Finding(True, "Slack: the app has all scopes.")]
    cure = f"Add under OAuth & Permissions, then install the app again: {', '.join(missing)}."
    return [*found, Finding(False, "Slack: the app lacks scopes.", cure)]


async def _channel(client: SlackClient) -> Finding:
    channel = client.settings.channel
    try:
        with translate_errors():
            found: JSON = (await client.web.conversations_info(channel=channel))["channel"]
    except SlackError as error:
        cure = _CHANNEL_CURES.get(error.vendor_code, "Look again in a moment.")
        return Finding(False, f"Slack: the channel {channel} cannot be looked at: {error.reason}", cure)
    if found.get("is_archived"):
        return Finding(False, f"Slack: the channel {channel} is archived.", "Unarchive it, or set slack.channel.")
    if not found.get("is_member"):
        cure = "Write `/invite` and the name of the app in the channel, or set slack.channel to another."
        return Finding(False, f"Slack: the app is not in the channel {channel}, so it gets no cards.", cure)
    return Finding(True, f"Slack: the app is in the channel {channel}.")


async def _socket(client: SlackClient) -> Finding:
    """Open a connection, wait for Slack's greeting, and close it. Slack sends what it gets meanwhile again."""
    try:
        with translate_errors():
            token = client.settings.app_token.get_secret_value()
            url = str((await client.web.apps_connections_open(app_token=token))["url"])
    except SlackError as error:
        cure = "Enable Socket Mode, and copy an app-level token with connections:write to slack.app_token"
        return Finding(False, "Slack refuses Socket Mode.", f"{cure} ({error.vendor_code}).")
    try:
        async with asyncio.timeout(_WITHIN), client.session.ws_connect(url) as socket:
            greeting = (await socket.receive_json()).get("type")
    except (ClientError, OSError, TimeoutError, TypeError, ValueError) as error:
        greeting = type(error).__name__  # the error of aiohttp names the ticket
    if greeting == "hello":
        return Finding(True, "Slack opens a connection of Socket Mode.")
    cure = f"Let this machine, or its proxy, open WebSockets (wss) to {URL(url).host}."
    return Finding(False, f"Slack's Socket Mode does not connect ({greeting}).", cure)
