"""The inbound side of Feishu: one address for events and card callbacks, or a long connection instead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson
from aiohttp import web

from adapters.feishu.answers import Answers, answer
from adapters.feishu.client import FeishuClient
from adapters.feishu.connection import LongConnection
from adapters.feishu.events import ApprovalInstance, ApprovalTask, Challenge, Envelope, interpret
from adapters.feishu.inbound import inbound_of
from adapters.feishu.verify import BadRequest, Verifier
from core.chat import Handler, Inbound, Reply
from core.errors import FabuError, Unauthorized
from core.ports.clock import Clock

log = logging.getLogger(__name__)

ANSWER_WITHIN: Final = 1.5  # seconds; Feishu gives up after 3, and the way there and back takes time as well
GRACE: Final = 10.0  # seconds for what was begun, when Fabu stops

FormChanged = Callable[[str], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class FeishuApp:
    """How Feishu reaches the app. The two secrets are for mode http, where at least one must be set."""

    app_id: str
    app_secret: str = field(repr=False)
    verification_token: str = field(default="", repr=False)
    encrypt_key: str = field(default="", repr=False)
    domain: str = "https://open.feishu.cn"
    mode: Literal["http", "long_connection"] = "http"


class FeishuServer:
    """Answers what Feishu sends.

    `handler` gets every proven request. `form_changed` is told the code of every approval form that Feishu reports
    about; what has become of it is to be asked from Feishu.
    """

    def __init__(
        self, app: FeishuApp, handler: Handler, clock: Clock, client: FeishuClient, form_changed: FormChanged
    ) -> None:
        """Raise ValueError in mode http when no secret is set: nothing could then be proven."""
        self._handler, self._clock, self._client, self._form_changed = handler, clock, client, form_changed
        self._answers = Answers(client)
        self._going: set[asyncio.Future[Any]] = set()
        self._verifier: Verifier | None = None
        self._connection: LongConnection | None = None
        if app.mode == "http":
            self._verifier = Verifier(app.verification_token, app.encrypt_key)
        else:
            self._connection = LongConnection(app.app_id, app.app_secret, self._received, app.domain)

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

    async def handle(self, request: web.Request) -> web.Response:
        """Answer `POST /feishu/events`. What is refused learns nothing but the status."""
        if self._verifier is None:
            raise web.HTTPNotFound
        try:
            parsed = self._verifier.verify(request.headers, await request.read(), self._clock.now())
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
            self._afterwards(self._form_changed(event.instance_code))
            return {}
        inbound = inbound_of(envelope.key, event)
        if inbound is None:
            return {}
        handling = asyncio.ensure_future(self._handler(inbound))
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
