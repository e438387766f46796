"""Socket Mode: requests over a WebSocket that Fabu opens, for installations without a public address.

Slack docs: apis/events-api/using-socket-mode. slack_bolt keeps the connection, answers pings and reconnects when Slack
refreshes the connection. The requests are not signed: TLS authenticates the connection.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from aiohttp import ClientSession
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from adapters.common.connecting import Reachability
from adapters.common.proxies import open_proxied_session
from adapters.slack.conversation import Conversation
from adapters.slack.errors import SlackError, translate_errors
from adapters.slack.inbound import parse
from adapters.slack.settings import SlackSettings

ADDRESS_LIFE: Final = 30.0
"""Seconds in which a WebSocket address has to answer, before another address is requested."""
EVENTS: Final = ("app_mention", "message", "app_home_opened")
_ANY: Final = re.compile("")
_REPEATED: Final = ("Failed to connect", "Failed to retrieve WSS URL", "Failed to check the current session")
"""Log lines of the SDK at every failed connection, with a traceback. `Reachability` logs the loss once instead."""

log = logging.getLogger(__name__)
_sdk = log.getChild("sdk")
_sdk.addFilter(lambda record: not record.getMessage().startswith(_REPEATED))


class SocketMode:
    """One connection, kept open until `stop`.

    An address that does not answer within `address_life` seconds is replaced.
    """

    def __init__(self, settings: SlackSettings, conversation: Conversation, address_life: float = ADDRESS_LIFE) -> None:
        self._settings = settings
        self._conversation = conversation
        self._address_life = address_life
        self._connection: AsyncSocketModeHandler | None = None
        self._connecting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect in the background, so that Fabu starts even when Slack cannot be reached."""
        self._connection = _Connection(self._app(), self._settings, self._address_life)
        self._connecting = asyncio.create_task(self._connection.connect_async())  # type: ignore[no-untyped-call]

    async def stop(self) -> None:
        """Close the connection."""
        if self._connection and self._connecting:
            self._connecting.cancel()
            with suppress(asyncio.CancelledError):
                await self._connecting
            await self._connection.close_async()  # type: ignore[no-untyped-call]
        self._connection = self._connecting = None

    def _app(self) -> AsyncApp:
        client = AsyncWebClient(base_url=self._settings.api_url)
        with _without_environment():
            app = AsyncApp(
                logger=log,
                client=client,
                authorize=_Installation(self._settings.bot_token.get_secret_value()),
                process_before_response=True,  # otherwise bolt polls for every acknowledgement
                request_verification_enabled=False,  # requests in Socket Mode are not signed
                ssl_check_enabled=False,
            )
        app.command(self._settings.command)(self._receive)
        app.action(_ANY)(self._receive)
        app.view(_ANY)(self._receive)
        for event in EVENTS:
            app.event(event)(self._receive)
        return app

    async def _receive(self, body: Mapping[str, Any]) -> BoltResponse:
        try:
            request = parse(body)
        except ValueError:
            log.warning("A request of Slack could not be read")
            return BoltResponse(status=400)
        try:
            answer = await self._conversation.answer(request) if request else None
        except SlackError as error:
            log.warning("a request of a Slack user was not carried out: %s", error)
            return BoltResponse(status=503)  # it is not acknowledged, and Slack sends events again
        return BoltResponse(status=200, body=answer or "")


class _Connection(AsyncSocketModeHandler):
    """Bolt's handler, with a client that replaces expired addresses."""

    def __init__(self, app: AsyncApp, settings: SlackSettings, address_life: float) -> None:
        self.app = app
        self.app_token = settings.app_token.get_secret_value()
        self.client = _Client(self.app_token, _sdk, app.client, ping_interval=10)
        self.client.address_life = address_life
        cure = f"let this machine reach {settings.api_url}, and check slack.app_token"
        self.client.reachability = Reachability("Slack's Socket Mode", cure, log)
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]


class _Client(SocketModeClient):
    """The SDK's client, which does not retry one address for ever: it may have expired."""

    address_life = ADDRESS_LIFE
    reachability: Reachability
    _session: ClientSession | None = None

    async def connect(self) -> None:
        if self._session is None:
            await self._use_proxies()
        while not self.closed:
            try:
                async with asyncio.timeout(self.address_life):
                    await super().connect()  # type: ignore[no-untyped-call]
            except TimeoutError:
                self.wss_uri = None
                self.reachability.mark_lost("the address that it gave does not answer")
            else:
                self.reachability.mark_restored()
                return

    async def _use_proxies(self) -> None:
        """Replace the SDK's session, which uses one proxy for all addresses, those in NO_PROXY included."""
        await self.aiohttp_client_session.close()
        self._session = self.aiohttp_client_session = open_proxied_session()
        self.web_client.session = self._session

    async def issue_new_wss_url(self) -> str:
        try:
            with translate_errors():
                return await super().issue_new_wss_url()
        except SlackError as error:
            self.reachability.mark_lost(error.reason)
            raise


class _Installation(AsyncAuthorize):
    """Returns the one installation there is, which bolt would request from Slack."""

    def __init__(self, bot_token: str) -> None:
        self._bot_token = bot_token

    async def __call__(
        self, *, context: Any, enterprise_id: str | None, team_id: str | None, user_id: str | None, **_actor: Any
    ) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=self._bot_token)


@contextmanager
def _without_environment() -> Iterator[None]:
    """Hide the SLACK_* environment variables, from which bolt would read tokens and enable its OAuth flow."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SLACK_")}
    try:
        yield
    finally:
        os.environ.update(hidden)
