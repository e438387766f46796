"""Calls of the DingTalk open API through the vendor's SDK, which is imported lazily."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import aiohttp
from yarl import URL

from adapters.common.connecting import Reachability
from adapters.common.proxies import open_proxied_session
from adapters.common.settings import is_loopback
from adapters.common.tokens import Token
from adapters.dingtalk.errors import SYSTEM, TokenRejected, is_outage, translate_errors
from core.errors import DeliveryError
from core.messages import Message
from core.ports.clock import Clock

log = logging.getLogger(__name__)

_RENEWAL = timedelta(minutes=5)
"""How long before its expiry a token is renewed, so that none expires during a call."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the SDK: its product package, the prefix of its model classes, and its method."""

    product: str
    models: str
    method: str


_TOKEN = Operation("oauth2_1_0", "GetAccessToken", "get_access_token_with_options_async")


class OpenApi:
    """The open API (`api.dingtalk.com`) for one app.

    The import of a product of the SDK takes 0.2 s, so it is done at the first call, in a thread. The SDK neither caches
    tokens nor retries. A rejected token is renewed once; nothing else is retried here.
    """

    def __init__(self, url: str, client_id: str, client_secret: str, clock: Clock, timeout: timedelta) -> None:
        """Call the API at `url`; raise ValueError unless it is https, or http on loopback, without a path."""
        self._base = base_url(url)
        if self._base.path != "/":
            raise ValueError(f"{url}: the vendor's SDK takes a host without a path")
        self._credentials = {"appKey": client_id, "appSecret": client_secret}
        self._timeout = int(timeout.total_seconds() * 1000)
        self._reachability = Reachability("DingTalk", f"let this machine reach {url}, or check dingtalk.api_url", log)
        self._products: dict[str, tuple[Any, Any]] = {}
        self.token = Token(self._fetch_token, _RENEWAL, clock)

    async def call(self, operation: Operation, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send `body` (wire names) and return the body of the answer. Raise DeliveryError."""
        token = await self.token.get()
        try:
            return await self._send(operation, body, token)
        except TokenRejected:
            self.token.forget(token)
        try:
            return await self._send(operation, body, await self.token.get())
        except TokenRejected as error:
            raise DeliveryError(SYSTEM, Message("the access token is refused"), retryable=True, known=False) from error

    async def _fetch_token(self) -> tuple[str, timedelta]:
        answer = await self._send(_TOKEN, self._credentials, "")
        return answer["accessToken"], timedelta(seconds=answer["expireIn"])

    async def _send(self, operation: Operation, body: Mapping[str, Any], token: str) -> dict[str, Any]:
        client, models = await self._product(operation.product)
        request = getattr(models, f"{operation.models}Request")().from_map(body)
        for name, value in list(vars(request).items()):
            if value == []:  # from_map sets missing lists to empty ones, which would be sent
                setattr(request, name, None)
        headers = getattr(models, f"{operation.models}Headers")(x_acs_dingtalk_access_token=token) if token else {}
        options = self._options(connect_timeout=self._timeout, read_timeout=self._timeout)
        with self._reachability.track(is_outage):
            answer = await translate_errors(getattr(client, operation.method)(request, headers, options))
        return answer.body.to_map()  # type: ignore[no-any-return]

    async def _product(self, name: str) -> tuple[Any, Any]:
        """Return the client and the models of a product; the import is slow, so it runs in a thread."""
        if name not in self._products:
            self._products[name] = await asyncio.to_thread(self._load, name)
        return self._products[name]

    def _load(self, name: str) -> tuple[Any, Any]:
        _use_proxies(import_module("Tea.core"))
        config = import_module("alibabacloud_tea_openapi.models").Config(
            protocol=self._base.scheme, region_id="central", endpoint=self._base.authority
        )
        package = f"alibabacloud_dingtalk.{name}"
        return import_module(f"{package}.client").Client(config), import_module(f"{package}.models")

    @staticmethod
    def _options(**timeouts: int) -> Any:
        return import_module("alibabacloud_tea_util.models").RuntimeOptions(**timeouts)


def _use_proxies(core: Any) -> None:
    """Let the SDK open sessions that use the proxies of the environment: its own do not know NO_PROXY."""
    core.aiohttp = SimpleNamespace(
        ClientSession=open_proxied_session, ClientTimeout=aiohttp.ClientTimeout, TCPConnector=aiohttp.TCPConnector
    )


def base_url(text: str) -> URL:
    """Return a base URL; raise ValueError unless it is https, or http on loopback."""
    url = URL(text)
    if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
        raise ValueError(f"{text}: must be an https address (http is for loopback only)")
    return url
