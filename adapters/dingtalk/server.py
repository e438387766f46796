"""The inbound side of DingTalk: three HTTP endpoints, or a connection in Stream mode instead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from typing import Any, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from adapters.common.adapter import Inbox, RequestHandler
from adapters.common.answering import ANSWER_WITHIN, Answering
from adapters.common.http import json_answer
from adapters.dingtalk.connection import Pace, StreamClient
from adapters.dingtalk.conversation import Conversation
from adapters.dingtalk.crypto import CardVerifier, EventCrypto, EventVerifier, RobotVerifier
from adapters.dingtalk.events import CARD_TOPIC, ROBOT_TOPIC, CardCallback, RobotMessage, parse_event
from adapters.dingtalk.messenger import DingTalkMessenger
from adapters.dingtalk.settings import DingTalkSettings
from core.errors import DeliveryError, Unauthorized
from core.ports.clock import Clock

log = logging.getLogger(__name__)

ROBOT_PATH, CARD_PATH, EVENTS_PATH = PATHS = ("/dingtalk/robot", "/dingtalk/card", "/dingtalk/events")
"""The paths that DingTalk posts to in mode http."""

Model = TypeVar("Model", bound=BaseModel)


class _Verifier(Protocol):
    """Verifies a request by its headers or its query."""

    def verify(self, evidence: Mapping[str, str], body: bytes, now: Any, /) -> dict[str, Any]: ...


class DingTalkServer:
    """Answers DingTalk's requests from `start` to `stop`. `paths` is empty in mode stream."""

    def __init__(
        self,
        settings: DingTalkSettings,
        messenger: DingTalkMessenger,
        inbox: Inbox,
        clock: Clock,
        public_url: str,
        answer_within: float = ANSWER_WITHIN,
        pace: Pace | None = None,
    ) -> None:
        """Take the settings; `public_url` is the base of links to the console, and of the endpoints in mode http.

        Requests of a kind whose secret is not set are rejected. Raise ValueError, in mode http, for malformed secrets.
        """
        self._settings, self._clock, self._client = settings, clock, messenger.client
        self._public_url, self._form_changed = public_url, inbox.form_changed
        self._pace = pace or Pace()
        self._answering = Answering("DingTalk", answer_within)
        self._conversation = Conversation(inbox.handler, messenger, clock, public_url, self._answering)
        self._stream: StreamClient | None = None
        self._registering: asyncio.Task[None] | None = None
        self._verifiers: dict[str, _Verifier] = {}
        if settings.mode == "stream":
            self._stream = StreamClient(settings, messenger.client.session, self._handle_frame, self._pace)
            return
        self._verifiers["robot"] = RobotVerifier(settings.client_secret.get_secret_value(), settings.robot_code)
        if settings.card_secret:
            self._verifiers["card"] = CardVerifier(settings.card_secret.get_secret_value())
        if settings.token or settings.aes_key:
            token, aes_key = settings.token.get_secret_value(), settings.aes_key.get_secret_value()
            self._verifiers["events"] = self._events = EventVerifier(EventCrypto(token, aes_key, settings.client_id))

    @property
    def paths(self) -> Mapping[str, RequestHandler]:
        """The handlers of the endpoints, by path; none in mode stream."""
        if self._stream:
            return {}
        return {ROBOT_PATH: self.handle_message, CARD_PATH: self.handle_click, EVENTS_PATH: self.handle_event}

    async def start(self) -> None:
        """Connect, or register the callback URL of clicks. Both are retried in the background until they succeed."""
        if self._stream:
            self._stream.start()
        elif self._settings.card_template_id and self._settings.card_secret:
            self._registering = asyncio.create_task(self._register_callback(), name="dingtalk-card-callback")

    async def stop(self) -> None:
        """Receive no more requests, and finish those in progress."""
        if self._registering:
            self._registering.cancel()
            await asyncio.wait({self._registering})
        if self._stream:
            await self._stream.stop()
        await self._answering.finish()

    async def handle_message(self, request: web.Request) -> web.Response:
        """Answer `POST /dingtalk/robot`, a message to the robot."""
        body = await self._verify(request, "robot", request.headers)
        await self._conversation.answer_message(_parse(RobotMessage, body))
        return json_answer({})

    async def handle_click(self, request: web.Request) -> web.Response:
        """Answer `POST /dingtalk/card`, a click, with the changes of the card."""
        body = await self._verify(request, "card", request.headers)
        delivery = request.headers["x-ddpaas-signature-timestamp"]
        return json_answer(await self._conversation.answer_click(_parse(CardCallback, body), delivery))

    async def handle_event(self, request: web.Request) -> web.Response:
        """Answer `POST /dingtalk/events`: a subscribed event, or `check_url`, with which DingTalk tests the URL."""
        body = await self._verify(request, "events", request.query)
        try:
            await self._notify_form_change(str(body.get("EventType", "")), body)
        except ValidationError:
            raise web.HTTPBadRequest from None
        return json_answer(self._events.answer(self._clock.now()))

    async def _verify(self, request: web.Request, kind: str, evidence: Mapping[str, str]) -> dict[str, Any]:
        """Return the body of a request that DingTalk signed; reject any other without a reason in the answer."""
        raw = await request.read()
        if verifier := self._verifiers.get(kind):
            with suppress(Unauthorized):
                return verifier.verify(evidence, raw, self._clock.now())
        log.warning("a request to %s was rejected: DingTalk did not sign it, or not lately", request.path)
        raise web.HTTPUnauthorized

    async def _handle_frame(self, topic: str, headers: Mapping[str, str], data: dict[str, Any]) -> dict[str, Any]:
        """Answer one frame of the Stream. A malformed frame is not requested again."""
        try:
            if topic == ROBOT_TOPIC:
                await self._conversation.answer_message(RobotMessage.model_validate(data))
            elif topic == CARD_TOPIC:
                return await self._conversation.answer_click(CardCallback.model_validate(data), headers["messageId"])
            else:
                await self._notify_form_change(headers.get("eventType", ""), data)
        except ValidationError:
            log.warning("DingTalk stream: a frame of %s cannot be read", topic)
        return {}

    async def _notify_form_change(self, event_type: str, data: Mapping[str, Any]) -> None:
        """Pass on that a form has changed, and the form that it revokes if it was submitted for that."""
        if change := parse_event(event_type, data):
            await self._form_changed(change.process_instance_id)
            ours = change.process_code == self._settings.process_code
            if ours and change.is_approval and (revoked := await self._find_revoked(change.process_instance_id)):
                await self._form_changed(revoked)

    async def _find_revoked(self, form: str) -> str:
        """Return the form that a form revokes; empty when it revokes none, or DingTalk does not have it any more."""
        try:
            process = await self._client.get_process(form)
        except DeliveryError as error:
            if error.retryable:
                raise
            log.info("the form %s cannot be read: %s", form, error)
            return ""
        return process.main_process_instance_id if process.revokes else ""

    async def _register_callback(self) -> None:
        url, secret = f"{self._public_url}{CARD_PATH}", self._settings.card_secret.get_secret_value()
        for failures in count(1):
            try:
                await self._client.register_card_callback(url, secret)
            except DeliveryError as error:
                if failures == 1:
                    log.warning("clicks on cards do not reach Fabu yet: %s", error)
                await asyncio.sleep(self._pace.pause_after(failures))
            else:
                if failures > 1:
                    log.info("clicks on cards reach Fabu now")
                return


def _parse(model: type[Model], body: Mapping[str, Any]) -> Model:
    """Return a body as its model; reject a malformed one, without the body in the answer."""
    try:
        return model.model_validate(body)
    except ValidationError:
        raise web.HTTPBadRequest from None
