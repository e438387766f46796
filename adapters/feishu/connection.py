"""The long connection: events over a WebSocket that Fabu opens, for installations without a public address.

Feishu docs, "Receive events through websocket". The frames are those of lark-oapi's `ws/pb/pbbp2.proto`, and are parsed
with its generated class. The SDK's client is not used: it takes over the event loop of the process, runs handlers in it
synchronously, and cannot be stopped. Messages are neither encrypted nor signed: TLS authenticates the connection.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import aiohttp
import orjson
from yarl import URL

from adapters.common.connecting import Reachability
from adapters.common.proxies import open_proxied_session
from adapters.feishu.errors import FeishuError, parse_answer, read_error
from adapters.feishu.sdk import import_sdk
from adapters.feishu.settings import FeishuSettings
from core.messages import Message

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

CONTROL: Final = 0  # the method of frames without an event
HANDSHAKE_TIMEOUT: Final = aiohttp.ClientTimeout(total=10)
TRY_OUT: Final = 15.0  # seconds to open a connection for a check-up
ANSWER_WITHIN: Final = 2.5  # seconds; Feishu times out after 3
PARTIAL_MESSAGES: Final = 64  # split messages of which not all parts have arrived

log = logging.getLogger(__name__)


class LongConnection:
    """Keeps one connection open, and answers each event with the result of `handler`.

    `handler` takes the envelope of an event. If it raises or takes longer than ANSWER_WITHIN, the answer is a failure,
    and Feishu pushes the event again. After a loss, the connection is opened again after `first_pause` seconds; the
    pause has jitter, and doubles with each failure up to `longest_pause`.
    """

    def __init__(
        self,
        settings: FeishuSettings,
        handler: Handler,
        *,
        first_pause: float = 1.0,
        longest_pause: float = 60.0,
    ) -> None:
        self._settings = settings
        cure = f"let this machine reach {settings.domain}, and check feishu.app_id, app_secret and domain"
        self._reachability = Reachability("Feishu's long connection", cure, log)
        self._handler = handler
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._ping_interval = 120.0
        self._partial: dict[str, dict[int, bytes]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._frame: Any = None
        self.connected = asyncio.Event()

    async def try_out(self) -> None:
        """Open a connection and close it at once. Feishu pushes what it pushed meanwhile again. Raises FeishuError."""
        async with open_proxied_session() as session:
            try:
                async with asyncio.timeout(TRY_OUT), await self._open(session, await self._request_endpoint(session)):
                    pass
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError) as error:
                reason = Message("no answer ({error})", {"error": type(error).__name__})  # its text names the ticket
                raise FeishuError(reason, retryable=True) from None

    async def start(self) -> None:
        """Connect in the background, and stay connected until `stop`. `connected` is set while connected."""
        self._task = asyncio.create_task(self._stay_connected())

    async def stop(self) -> None:
        """Answer the events in progress, then close the connection."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _stay_connected(self) -> None:
        failures = 0
        self._frame = (await import_sdk("lark_oapi.ws.pb.pbbp2_pb2")).Frame
        async with open_proxied_session() as session:
            while True:
                try:
                    await self._serve(session)
                except Exception as error:  # noqa: BLE001 - whatever the error, connect again
                    self._reachability.mark_lost(error.reason if isinstance(error, FeishuError) else repr(error))
                failures = 0 if self.connected.is_set() else failures + 1
                self.connected.clear()
                pause = min(self._first_pause * 2**failures, self._longest_pause)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret

    async def _serve(self, session: aiohttp.ClientSession) -> None:
        """Open a connection, and read from it until either side closes it."""
        url = await self._request_endpoint(session)
        async with await self._open(session, url) as socket:
            self.connected.set()
            self._reachability.mark_restored()
            pinging = asyncio.create_task(self._ping(socket, int(url.query["service_id"])))
            try:
                while True:  # a server that answers no pings is lost, even if the connection is still open
                    message = await socket.receive(timeout=2.5 * self._ping_interval)
                    if message.type is not aiohttp.WSMsgType.BINARY:
                        break
                    self._receive(socket, message.data)
            finally:
                pinging.cancel()
                self._partial.clear()
                if self._running:
                    await asyncio.wait(self._running)

    async def _open(self, session: aiohttp.ClientSession, url: URL) -> aiohttp.ClientWebSocketResponse:
        try:
            return await session.ws_connect(url)
        except aiohttp.WSServerHandshakeError as error:
            reason = Message("no connection (HTTP {status})", {"status": error.status})
            raise FeishuError(reason, retryable=True) from None  # the error of aiohttp names the ticket

    async def _request_endpoint(self, session: aiohttp.ClientSession) -> URL:
        """Request the URL to connect to. It contains a ticket, so it must not be logged."""
        address = f"{self._settings.domain}/callback/ws/endpoint"
        credentials = {"AppID": self._settings.app_id, "AppSecret": self._settings.app_secret.get_secret_value()}
        async with session.post(address, json=credentials, timeout=HANDSHAKE_TIMEOUT) as response:
            answer = parse_answer(await response.read())
            if refused := read_error(response.status, {}, answer):
                raise refused
        self._configure(answer["data"].get("ClientConfig") or {})
        return URL(answer["data"]["URL"])

    def _configure(self, config: dict[str, Any]) -> None:
        self._ping_interval = float(config.get("PingInterval") or self._ping_interval)

    async def _ping(self, socket: aiohttp.ClientWebSocketResponse, service: int) -> None:
        with suppress(ConnectionError):  # `_serve` notices the end of the connection, too
            while True:
                frame = self._frame(SeqID=0, LogID=0, service=service, method=CONTROL)
                frame.headers.add(key="type", value="ping")
                await socket.send_bytes(frame.SerializeToString())
                await asyncio.sleep(self._ping_interval)

    def _receive(self, socket: aiohttp.ClientWebSocketResponse, data: bytes) -> None:
        frame = self._frame.FromString(data)
        headers = {header.key: header.value for header in frame.headers}
        if frame.method == CONTROL:
            if headers.get("type") == "pong" and frame.payload:
                self._configure(orjson.loads(frame.payload))
        elif headers.get("type") == "event" and (payload := self._join_parts(headers, frame.payload)) is not None:
            task = asyncio.create_task(self._answer(socket, frame, payload))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _join_parts(self, headers: dict[str, str], payload: bytes) -> bytes | None:
        """Join the parts of a split message; None while parts are missing."""
        total = int(headers.get("sum") or 1)
        if total <= 1:
            return payload
        parts = self._partial.setdefault(headers["message_id"], {})
        parts[int(headers["seq"])] = payload
        if len(parts) == total:
            del self._partial[headers["message_id"]]
            return b"".join(parts[seq] for seq in sorted(parts))
        if len(self._partial) > PARTIAL_MESSAGES:
            del self._partial[next(iter(self._partial))]
        return None

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, frame: Any, payload: bytes) -> None:
        """Handle one event, and send the acknowledgement in the frame of the event."""
        started = time.monotonic()
        acknowledgement: dict[str, Any] = {"code": 200}
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                answer = await self._handler(orjson.loads(payload))
            if answer:
                acknowledgement["data"] = base64.b64encode(orjson.dumps(answer)).decode()
        except Exception:
            log.exception("A Feishu event could not be handled; it will be pushed again")
            acknowledgement = {"code": 500}
        frame.headers.add(key="biz_rt", value=str(int((time.monotonic() - started) * 1000)))
        frame.payload = orjson.dumps(acknowledgement)
        try:
            await socket.send_bytes(frame.SerializeToString())
        except ConnectionError:
            log.warning("The connection was lost before a Feishu event was answered; it will be pushed again")
