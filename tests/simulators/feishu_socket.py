"""The server side of Feishu's long connection: tickets, frames, pings, and events pushed to one random client."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import random
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

CONTROL, DATA = 0, 1
MOST_CONNECTIONS = 50
SERVICE = 7


class Sockets:
    """All long connections of the app."""

    def __init__(
        self, credentials: dict[str, str], url: Callable[[], str], notify: Callable[[], Awaitable[None]]
    ) -> None:
        self._credentials = credentials
        self._url = url
        self._notify = notify
        self._tickets: set[str] = set()
        self._numbers = count(1)
        self._frame: Any = None
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.open: list[web.WebSocketResponse] = []
        self.accepted = 0
        self.pings = 0
        self.ping_interval = 120.0
        self.silent = False

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the handshake and of the socket."""
        return [
            web.post("/callback/ws/endpoint", self._endpoint, name="ws.endpoint"),
            web.get("/ws", self._serve, name="ws.connect"),
        ]

    async def close(self) -> None:
        """Close every connection, as when the platform restarts."""
        for socket in list(self.open):
            await socket.close()

    async def push(self, envelope: dict[str, Any], parts: int = 1) -> tuple[int, dict[str, Any]]:
        """Send an event in `parts` frames, the last one first; return code and answer of the acknowledgement."""
        message_id = f"ws-{next(self._numbers)}"
        self._answers[message_id] = asyncio.get_running_loop().create_future()
        socket = random.choice(self.open)
        payload = json.dumps(envelope).encode()
        size = -(-len(payload) // parts)
        for seq in reversed(range(parts)):
            headers = {"type": "event", "message_id": message_id, "sum": parts, "seq": seq, "trace_id": "trace"}
            await socket.send_bytes(self._encode(DATA, headers, payload[seq * size : (seq + 1) * size]))
        async with asyncio.timeout(3):
            acknowledgement = await self._answers[message_id]
        data = acknowledgement.get("data")
        return acknowledgement["code"], json.loads(base64.b64decode(data)) if data else {}

    async def _endpoint(self, request: web.Request) -> web.Response:
        if await request.json() != self._credentials:
            return web.json_response({"code": 1000040344, "msg": "app_id or app_secret is wrong"})
        ticket = f"ticket-{next(self._numbers)}"
        self._tickets.add(ticket)
        query = f"device_id=device&service_id={SERVICE}&ticket={ticket}"
        data = {"URL": f"{self._url().replace('http', 'ws')}/ws?{query}", "ClientConfig": self._config()}
        return web.json_response({"code": 0, "msg": "", "data": data})

    def _config(self) -> dict[str, float]:
        return {
            "ReconnectCount": -1,
            "ReconnectInterval": 1,
            "ReconnectNonce": 1,
            "PingInterval": self.ping_interval,
        }

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets or len(self.open) >= MOST_CONNECTIONS:
            headers = {"handshake-status": "403", "handshake-msg": "ticket is invalid"}
            return web.Response(status=403, headers=headers)
        self._tickets.remove(ticket)
        if self._frame is None:
            self._frame = (await asyncio.to_thread(importlib.import_module, "lark_oapi.ws.pb.pbbp2_pb2")).Frame
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.open.append(socket)
        self.accepted += 1
        await self._notify()
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    await self._receive(socket, message.data)
        finally:
            self.open.remove(socket)
        return socket

    async def _receive(self, socket: web.WebSocketResponse, data: bytes) -> None:
        frame = self._frame.FromString(data)
        headers = {header.key: header.value for header in frame.headers}
        if frame.method == DATA:
            self._answers.pop(headers["message_id"]).set_result(json.loads(frame.payload))
        elif headers["type"] == "ping" and frame.service == SERVICE:
            self.pings += 1
            await self._notify()
            if not self.silent:
                await socket.send_bytes(self._encode(CONTROL, {"type": "pong"}, json.dumps(self._config()).encode()))

    def _encode(self, method: int, headers: dict[str, Any], payload: bytes) -> bytes:
        frame = self._frame(SeqID=0, LogID=0, service=SERVICE, method=method, payload=payload)
        for key, value in headers.items():
            frame.headers.add(key=key, value=str(value))
        return bytes(frame.SerializeToString())
