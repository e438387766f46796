"""The inbound side of Feishu: one address for events and card callbacks, or a long connection instead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

import orjson
from aiohttp import web

from adapters.common.adapter import Answer, Inbox
from adapters.feishu.client import FeishuClient
from adapters.feishu.connection import LongConnection
from adapters.feishu.conversation import Answers, answer
from adapters.feishu.crypto import BadRequest, Verifier
from adapters.feishu.events import ApprovalInstance, ApprovalTask, Challenge, Envelope, interpret
from adapters.feishu.inbound import inbound_of
from adapters.feishu.settings import FeishuSettings
from core.chat import Inbound, Reply
from core.errors import FabuError, Unauthorized
from core.ports.clock import Clock

log = logging.getLogger(__name__)

EVENTS_PATH: Final = "/feishu/events"
"""Where Feishu posts to in mode http."""
ANSWER_WITHIN: Final = 1.5  # seconds; Feishu gives up after 3, and the way there and back takes time as well
GRACE: Final = 10.0  # seconds for what was begun, when Fabu stops


class FeishuServer:
    """Answers what Feishu sends, from `start` to `stop`. `paths` is empty beside a long connection."""

    def __init__(self, settings: FeishuSettings, client: FeishuClient, inbox: Inbox, clock: Clock) -> None:
        """Raise ValueError in mode http when no secret is set: nothing could then be proven."""
        self._inbox, self._client, self._clock = inbox, client, clock
        self._answers = Answers(client)
        self._going: set[asyncio.Future[Any]] = set()
        self._connection: LongConnection | None = None
        self.paths: Mapping[str, Answer] = {}
        if settings.mode == "http":
            token, key = settings.verification_token.get_secret_value(), settings.encrypt_key.get_secret_value()
            self.paths = {EVENTS_PATH: partial(self._handle, Verifier(token, key))}
        else:
            self._connection = LongConnection(settings, self._received)

    async def start(self) -> None:
        """Begin to listen, and load the SDK meanwhile."""
        self._afterwards(self._client.load())
        if self._connection:
            await self._connection.start()

    async def stop(self) -> None:
        """Listen no more, and finish what was begun; answers that Feishu does not take in time are given up."""
        if self._connection:
            await self._connection.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                while self._going:
                    await asyncio.wait(self._going)
        for task in self._going:
            task.cancel()

    async def _handle(self, verifier: Verifier, request: web.Request) -> web.Response:
        """Answer `POST /feishu/events`. What is refused learns nothing but the status."""
        try:
            parsed = verifier.verify(request.headers, await request.read(), self._clock.now())
            body = parsed.answer() if isinstance(parsed, Challenge) else await self._answer(parsed)
        except (Unauthorized, BadRequest) as error:
            log.warning("A request to the Feishu address was refused: %s", error)
            return web.Response(status=error.http_status)
        return web.json_response(body, dumps=lambda value: orjson.dumps(value).decode())

    async def _received(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer an event that came over the long connection, which proves its origin."""
        parsed = Envelope.parse(payload)
        return dict(parsed.answer()) if isinstance(parsed, Challenge) else await self._answer(parsed)

    async def _answer(self, envelope: Envelope) -> dict[str, Any]:
        """Return the answer to an event, empty when there is nothing to say, or not yet."""
        try:
            event = interpret(envelope)
        except ValueError as error:
            raise BadRequest(reason="a field is missing") from error
        if isinstance(event, ApprovalInstance | ApprovalTask):
            self._afterwards(self._inbox.form_changed(event.instance_code))
            return {}
        inbound = inbound_of(envelope.key, event)
        if inbound is None:
            return {}
        handling = asyncio.ensure_future(self._inbox.handler(inbound))
        self._keep(handling)
        done, _ = await asyncio.wait({handling}, timeout=ANSWER_WITHIN)
        if not done:
            self._afterwards(self._finish(inbound, handling))
            return {}
        body, rest = answer(inbound, handling.result())
        self._afterwards(self._answers.send(inbound, rest))
        return body

    async def _finish(self, inbound: Inbound, handling: asyncio.Future[Reply]) -> None:
        await self._answers.send_late(inbound, await handling)

    def _keep(self, task: asyncio.Future[Any]) -> None:
        self._going.add(task)
        task.add_done_callback(self._going.discard)

    def _afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that the answer does not wait for."""
        self._keep(asyncio.create_task(_logged(work)))


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except FabuError as error:
        log.warning("What was to follow a Feishu request was not done: %s", error)
    except Exception:
        log.exception("What was to follow a Feishu request has failed")
