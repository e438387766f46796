"""The inbound side of Slack: one address for events, interactivity and commands, or Socket Mode instead.

Every request to the address is proven on its raw bytes before anything is believed, `ssl_check` too.

slack_bolt serves Socket Mode only. Measured on a click of 3 KB at 16 connections: this endpoint costs 90 us of CPU, of
which aiohttp takes 37, bolt's chain of middleware and listeners around the same handler 210. Bolt also answers an
unsigned `ssl_check`, fails with 500 on a timestamp that is no number, and logs the body of a forged request.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import orjson
from aiohttp import web
from yarl import URL

from adapters.common.adapter import Inbox, RequestHandler
from adapters.common.answering import ANSWER_WITHIN, Answering
from adapters.slack.client import SlackClient
from adapters.slack.conversation import Conversation
from adapters.slack.crypto import Verifier
from adapters.slack.inbound import parse
from adapters.slack.settings import SlackSettings
from adapters.slack.text import JSON
from core.errors import Unauthorized
from core.ports.clock import Clock

EVENTS_PATH: Final = "/slack/events"
"""Where Slack posts to in mode http."""
MAX_BODY: Final = 1 << 20  # bytes; a click on a card of the largest size stays far below

log = logging.getLogger(__name__)


class SlackServer:
    """Answers what Slack sends, from `start` to `stop`. `paths` is empty in mode socket."""

    def __init__(
        self,
        settings: SlackSettings,
        client: SlackClient,
        inbox: Inbox,
        clock: Clock,
        answer_within: float = ANSWER_WITHIN,
    ) -> None:
        """Raise ValueError in mode http without a signing secret: nothing could be proven."""
        self._answering = Answering("Slack", answer_within)
        self._conversation = Conversation(inbox, client, self._answering)
        self._connection = None
        self.paths: Mapping[str, RequestHandler] = {}
        if settings.mode == "http":
            verifier = Verifier(settings.signing_secret.get_secret_value(), clock)
            self.paths = {EVENTS_PATH: partial(self._handle, verifier)}
        else:
            from adapters.slack.connection import SocketMode  # slack_bolt is paid for only where it serves

            self._connection = SocketMode(settings, self._conversation)

    async def start(self) -> None:
        """Connect, in mode socket; it does not wait for Slack."""
        if self._connection:
            await self._connection.start()

    async def stop(self) -> None:
        """Take no more requests by Socket Mode, and finish what was begun."""
        if self._connection:
            await self._connection.stop()
        await self._answering.finish()

    async def _handle(self, verifier: Verifier, request: web.Request) -> web.Response:
        """Answer `POST /slack/events`: 401 if it is not proven, 413 if it is too large, 400 if it cannot be read."""
        if (request.content_length or 0) > MAX_BODY or len(raw := await request.read()) > MAX_BODY:
            return web.Response(status=413)
        try:
            verifier.verify(request.headers, raw)
        except Unauthorized:
            log.warning("A request to %s was refused: Slack did not sign it, or not lately", request.path)
            return web.Response(status=401)
        try:
            body = _read(request.content_type, raw)
            asked = parse(body)
        except ValueError:
            log.warning("A request of Slack could not be read")
            return web.Response(status=400, headers={"X-Slack-No-Retry": "1"})
        if asked is None:
            return _answer({"challenge": body.get("challenge")} if body.get("type") == "url_verification" else None)
        return _answer(await self._conversation.answer(asked))


def _read(content_type: str, raw: bytes) -> dict[str, Any]:
    """Return the JSON of an interaction or event, or the fields of a command. Raises ValueError."""
    if content_type == "application/json":
        body = orjson.loads(raw)
    elif content_type == "application/x-www-form-urlencoded":
        fields = URL.build(query_string=raw.decode(), encoded=True).query  # far faster than parse_qs
        body = orjson.loads(fields["payload"]) if "payload" in fields else dict(fields)
    else:
        raise ValueError(content_type)
    if not isinstance(body, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the sender's error, not ours
    return body


def _answer(body: JSON | None) -> web.Response:
    if body is None:
        return web.Response()
    return web.Response(body=orjson.dumps(body), content_type="application/json")
