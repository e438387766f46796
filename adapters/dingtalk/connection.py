"""Stream mode: DingTalk pushes messages, clicks and events over a WebSocket that we open, so no public URL is needed.

Protocol (open-dingtalk/developerpedia, "Stream protocol"): `POST /v1.0/gateway/connections/open` answers with an
endpoint and a ticket that is good once and for 90 seconds; frames are JSON objects with `type`, `headers` and `data`
(a JSON string), each answered under its `messageId`. The vendor's client blocks the event loop and cannot be stopped.
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
from adapters.dingtalk.client import TIMEOUT
from adapters.dingtalk.events import CARD_TOPIC, ROBOT_TOPIC
from adapters.dingtalk.sdk import base_url, is_loopback
from adapters.dingtalk.settings import DingTalkSettings

log = logging.getLogger(__name__)

Handler = Callable[[str, Mapping[str, str], dict[str, Any]], Awaitable[dict[str, Any]]]
"""Takes topic, headers and data of a frame. What it returns is the answer to a click (DingTalk docs "Event callback of
cards": `cardData`, `userPrivateData`, `cardUpdateOptions`); for messages and events the answer is not looked at.
Events have the topic `*` and headers `eventType` and `eventId`; one that raises is asked for again, later."""

_SUBSCRIPTIONS = [
    {"type": "EVENT", "topic": "*"},
    {"type": "CALLBACK", "topic": ROBOT_TOPIC},
    {"type": "CALLBACK", "topic": CARD_TOPIC},
]
_HEARTBEAT = 30.0
_DRAIN = 5.0
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient the client is: all in seconds."""

    deadline: float = 1.8
    """How long DingTalk is kept waiting; a slower handler goes on, its answer is lost. A click is given 2 seconds."""
    pause: float = 1.0
    """How long to wait before connecting anew; doubled from failure to failure, up to a minute."""

    def before_next(self, failures: int) -> float:
        """Return how long to wait after so many failures, with some chance in it, to spread replicas."""
        longest = min(_LONGEST_PAUSE, self.pause * 2.0 ** min(failures, 10))
        return longest * random.uniform(0.5, 1)  # noqa: S311 - hides nothing


class _Refused(ValueError):
    """DingTalk gave no connection, or one that is not to be used; the text is fit for a log."""


class _Ticket(BaseModel):
    """Where to connect, and with what."""

    endpoint: str
    ticket: str


@dataclass(slots=True)
class _Connection:
    """One WebSocket and the frames of it that are being worked on."""

    socket: aiohttp.ClientWebSocketResponse
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class StreamClient:
    """Stays connected from `start` to `stop`, and hands every frame to one handler."""

    def __init__(
        self,
        settings: DingTalkSettings,
        session: aiohttp.ClientSession,
        handler: Handler,
        pace: Pace | None = None,
        concurrency: int = 64,
    ) -> None:
        """Work on at most `concurrency` frames at a time; further ones wait in the connection."""
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
        """Begin to connect, in the background."""
        self._running = asyncio.create_task(self._run(), name="dingtalk-stream")

    async def stop(self) -> None:
        """Disconnect; frames that are being worked on get a few seconds to finish."""
        if self._running:
            self._running.cancel()
            await asyncio.wait({self._running})
            self._running = None

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with self._session.ws_connect(await self._ticket(), heartbeat=_HEARTBEAT) as socket:
                    failures = 0
                    self._reachability.restored()
                    await self._serve(_Connection(socket))
            except (aiohttp.ClientError, OSError, ValueError) as error:
                failures += 1
                # The text of other errors may hold the address, and with it a ticket.
                reason = error if isinstance(error, _Refused) else type(error).__name__
                self._reachability.lost(reason)
            await asyncio.sleep(self._pace.before_next(failures))

    async def _ticket(self) -> URL:
        """Return the address of a new connection; raise ValueError if there is none, or none to trust."""
        body = {
            "clientId": self._settings.client_id,
            "clientSecret": self._settings.client_secret.get_secret_value(),
            "subscriptions": _SUBSCRIPTIONS,
            "ua": "fabu",
        }
        timeout = aiohttp.ClientTimeout(total=TIMEOUT.total_seconds())
        async with self._session.post(self._open_url, json=body, timeout=timeout, allow_redirects=False) as response:
            if response.status != 200:
                raise _Refused(f"HTTP {response.status}; are client_id and client_secret right?")
            answer = _Ticket.model_validate_json(await response.read())
        endpoint = URL(answer.endpoint)
        if endpoint.scheme != "wss" and not is_loopback(endpoint.host):
            raise _Refused("the endpoint is not encrypted")
        return endpoint.update_query(ticket=answer.ticket)

    async def _serve(self, connection: _Connection) -> None:
        """Read frames until either side ends the connection."""
        self.connected = True
        try:
            async for message in connection.socket:
                if message.type is not aiohttp.WSMsgType.TEXT or not await self._take(connection, message.data):
                    break
        finally:
            self.connected = False
            if connection.tasks:
                _, late = await asyncio.wait(connection.tasks, timeout=_DRAIN)
                for task in late:
                    task.cancel()

    async def _take(self, connection: _Connection, text: str) -> bool:
        """Begin to work on one frame; return False if DingTalk asks to connect anew."""
        try:
            frame = from_json(text)
            kind, headers, data = frame["type"], frame["headers"], from_json(frame.get("data") or "{}")
            topic, _ = headers["topic"], headers["messageId"]
        except (ValueError, KeyError, TypeError):
            log.warning("DingTalk stream: a frame that is not understood is left out")
            return True
        if kind == "SYSTEM":
            await _answer(connection.socket, headers, data)
            return bool(topic != "disconnect")
        await self._slots.acquire()
        task = asyncio.create_task(self._work(connection, kind, headers, data))
        connection.tasks.add(task)
        task.add_done_callback(connection.tasks.discard)
        task.add_done_callback(lambda _: self._slots.release())
        return True

    async def _work(self, connection: _Connection, kind: str, headers: Mapping[str, str], data: dict[str, Any]) -> None:
        """Answer one frame in time, whatever the handler does."""
        handling = asyncio.ensure_future(self._handler(headers["topic"], headers, data))
        done, _ = await asyncio.wait({handling}, timeout=self._pace.deadline)
        failed = not done or handling.exception() is not None
        if kind == "EVENT":
            await _answer(connection.socket, headers, {"status": "LATER" if failed else "SUCCESS", "message": ""})
        else:
            response = {} if failed else handling.result()
            await _answer(connection.socket, headers, {"response": response}, code=500 if failed else 200)
        try:
            await handling
        except Exception:
            log.exception("DingTalk stream: the handler of %s failed", headers["topic"])


async def _answer(
    socket: aiohttp.ClientWebSocketResponse, headers: Mapping[str, str], data: object, code: int = 200
) -> None:
    """Acknowledge a frame; on a connection that has ended in the meantime there is nobody to tell."""
    frame = {
        "code": code,
        "headers": {"messageId": headers["messageId"], "contentType": "application/json"},
        "message": "OK" if code == 200 else "failed",
        "data": json.dumps(data, ensure_ascii=False),
    }
    with suppress(ConnectionError):
        await socket.send_json(frame)
