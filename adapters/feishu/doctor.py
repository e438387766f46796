"""The check-up of a Feishu app: its secret, its bot, its permissions and its group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from adapters.feishu.client import FeishuClient
from adapters.feishu.connection import LongConnection
from adapters.feishu.errors import FeishuError
from adapters.feishu.settings import FeishuSettings
from core.ports.checkup import Finding

ACTIVE: Final = 2  # `activate_status` of an app that the tenant has enabled

_NEEDED: Final = {
    "send messages": ("im:message", "im:message:send_as_bot", "im:message:send"),
    "find people by e-mail and phone": ("contact:user.id:readonly",),
    "look up who wrote": (
        "contact:contact.base:readonly",
        "contact:contact:readonly_as_app",
        "contact:contact:access_as_app",
        "contact:contact:readonly",
    ),
    "read e-mail addresses": ("contact:user.email:readonly",),
    "read phone numbers": ("contact:user.phone:readonly",),
}
_FORMS: Final = {"open approval forms": ("approval:approval",)}


async def examine(settings: FeishuSettings, client: FeishuClient) -> list[Finding]:
    """Return the findings on the app; no message is sent. When Feishu refuses the app, that is the only finding."""
    try:
        bot = await client.get_bot()
    except FeishuError as error:
        cure = "check feishu.app_id, feishu.app_secret and feishu.domain, and enable the bot feature of the app"
        return [Finding(False, f"Feishu does not accept the app: {error}", cure)]
    found = [_activation(bot.get("activate_status"), str(bot.get("app_name") or ""))]
    try:
        found += _permissions(await client.get_scopes(), with_forms=bool(settings.approval_code))
    except FeishuError as error:
        found.append(Finding(False, f"the permissions cannot be read: {error}", "publish a version of the app"))
    if settings.mode == "long_connection":
        found.append(await _connection(settings))
    if settings.chat_id:
        found.append(await _group(client, settings.chat_id))
    if settings.approval_code:
        found.append(await _definition(client, settings.approval_code))
    return found


def _activation(status: object, name: str) -> Finding:
    if status == ACTIVE:
        return Finding(True, f"Feishu knows the bot “{name}”")
    return Finding(
        False, f"the bot “{name}” is not enabled in Feishu (status {status})", "publish a version of the app"
    )


def _permissions(granted: set[str], *, with_forms: bool) -> Iterator[Finding]:
    for purpose, scopes in (_NEEDED | (_FORMS if with_forms else {})).items():
        if granted & set(scopes):
            yield Finding(True, f"the app may {purpose}")
        else:
            cure = f"grant {' or '.join(scopes)} in the developer console, and publish a version"
            yield Finding(False, f"the app may not {purpose}", cure)


async def _connection(settings: FeishuSettings) -> Finding:
    try:
        await LongConnection(settings, _ignore).try_out()
    except FeishuError as error:
        cure = (
            "choose the long connection for events and callbacks in the developer console, "
            "and let this machine, or its proxy, open WebSockets (wss) to Feishu"
        )
        return Finding(False, f"Feishu's long connection cannot be opened: {error.reason}", cure)
    return Finding(True, "Feishu's long connection can be opened")


async def _ignore(_: dict[str, Any]) -> dict[str, Any]:
    """Ignore an event: nothing reads from the connection of a check-up."""
    return {}


async def _group(client: FeishuClient, chat_id: str) -> Finding:
    try:
        if await client.is_in_chat(chat_id):
            return Finding(True, "the bot is in the group of feishu.chat_id")
        reason = "it is no member"
    except FeishuError as error:
        reason = str(error)
    cure = "add the bot to the group, and check feishu.chat_id"
    return Finding(False, f"the bot cannot post to the group {chat_id}: {reason}", cure)


async def _definition(client: FeishuClient, approval_code: str) -> Finding:
    try:
        status = (await client.get_definition(approval_code))["status"]
    except FeishuError as error:
        status = str(error)
    if status == "ACTIVE":
        return Finding(True, "the approval definition of feishu.approval_code is active")
    cure = "enable it in Feishu's approval administration, or check feishu.approval_code"
    return Finding(False, f"the approval definition {approval_code} cannot be used: {status}", cure)
