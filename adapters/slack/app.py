"""The Slack adapter as a whole: what the program starts, stops and routes to."""

from __future__ import annotations

from aiohttp import web

from adapters.slack.client import SlackMessenger
from adapters.slack.conversation import ANSWER_WITHIN, Conversation
from adapters.slack.server import Endpoint
from adapters.slack.settings import SlackConfig
from core.chat import Handler
from core.ports.clock import Clock
from core.pressure import Pressure


class SlackApp:
    """Both directions of one Slack app.

    Mode "http" needs `handle` at POST /slack/events and raises ValueError without a signing secret; mode "socket" needs
    no route, and opens its connection at `start`.
    """

    def __init__(
        self,
        config: SlackConfig,
        messenger: SlackMessenger,
        handler: Handler,
        clock: Clock,
        answer_within: float = ANSWER_WITHIN,
        pressure: Pressure | None = None,
    ) -> None:
        self._conversation = Conversation(handler, messenger, answer_within, pressure)
        self._messenger = messenger
        self._endpoint = Endpoint(config.signing_secret, self._conversation, clock) if config.mode == "http" else None
        self._socket = None
        if config.mode == "socket":
            from adapters.slack.connection import SocketMode  # slack_bolt is paid for only where it serves

            self._socket = SocketMode(config, self._conversation)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a request of Slack; 404 in mode "socket"."""
        return await self._endpoint.handle(request) if self._endpoint else web.Response(status=404)

    async def start(self) -> None:
        """Connect, in mode "socket"; it does not wait for Slack."""
        if self._socket:
            await self._socket.start()

    async def stop(self) -> None:
        """Take no more requests by Socket Mode, finish what was asked, and give up connections."""
        if self._socket:
            await self._socket.stop()
        await self._conversation.close()
        await self._messenger.close()
