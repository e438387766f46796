"""A client of the Feishu open platform, over lark-oapi's client.

All calls use the SDK's generic request, so that one place handles the errors of every API, also malformed answers.
Feishu allows 5 updates of a message in a second, and does not order them: send the updates of a card one by one.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, Final

import orjson
from yarl import URL

from adapters.common.connecting import Reachability
from adapters.common.proxies import Proxies
from adapters.common.tokens import Token
from adapters.feishu.errors import (
    NO_SUCH_USER,
    SUBSCRIBED,
    TOKEN_REFUSED,
    UUID_USED,
    FeishuError,
    is_outage,
    parse_answer,
    read_error,
)
from adapters.feishu.sdk import import_sdk
from adapters.feishu.settings import FeishuSettings
from adapters.feishu.text import post_content
from core.messages import Message
from core.ports.clock import Clock

log = logging.getLogger(__name__)

TIMEOUT: Final = 10.0  # seconds for one request
RENEWAL: Final = timedelta(minutes=10)  # before expiry; Feishu issues no new token earlier than 30 minutes before
LOOKUP_BATCH: Final = 50  # e-mail addresses, and as many mobile numbers, in one call

_TITLE: Final = "@i18n@title"  # a key; Feishu displays its text in `i18n_resources`


@dataclass(frozen=True, slots=True)
class _Sdk:
    lark: Any
    client: Any
    transport_error: type[Exception]
    never_sent: tuple[type[Exception], ...]


class FeishuClient:
    """Calls Feishu as one self-built app. Every method raises FeishuError; each request ends in `timeout` seconds."""

    def __init__(self, settings: FeishuSettings, clock: Clock, timeout: float = TIMEOUT) -> None:
        self._settings, self._timeout = settings, timeout
        self._token = Token(self._fetch_token, RENEWAL, clock)
        cure = f"let this machine reach {settings.domain}, or check feishu.domain"
        self._reachability = Reachability("Feishu", cure, log)
        self._sdk: _Sdk | None = None
        self._loading = asyncio.Lock()
        self._bot_id = ""

    async def load(self) -> None:
        """Import the SDK now, so that the first call does not wait for that."""
        await self._load_sdk()

    async def send(
        self, receive_id_type: str, receive_id: str, msg_type: str, content: Mapping[str, Any], uuid: str
    ) -> str:
        """Send a message and return its id; with the same `uuid` (50 characters), Feishu sends one within an hour."""
        data = await self._call(
            "POST",
            "/open-apis/im/v1/messages",
            queries={"receive_id_type": receive_id_type},
            body={"receive_id": receive_id, "msg_type": msg_type, "content": _json(content), "uuid": uuid},
        )
        return str(data["message_id"])

    async def patch_card(self, message_id: str, card: Mapping[str, Any]) -> None:
        """Replace the content of a card, for everybody who sees it."""
        await self._call(
            "PATCH", "/open-apis/im/v1/messages/:message_id", {"message_id": message_id}, body={"content": _json(card)}
        )

    async def reply(self, message_id: str, msg_type: str, content: Mapping[str, Any], uuid: str) -> str:
        """Reply to a message and return the id of the reply; `uuid` as in `send`."""
        data = await self._call(
            "POST",
            "/open-apis/im/v1/messages/:message_id/reply",
            {"message_id": message_id},
            body={"msg_type": msg_type, "content": _json(content), "uuid": uuid},
        )
        return str(data["message_id"])

    async def reply_text(self, message_id: str, text: str, uuid: str, mentioned: Sequence[str] = ()) -> str:
        """Reply to a message in plain text and return the id of the reply; the text itself mentions nobody."""
        return await self.reply(message_id, "post", post_content(text, mentioned=mentioned), uuid)

    async def get_user(self, open_id: str) -> dict[str, Any] | None:
        """Return the profile of a user, as far as the app may read it; None for a user that it may not read."""
        try:
            data = await self._call(
                "GET", "/open-apis/contact/v3/users/:user_id", {"user_id": open_id}, {"user_id_type": "open_id"}
            )
        except FeishuError as error:
            if error.vendor_code not in NO_SUCH_USER:
                raise
            return None
        return dict(data["user"]) if data.get("user") else None

    async def find_users(self, emails: Sequence[str] = (), mobiles: Sequence[str] = ()) -> dict[str, str]:
        """Return the open_ids of users, by e-mail address or mobile number; those that nobody has are missing."""
        found: dict[str, str] = {}
        for body in _batches(emails, mobiles):
            data = await self._call(
                "POST", "/open-apis/contact/v3/users/batch_get_id", queries={"user_id_type": "open_id"}, body=body
            )
            for user in data.get("user_list") or ():
                if user.get("user_id"):
                    found[user.get("email") or user.get("mobile")] = user["user_id"]
        return found

    async def get_bot(self) -> dict[str, Any]:
        """Return the app's bot: its name, and its `activate_status`, 2 for active."""
        return await self._call("GET", "/open-apis/bot/v3/info")

    async def get_bot_id(self) -> str:
        """Return the open_id of the app's bot. Feishu is requested once for it."""
        if not self._bot_id:
            self._bot_id = str((await self.get_bot())["open_id"])
        return self._bot_id

    async def get_scopes(self) -> set[str]:
        """Return the permissions that the tenant has granted to the app."""
        data = await self._call("GET", "/open-apis/application/v6/scopes")
        return {scope["scope_name"] for scope in data.get("scopes") or () if scope.get("grant_status") == 1}

    async def is_in_chat(self, chat_id: str) -> bool:
        """Return whether the bot is a member of a group."""
        data = await self._call("GET", "/open-apis/im/v1/chats/:chat_id/members/is_in_chat", {"chat_id": chat_id})
        return bool(data.get("is_in_chat"))

    async def get_definition(self, approval_code: str) -> dict[str, Any]:
        """Return an approval definition: its widgets as JSON in `form`, its steps in `node_list`."""
        return await self._call(
            "GET", "/open-apis/approval/v4/approvals/:approval_code", {"approval_code": approval_code}
        )

    async def create_definition(self, definition: Mapping[str, Any]) -> str:
        """Create an approval definition, or update the one with its `approval_code`; return its code."""
        data = await self._call(
            "POST", "/open-apis/approval/v4/approvals", queries={"user_id_type": "open_id"}, body=dict(definition)
        )
        return str(data["approval_code"])

    async def subscribe(self, approval_code: str) -> None:
        """Subscribe to the events of an approval definition; a second subscription has no effect."""
        try:
            await self._call(
                "POST", "/open-apis/approval/v4/approvals/:approval_code/subscribe", {"approval_code": approval_code}
            )
        except FeishuError as error:
            if error.vendor_code != SUBSCRIBED:
                raise

    async def start_instance(
        self,
        approval_code: str,
        open_id: str,
        form: Sequence[Mapping[str, Any]],
        approvers: Mapping[str, Sequence[str]],
        uuid: str,
        title: str,
    ) -> str:
        """Submit an approval form under a title for `open_id` and return its instance code.

        `approvers` has the open_ids for each node whose approvers the submitter chooses. The same `uuid` (at most 64
        characters) starts one instance: a repeated call returns the code of the first one.
        """
        body = {
            "approval_code": approval_code,
            "open_id": open_id,
            "form": _json(form),
            "node_approver_open_id_list": [{"key": key, "value": list(ids)} for key, ids in approvers.items()],
            "uuid": uuid,
            "title": _TITLE,
            "i18n_resources": [
                {"locale": "zh-CN", "texts": [{"key": _TITLE, "value": title}], "is_default": True},
            ],
        }
        try:
            data = await self._call("POST", "/open-apis/approval/v4/instances", body=body)
        except FeishuError as error:
            if error.vendor_code != UUID_USED:
                raise
            data = await self.get_instance(uuid)
        return str(data["instance_code"])

    async def get_instance(self, instance: str) -> dict[str, Any]:
        """Return an approval instance, by its code or by the uuid of its start."""
        return await self._call(
            "GET",
            "/open-apis/approval/v4/instances/:instance_id",
            {"instance_id": instance},
            queries={"user_id_type": "open_id"},
        )

    async def comment_instance(self, instance_code: str, open_id: str, text: str) -> None:
        """Add a comment to an approval form in the name of `open_id`."""
        await self._call(
            "POST",
            "/open-apis/approval/v4/instances/:instance_id/comments",
            {"instance_id": instance_code},
            queries={"user_id_type": "open_id", "user_id": open_id},
            body={"content": _json({"text": text, "files": []})},
        )

    async def cancel_instance(self, approval_code: str, instance_code: str, open_id: str) -> None:
        """Withdraw an approval form in the name of its submitter; the definition must allow withdrawal."""
        await self._call(
            "POST",
            "/open-apis/approval/v4/instances/cancel",
            queries={"user_id_type": "open_id"},
            body={"approval_code": approval_code, "instance_code": instance_code, "user_id": open_id},
        )

    async def _call(
        self,
        method: str,
        uri: str,
        paths: Mapping[str, str] | None = None,
        queries: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Call an API and return the `data` of the answer. A rejected token is renewed once."""
        token = await self._token.get()
        try:
            answer = await self._request(method, uri, paths, queries, body, token)
        except FeishuError as error:
            if error.vendor_code not in TOKEN_REFUSED:
                raise
            self._token.forget(token)
            answer = await self._request(method, uri, paths, queries, body, await self._token.get())
        return dict(answer.get("data") or answer.get("bot") or {})  # bot/v3/info calls it `bot`

    async def _fetch_token(self) -> tuple[str, timedelta]:
        answer = await self._request(
            "POST",
            "/open-apis/auth/v3/tenant_access_token/internal",
            body={"app_id": self._settings.app_id, "app_secret": self._settings.app_secret.get_secret_value()},
        )
        return str(answer["tenant_access_token"]), timedelta(seconds=answer["expire"])

    async def _request(
        self,
        method: str,
        uri: str,
        paths: Mapping[str, str] | None = None,
        queries: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        token: str = "",
    ) -> dict[str, Any]:
        sdk = await self._load_sdk()
        request = (
            sdk.lark.BaseRequest.builder()
            .http_method(sdk.lark.HttpMethod[method])
            .uri(uri)
            .paths(dict(paths or {}))
            .queries(list((queries or {}).items()))
            .body(body)
            .token_types({sdk.lark.AccessTokenType.TENANT} if token else set())
            .build()
        )
        option = sdk.lark.RequestOption.builder().tenant_access_token(token).build()
        with self._reachability.track(is_outage):
            try:
                async with asyncio.timeout(self._timeout):
                    raw = (await sdk.client.arequest(request, option)).raw
            except sdk.never_sent as error:
                reason = Message("no connection to {address}", {"address": self._settings.domain})
                raise FeishuError(reason, retryable=True, sent=False) from error
            except (TimeoutError, sdk.transport_error) as error:
                raise FeishuError(Message("no answer in time"), retryable=True) from error
            answer = parse_answer(raw.content)
            if refused := read_error(raw.status_code, raw.headers, answer):
                raise refused
        return answer

    async def _load_sdk(self) -> _Sdk:
        async with self._loading:
            if self._sdk is None:
                self._sdk = await asyncio.to_thread(self._make_sdk, await import_sdk("lark_oapi"))
            return self._sdk

    def _make_sdk(self, lark: Any) -> _Sdk:
        httpx: Any = importlib.import_module("httpx")  # lark-oapi's transport
        _configure_transport(httpx, Proxies.of_environment().find(URL(self._settings.domain)))
        logging.getLogger("Lark").handlers.clear()  # the SDK logs to stdout, beside the program's own log
        logging.getLogger("httpx").setLevel(logging.WARNING)  # httpx logs a line for every call
        client = (
            lark.Client.builder()
            .app_id(self._settings.app_id)
            .app_secret(self._settings.app_secret.get_secret_value())
            .domain(self._settings.domain)
            .timeout(self._timeout)
            .enable_set_token(True)
            .build()
        )
        return _Sdk(lark, client, httpx.HTTPError, (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError))


def _configure_transport(httpx: Any, proxy: URL | None) -> None:
    """Let the SDK's calls share one TLS context, and use the proxy that other connections use.

    The SDK opens a client for each call, which loads all certificates.
    """
    transport: Any = importlib.import_module("lark_oapi.core.http.transport")
    context = httpx.create_ssl_context()
    client = partial(httpx.AsyncClient, verify=context, proxy=str(proxy) if proxy else None, trust_env=False)
    transport.httpx = SimpleNamespace(AsyncClient=client)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _batches(emails: Sequence[str], mobiles: Sequence[str]) -> Iterator[dict[str, list[str]]]:
    for start in range(0, max(len(emails), len(mobiles)), LOOKUP_BATCH):
        batch = slice(start, start + LOOKUP_BATCH)
        yield {"emails": list(emails[batch]), "mobiles": list(mobiles[batch])}
