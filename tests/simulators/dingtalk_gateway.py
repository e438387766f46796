"""Stream mode of the DingTalk simulator: tickets, WebSockets, and frames with their acknowledgement."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

from .base import Clock
from .dingtalk_api import Json, Refused
from .dingtalk_schema import OpenConnection

_TICKET_LIFE = 90


class Gateway:
    """The connections of one app; everything here runs in the simulator's own loop."""

    def __init__(
        self,
        clock: Clock,
        client_id: str,
        client_secret: str,
        url: Callable[[], str],
        notify: Callable[[], Awaitable[None]],
    ) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.opened: list[OpenConnection] = []
        self._clock = clock
        self._credentials = (client_id, client_secret)
        self._url = url
        self._notify = notify
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._tickets: dict[str, float] = {}
        self._acks: dict[str, asyncio.Future[Json]] = {}
        self._numbers = count(1)

    async def open(self, body: Json) -> Json:
        """`POST /v1.0/gateway/connections/open`."""
        asked = OpenConnection.model_validate(body)
        if (asked.client_id, asked.client_secret) != self._credentials:
            raise Refused("invalidClientIdOrSecret", "无效的clientId或者clientSecret", 401)
        ticket = f"ticket+/{next(self._numbers)}="
        self._tickets[ticket] = self._clock.now() + _TICKET_LIFE
        self.opened.append(asked)
        return {"endpoint": self._url().replace("http", "ws", 1) + "/connect", "ticket": ticket}

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one WebSocket; its ticket is good once, and for 90 seconds."""
        if self._tickets.pop(request.query.get("ticket", ""), 0) < self._clock.now():
            raise web.HTTPUnauthorized
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport
        self._transports[socket] = request.transport
        self.sockets.append(socket)
        await self._notify()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(json.loads(message.data))
        finally:
            self.sockets.remove(socket)
            del self._transports[socket]
        return socket

    async def push(self, kind: str, headers: Json, data: Json, seconds: float) -> Json:
        """Send one frame over a live connection; return its acknowledgement, or raise TimeoutError."""
        if not self.sockets:
            raise ConnectionError("the app is not connected")
        message_id = f"msg-{next(self._numbers)}"
        waiting = self._acks[message_id] = asyncio.get_running_loop().create_future()
        frame = {
            "specVersion": "1.0",
            "type": kind,
            "headers": {
                "contentType": "application/json",
                "messageId": message_id,
                "time": str(int(self._clock.now() * 1000)),
                **headers,
            },
            "data": json.dumps(data, ensure_ascii=False),
        }
        try:
            await self.sockets[-1].send_json(frame)
            async with asyncio.timeout(seconds):
                ack: Json = await waiting
                return ack
        finally:
            del self._acks[message_id]

    async def push_raw(self, text: str) -> None:
        """Send something that is no proper frame."""
        await self.sockets[-1].send_str(text)

    async def disconnect(self) -> Json:
        """Ask the app to connect anew, as before a deployment of DingTalk."""
        return await self.push("SYSTEM", {"topic": "disconnect"}, {"reason": "persistent connection is timeout"}, 5)

    async def drop(self) -> None:
        """Cut every connection without a word."""
        for transport in self._transports.values():
            transport.abort()

    async def close(self) -> None:
        """End every connection."""
        for socket in list(self.sockets):
            with suppress(ConnectionError):
                await socket.close()

    def _acknowledge(self, frame: Any) -> None:
        """Match an acknowledgement with its frame; raise if it does not have the form that DingTalk asks for."""
        assert isinstance(frame["code"], int)
        assert frame["headers"]["contentType"] == "application/json"
        assert isinstance(frame["data"], str)
        waiting = self._acks.get(frame["headers"]["messageId"])
        if waiting and not waiting.done():
            waiting.set_result(frame)
