"""The inbound side of Feishu: one HTTP endpoint for events and card callbacks, or a long connection instead."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web

from adapters.common.adapter import Inbox, RequestHandler
from adapters.common.answering import ANSWER_WITHIN, Answering
from adapters.common.http import json_answer
from adapters.feishu.cards import Cards
from adapters.feishu.client import FeishuClient
from adapters.feishu.connection import LongConnection
from adapters.feishu.conversation import Conversation
from adapters.feishu.crypto import BadRequest, Verifier
from adapters.feishu.events import ApprovalInstance, ApprovalTask, CardAction, Challenge, Envelope, parse_event
from adapters.feishu.events import Message as ChatMessage
from adapters.feishu.inbound import parse_click, parse_form
from adapters.feishu.settings import FeishuSettings
from adapters.feishu.words import ENGLISH, Words
from core.errors import Unauthorized
from core.messages import Message
from core.ports.clock import Clock

log = logging.getLogger(__name__)

EVENTS_PATH: Final = "/feishu/events"
"""The path that Feishu posts to in mode http."""


class FeishuServer:
    """Answers Feishu's requests from `start` to `stop`. `paths` is empty in mode long_connection."""

    def __init__(
        self,
        settings: FeishuSettings,
        client: FeishuClient,
        cards: Cards,
        inbox: Inbox,
        clock: Clock,
        answer_within: float = ANSWER_WITHIN,
        words: Words = ENGLISH,
    ) -> None:
        """Raise ValueError in mode http when no secret is set: no request could be verified."""
        self._client, self._clock, self._form_changed = client, clock, inbox.form_changed
        self._answering = Answering("Feishu", answer_within)
        self._conversation = Conversation(inbox.handler, client, cards, self._answering, words)
        self._connection: LongConnection | None = None
        self.paths: Mapping[str, RequestHandler] = {}
        if settings.mode == "http":
            token, key = settings.verification_token.get_secret_value(), settings.encrypt_key.get_secret_value()
            self.paths = {EVENTS_PATH: partial(self._handle, Verifier(token, key))}
        else:
            self._connection = LongConnection(settings, self._handle_event)

    async def start(self) -> None:
        """Begin to receive events, and load the SDK in the background."""
        self._answering.start(self._client.load())
        if self._connection:
            await self._connection.start()

    async def stop(self) -> None:
        """Receive no more events, and finish those in progress; replies that take too long are not sent."""
        if self._connection:
            await self._connection.stop()
        await self._answering.finish()

    async def _handle(self, verifier: Verifier, request: web.Request) -> web.Response:
        """Answer `POST /feishu/events`; the answer to a rejected request is only the status."""
        try:
            parsed = verifier.verify(request.headers, await request.read(), self._clock.now())
            body = parsed.answer() if isinstance(parsed, Challenge) else await self._answer(parsed)
        except (Unauthorized, BadRequest) as error:
            log.warning("A request to the Feishu address was rejected: %s", error)
            return web.Response(status=error.http_status)
        return json_answer(body)

    async def _handle_event(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer an event of the long connection, which is authenticated by TLS."""
        parsed = Envelope.parse(payload)
        return dict(parsed.answer()) if isinstance(parsed, Challenge) else await self._answer(parsed)

    async def _answer(self, envelope: Envelope) -> dict[str, Any]:
        """Return the answer to an event; it is empty without a reply, or before the reply is ready."""
        try:
            event = parse_event(envelope)
        except ValueError as error:
            raise BadRequest(Message("a field is missing")) from error
        match event:
            case ApprovalInstance() | ApprovalTask():
                self._answering.start(self._form_changed(event.instance_code))
            case ChatMessage():
                await self._conversation.answer_message(envelope.key, event)
            case CardAction():
                inbound = parse_click(envelope.key, event)
                return await self._conversation.answer_click(inbound, parse_form(event)) if inbound else {}
            case None:
                pass
        return {}
