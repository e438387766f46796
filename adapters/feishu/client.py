"""Calls to the Feishu open platform, through lark-oapi's client.

Calls go by the SDK's generic request, so that answers of every API, also unreadable ones, are judged in one place.
Feishu allows 5 updates a second per message and promises no order among them: keep the updates of a card in one queue.
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

from adapters.common.connecting import Reachability
from adapters.common.tokens import Token
from adapters.feishu.errors import (
    NO_SUCH_USER,
    SUBSCRIBED,
    TOKEN_REFUSED,
    UUID_USED,
    FeishuError,
    answer_of,
    is_outage,
    refusal,
)
from adapters.feishu.sdk import sdk_module
from adapters.feishu.settings import FeishuSettings
from adapters.feishu.text import unmentioning
from core.messages import Message
from core.ports.clock import Clock

log = logging.getLogger(__name__)

TIMEOUT: Final = 10.0  # seconds for one request
RENEWAL: Final = timedelta(minutes=10)  # before expiry; from 30 minutes before it on, Feishu issues a new token
LOOKUP_BATCH: Final = 50  # e-mail addresses, and as many mobile numbers, in one call

_TITLE: Final = "@i18n@title"  # what is shown is looked up under such keys


@dataclass(frozen=True, slots=True)
class _Sdk:
    lark: Any
    client: Any
    transport_error: type[Exception]
    never_sent: tuple[type[Exception], ...]


class FeishuClient:
    """One self-built app on one domain. Every method raises FeishuError; `timeout` (seconds) bounds each request."""

    def __init__(self, settings: FeishuSettings, clock: Clock, timeout: float = TIMEOUT) -> None:
        self._settings, self._timeout = settings, timeout
        self._token = Token(self._fetch_token, RENEWAL, clock)
        cure = f"let this machine reach {settings.domain}, or check feishu.domain"
        self._reachability = Reachability("Feishu", cure, log)
        self._sdk: _Sdk | None = None
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Import the SDK now, so that the first call need not wait for it."""
        await self._load()

    async def send(
        self, receive_id_type: str, receive_id: str, msg_type: str, content: Mapping[str, Any], uuid: str
    ) -> str:
        """Send a message and return its id; the same `uuid` (at most 50 characters) sends it once within an hour."""
        data = await self._call(
            "POST",
            "/open-apis/im/v1/messages",
            queries={"receive_id_type": receive_id_type},
            body={"receive_id": receive_id, "msg_type": msg_type, "content": _json(content), "uuid": uuid},
        )
        return str(data["message_id"])

    async def patch_card(self, message_id: str, card: Mapping[str, Any]) -> None:
        """Replace a sent card by another, for everybody who sees it."""
        await self._call(
            "PATCH", "/open-apis/im/v1/messages/:message_id", {"message_id": message_id}, body={"content": _json(card)}
        )

    async def reply(self, message_id: str, msg_type: str, content: Mapping[str, Any], uuid: str) -> str:
        """Answer a message, below it, and return the answer's id; `uuid` as in `send`."""
        data = await self._call(
            "POST",
            "/open-apis/im/v1/messages/:message_id/reply",
            {"message_id": message_id},
            body={"msg_type": msg_type, "content": _json(content), "uuid": uuid},
        )
        return str(data["message_id"])

    async def reply_text(self, message_id: str, text: str, uuid: str) -> str:
        """Answer a message in plain text and return the answer's id; nobody is mentioned, whatever the text says."""
        return await self.reply(message_id, "text", unmentioning(text), uuid)

    async def user(self, open_id: str) -> dict[str, Any] | None:
        """Return the profile of a user, as far as the app may see it; None for one that it may not see at all."""
        try:
            data = await self._call(
                "GET", "/open-apis/contact/v3/users/:user_id", {"user_id": open_id}, {"user_id_type": "open_id"}
            )
        except FeishuError as error:
            if error.vendor_code not in NO_SUCH_USER:
                raise
            return None
        return dict(data["user"])

    async def lookup(self, emails: Sequence[str] = (), mobiles: Sequence[str] = ()) -> dict[str, str]:
        """Return the open_id of every given e-mail address and mobile number that belongs to somebody."""
        found: dict[str, str] = {}
        for body in _batches(emails, mobiles):
            data = await self._call(
                "POST", "/open-apis/contact/v3/users/batch_get_id", queries={"user_id_type": "open_id"}, body=body
            )
            for user in data.get("user_list") or ():
                if user.get("user_id"):
                    found[user.get("email") or user.get("mobile")] = user["user_id"]
        return found

    async def bot(self) -> dict[str, Any]:
        """Return what the app's bot is called and whether it is active (`activate_status` 2)."""
        return await self._call("GET", "/open-apis/bot/v3/info")

    async def scopes(self) -> set[str]:
        """Return the permissions that the tenant has granted to the app."""
        data = await self._call("GET", "/open-apis/application/v6/scopes")
        return {scope["scope_name"] for scope in data.get("scopes") or () if scope.get("grant_status") == 1}

    async def in_chat(self, chat_id: str) -> bool:
        """Tell whether the bot is a member of a group."""
        data = await self._call("GET", "/open-apis/im/v1/chats/:chat_id/members/is_in_chat", {"chat_id": chat_id})
        return bool(data.get("is_in_chat"))

    async def definition(self, approval_code: str) -> dict[str, Any]:
        """Return an approval definition: its widgets as JSON in `form`, its steps in `node_list`."""
        return await self._call(
            "GET", "/open-apis/approval/v4/approvals/:approval_code", {"approval_code": approval_code}
        )

    async def create_definition(self, definition: Mapping[str, Any]) -> str:
        """Create an approval definition, or update the one its `approval_code` names; return its code."""
        data = await self._call(
            "POST", "/open-apis/approval/v4/approvals", queries={"user_id_type": "open_id"}, body=dict(definition)
        )
        return str(data["approval_code"])

    async def subscribe(self, approval_code: str) -> None:
        """Ask for the events of an approval definition; asking again does no harm."""
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

        `approvers` names the open_ids for each node that leaves the choice to the sender. The same `uuid` (at most 64
        characters) starts one instance: repeating the call returns the first one's code.
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
        """Return an approval instance, named by its code or by the uuid it was started with."""
        return await self._call(
            "GET",
            "/open-apis/approval/v4/instances/:instance_id",
            {"instance_id": instance},
            queries={"user_id_type": "open_id"},
        )

    async def cancel_instance(self, approval_code: str, instance_code: str, open_id: str) -> None:
        """Withdraw an approval form in the name of who submitted it; the definition must allow withdrawal."""
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
        """Return the `data` of an answer, with one more attempt if the token turns out to be no longer valid."""
        token = await self._token.get()
        try:
            answer = await self._request(method, uri, paths, queries, body, token)
        except FeishuError as error:
            if error.vendor_code not in TOKEN_REFUSED:
                raise
            self._token.forget(token)
            answer = await self._request(method, uri, paths, queries, body, await self._token.get())
        return dict(answer.get("data") or answer.get("bot") or {})  # bot/v3/info has its own name for it

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
        sdk = await self._load()
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
        with self._reachability.watching(is_outage):
            try:
                async with asyncio.timeout(self._timeout):
                    raw = (await sdk.client.arequest(request, option)).raw
            except sdk.never_sent as error:
                reason = Message("no connection to {address}", {"address": self._settings.domain})
                raise FeishuError(reason, retryable=True, sent=False) from error
            except (TimeoutError, sdk.transport_error) as error:
                raise FeishuError(Message("no answer in time"), retryable=True) from error
            answer = answer_of(raw.content)
            if refused := refusal(raw.status_code, raw.headers, answer):
                raise refused
        return answer

    async def _load(self) -> _Sdk:
        async with self._loading:
            if self._sdk is None:
                self._sdk = await asyncio.to_thread(self._built, await sdk_module("lark_oapi"))
            return self._sdk

    def _built(self, lark: Any) -> _Sdk:
        httpx: Any = importlib.import_module("httpx")  # lark-oapi's transport
        _share_certificates(httpx)
        logging.getLogger("Lark").handlers.clear()  # the SDK prints to stdout beside the program's own log
        logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for every call tells nothing
        client = (
            lark.Client.builder()
            .app_id(self._settings.app_id)
            .app_secret(self._settings.app_secret.get_secret_value())
            .domain(self._settings.domain)
            .timeout(self._timeout)
            .enable_set_token(True)
            .build()
        )
        return _Sdk(lark, client, httpx.HTTPError, (httpx.ConnectError, httpx.ConnectTimeout))


def _share_certificates(httpx: Any) -> None:
    """Let the SDK's calls share one TLS context: it opens a client for each, which would read all certificates anew."""
    transport: Any = importlib.import_module("lark_oapi.core.http.transport")
    client = partial(httpx.AsyncClient, verify=httpx.create_ssl_context())
    transport.httpx = SimpleNamespace(AsyncClient=client)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _batches(emails: Sequence[str], mobiles: Sequence[str]) -> Iterator[dict[str, list[str]]]:
    for start in range(0, max(len(emails), len(mobiles)), LOOKUP_BATCH):
        batch = slice(start, start + LOOKUP_BATCH)
        yield {"emails": list(emails[batch]), "mobiles": list(mobiles[batch])}
