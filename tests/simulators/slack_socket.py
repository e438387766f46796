"""Socket Mode: envelopes over a WebSocket, each acknowledged. Slack docs: apis/events-api/using-socket-mode."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import Awaitable, Callable
from typing import Literal

from aiohttp import WSMsgType, web

from .slack_workspace import JSON

CONNECTIONS = 10
DEBUG = {"host": "applink-sim", "build_number": 1, "approximate_connection_time": 18060}
Reason = Literal["warning", "refresh_requested", "link_disabled"]


class SocketMode:
    """The connections that one app holds; every address works for one connection."""

    def __init__(self, app_id: str, notify: Callable[[], Awaitable[None]]) -> None:
        self.connections: list[web.WebSocketResponse] = []
        self.protocol_errors: list[str] = []
        """What clients sent that Slack would not understand."""
        self._app_id = app_id
        self._notify = notify
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[JSON]] = {}

    def ticket(self, base_url: str) -> str:
        """Return a WebSocket address for one connection."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return f"{base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self._app_id}"

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection until either side closes it."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets or len(self.connections) >= CONNECTIONS:
            raise web.HTTPForbidden
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.connections.append(socket)
        hello = {"type": "hello", "num_connections": len(self.connections), "debug_info": DEBUG}
        await socket.send_json(hello | {"connection_info": {"app_id": self._app_id}})
        await self._notify()
        try:
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledge(frame.data)
        finally:
            if socket in self.connections:
                self.connections.remove(socket)
            await self._notify()
        return socket

    async def send(self, envelope: JSON, seconds: float) -> JSON:
        """Send an envelope on the newest connection and return the payload of its ack, or raise TimeoutError."""
        envelope = {"envelope_id": str(uuid.uuid4())} | envelope
        answer: asyncio.Future[JSON] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = answer
        try:
            await self.connections[-1].send_json(envelope)
            return await asyncio.wait_for(answer, seconds)
        finally:
            del self._waiting[envelope["envelope_id"]]

    async def disconnect(self, reason: Reason) -> None:
        """Announce the end of all connections, then close them, as Slack does every few hours."""
        closing, self.connections = self.connections, []
        for socket in closing:
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": DEBUG})
            await socket.close()

    def _acknowledge(self, frame: str) -> None:
        try:
            ack = json.loads(frame)
            waiting = self._waiting[ack["envelope_id"]]
        except (ValueError, TypeError, KeyError):
            self.protocol_errors.append(frame)
            return
        if not waiting.done():
            waiting.set_result(ack.get("payload") or {})
