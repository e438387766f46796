"""Stream mode: messages, clicks and events over a WebSocket that Fabu opens, for installations without a public URL.

Protocol (open-dingtalk/developerpedia, "Stream protocol"): `POST /v1.0/gateway/connections/open` answers with an
endpoint and a ticket, which can be used once within 90 seconds. Frames are JSON objects with `type`, `headers` and
`data` (a JSON string); each is acknowledged by its `messageId`. The vendor's client is not used: it blocks the event
loop and cannot be stopped.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from pydantic import BaseModel
from pydantic_core import from_json
from yarl import URL

from adapters.common.connecting import Reachability
from adapters.common.settings import is_loopback
from adapters.dingtalk.client import TIMEOUT
from adapters.dingtalk.events import CARD_TOPIC, ROBOT_TOPIC
from adapters.dingtalk.sdk import base_url
from adapters.dingtalk.settings import DingTalkSettings

log = logging.getLogger(__name__)

Handler = Callable[[str, Mapping[str, str], dict[str, Any]], Awaitable[dict[str, Any]]]
"""Takes topic, headers and data of a frame, and returns the answer to a click (DingTalk docs "Event callback of cards":
`cardData`, `userPrivateData`, `cardUpdateOptions`). For messages and events the result is ignored. Events have the
topic `*`, and a header `eventType`. When the handler of an event raises, DingTalk is requested to send it again."""

_SUBSCRIPTIONS = [
    {"type": "EVENT", "topic": "*"},
    {"type": "CALLBACK", "topic": ROBOT_TOPIC},
    {"type": "CALLBACK", "topic": CARD_TOPIC},
]
_HEARTBEAT = 30.0
"""Seconds between two pings."""
_DRAIN = 5.0
"""Seconds to finish the frames in progress, when the connection ends."""
_LONGEST_PAUSE = 60.0
"""Seconds between two attempts to connect, at most."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The time limits of a connection, in seconds."""

    deadline: float = 1.8
    """The time to acknowledge a frame: DingTalk times out after 2 seconds. The result of a slower handler is lost."""
    pause: float = 1.0
    """The pause before the next attempt to connect; it doubles with each failure, up to a minute."""

    def pause_after(self, failures: int) -> float:
        """Return the pause after a number of failures, with jitter, so that replicas do not connect all at once."""
        longest = min(_LONGEST_PAUSE, self.pause * 2.0 ** min(failures, 10))
        return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter is no secret


class _Refusal(ValueError):
    """DingTalk gave no endpoint, or one that is not secure. The text contains no secret."""


class _Ticket(BaseModel):
    """The endpoint to connect to, and the ticket for it."""

    endpoint: str
    ticket: str


@dataclass(slots=True)
class _Connection:
    """One WebSocket, and the tasks for its frames in progress."""

    socket: aiohttp.ClientWebSocketResponse
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class StreamClient:
    """Stays connected from `start` to `stop`, and passes every frame to one handler."""

    def __init__(
        self,
        settings: DingTalkSettings,
        session: aiohttp.ClientSession,
        handler: Handler,
        pace: Pace | None = None,
        concurrency: int = 64,
    ) -> None:
        """Handle at most `concurrency` frames at the same time; further ones wait in the connection."""
        self._open_url = base_url(settings.api_url) / "v1.0/gateway/connections/open"
        self._settings = settings
        self._session = session
        self._handler = handler
        self._pace = pace or Pace()
        self._slots = asyncio.Semaphore(concurrency)
        self._reachability = Reachability("DingTalk's stream", f"let this machine reach {self._open_url}", log)
        self._running: asyncio.Task[None] | None = None
        self.connected = False

    def start(self) -> None:
        """Connect in the background."""
        self._running = asyncio.create_task(self._run(), name="dingtalk-stream")

    async def stop(self) -> None:
        """Disconnect; frames in progress get a few seconds to finish."""
        if self._running:
            self._running.cancel()
            await asyncio.wait({self._running})
            self._running = None

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with self._session.ws_connect(await self._request_endpoint(), heartbeat=_HEARTBEAT) as socket:
                    failures = 0
                    self._reachability.mark_restored()
                    await self._serve(_Connection(socket))
            except (aiohttp.ClientError, OSError, ValueError) as error:
                failures += 1
                self._reachability.mark_lost(_describe(error))
            await asyncio.sleep(self._pace.pause_after(failures))

    async def try_out(self) -> str:
        """Open a connection and close it at once; return why that failed, empty when it did not.

        It subscribes to events alone: DingTalk sends an event again that is not acknowledged, but maybe not a message.
        """
        try:
            url = await self._request_endpoint(_SUBSCRIPTIONS[:1])
            async with asyncio.timeout(TIMEOUT.total_seconds()), self._session.ws_connect(url):
                return ""
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _describe(error)

    async def _request_endpoint(self, subscriptions: list[dict[str, str]] = _SUBSCRIPTIONS) -> URL:
        """Request the URL of a new connection, with its ticket; raise ValueError if there is none, or if not secure."""
        body = {
            "clientId": self._settings.client_id,
            "clientSecret": self._settings.client_secret.get_secret_value(),
            "subscriptions": subscriptions,
            "ua": "fabu",
        }
        timeout = aiohttp.ClientTimeout(total=TIMEOUT.total_seconds())
        async with self._session.post(self._open_url, json=body, timeout=timeout, allow_redirects=False) as response:
            if response.status != 200:
                raise _Refusal(f"HTTP {response.status}; are client_id and client_secret right?")
            answer = _Ticket.model_validate_json(await response.read())
        endpoint = URL(answer.endpoint)
        if endpoint.scheme != "wss" and not is_loopback(endpoint.host):
            raise _Refusal("the endpoint is not encrypted")
        return endpoint.update_query(ticket=answer.ticket)

    async def _serve(self, connection: _Connection) -> None:
        """Read frames until either side ends the connection."""
        self.connected = True
        try:
            async for message in connection.socket:
                if message.type is not aiohttp.WSMsgType.TEXT or not await self._start_handling(
                    connection, message.data
                ):
                    break
        finally:
            self.connected = False
            if connection.tasks:
                _, late = await asyncio.wait(connection.tasks, timeout=_DRAIN)
                for task in late:
                    task.cancel()

    async def _start_handling(self, connection: _Connection, text: str) -> bool:
        """Start a task for one frame; return False if DingTalk requests a new connection."""
        try:
            frame = from_json(text)
            kind, headers, data = frame["type"], frame["headers"], from_json(frame.get("data") or "{}")
            topic, _ = headers["topic"], headers["messageId"]
        except (ValueError, KeyError, TypeError):
            log.warning("DingTalk stream: a malformed frame is ignored")
            return True
        if kind == "SYSTEM":
            await _acknowledge(connection.socket, headers, data)
            return bool(topic != "disconnect")
        await self._slots.acquire()
        task = asyncio.create_task(self._handle(connection, kind, headers, data))
        connection.tasks.add(task)
        task.add_done_callback(connection.tasks.discard)
        task.add_done_callback(lambda _: self._slots.release())
        return True

    async def _handle(
        self, connection: _Connection, kind: str, headers: Mapping[str, str], data: dict[str, Any]
    ) -> None:
        """Handle one frame, and acknowledge it in time even if the handler fails or is slow."""
        handling = asyncio.ensure_future(self._handler(headers["topic"], headers, data))
        done, _ = await asyncio.wait({handling}, timeout=self._pace.deadline)
        failed = not done or handling.exception() is not None
        if kind == "EVENT":
            await _acknowledge(connection.socket, headers, {"status": "LATER" if failed else "SUCCESS", "message": ""})
        else:
            response = {} if failed else handling.result()
            await _acknowledge(connection.socket, headers, {"response": response}, code=500 if failed else 200)
        try:
            await handling
        except Exception:
            log.exception("DingTalk stream: the handler of %s failed", headers["topic"])


def _describe(error: Exception) -> str:
    """Return why a connection failed. The text of other errors may contain the URL, which contains the ticket."""
    return str(error) if isinstance(error, _Refusal) else type(error).__name__


async def _acknowledge(
    socket: aiohttp.ClientWebSocketResponse, headers: Mapping[str, str], data: object, code: int = 200
) -> None:
    """Acknowledge a frame, unless the connection has ended in the meantime."""
    frame = {
        "code": code,
        "headers": {"messageId": headers["messageId"], "contentType": "application/json"},
        "message": "OK" if code == 200 else "failed",
        "data": json.dumps(data, ensure_ascii=False),
    }
    with suppress(ConnectionError):
        await socket.send_json(frame)
