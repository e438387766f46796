"""Connections of clients: how many there may be, how long a request may take to come, and what a lack of files does."""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import Any, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from core.errors import FabuError

log = logging.getLogger(__name__)

IDLE = 75.0
"""Seconds that a connection may take from its beginning, or from an answer, to the end of the head of a request.

Proxies keep idle connections for a minute: the server must not close one that the proxy is about to use.
"""
BODY = 30.0
"""Seconds that the body of a request may take after its head."""
RESERVE = 100
"""File descriptors that are kept for the database, runs, and connections to other systems."""
_QUIET = 5.0
"""Seconds without a failure after which a lack is over."""
_LINGERING = 50
"""How many refused connections may wait at once until their client has read the answer."""
_LINGER = 1.0
"""Seconds that a refused connection waits for its client."""
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
    b"Retry-After: 5\r\nConnection: close\r\n\r\nToo many connections. Try again in a few seconds."
) % len("Too many connections. Try again in a few seconds.")


class SlowBody(FabuError):
    """The body of a request took too long."""

    code = "too_slow"
    http_status = 408
    message = "The request took too long to arrive. Send it again."


@web.middleware
async def receive_in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raise SlowBody in a handler that waits for a body longer than `BODY`."""
    if request.content.is_eof():
        return await handler(request)
    timer = asyncio.get_running_loop().call_later(BODY, _give_up, request)
    try:
        return await handler(request)
    except TimeoutError:
        if isinstance(request.content.exception(), TimeoutError):
            raise SlowBody from None
        raise
    finally:
        timer.cancel()


def _give_up(request: web.Request) -> None:
    if not request.content.is_eof():
        request.content.set_exception(TimeoutError())


class Shortage:
    """Logs the first of many failures for want of something, and that it is over when none came for a while."""

    def __init__(self, begun: str, over: str) -> None:
        self._begun, self._over = begun, over
        self._end: asyncio.TimerHandle | None = None

    def note(self) -> None:
        """Note one failure."""
        if self._end is None:
            log.error("%s", self._begun)
        else:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(_QUIET, self._finish)

    def _finish(self) -> None:
        self._end = None
        log.info("%s", self._over)


class Doorkeeper:
    """Makes the protocol of each connection, which is refused when there are too many."""

    def __init__(self, runner: web.AppRunner, most: int) -> None:
        """Let at most `most` connections in, or as many as the process may have files open."""
        self._server, self._most = runner.server, _raise_limit(most)
        self._crowd = Shortage(
            f"{self._most} clients are connected, no more are let in: see server.max_connections",
            "clients are let in again",
        )
        self.lingering = 0

    def __call__(self) -> asyncio.BaseProtocol:
        """Return the protocol of a new connection."""
        return _Entrance(self)

    def find_protocol(self) -> asyncio.BaseProtocol | None:
        """Return the protocol of the server, or None when there are too many connections."""
        if self._server and len(self._server.connections) < self._most:
            return self._server()
        self._crowd.note()
        return None


class _Entrance(asyncio.Protocol):
    """Gives a new connection to the server, or answers at once that there are too many.

    It is decided when the connection is made: the system accepts many at once, before any of them is counted.
    """

    def __init__(self, door: Doorkeeper) -> None:
        self._door = door

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = cast(asyncio.Transport, transport)
        if protocol := self._door.find_protocol():
            connection.set_protocol(protocol)
            protocol.connection_made(connection)
            return
        self._door.lingering += 1
        if self._door.lingering > _LINGERING:
            connection.abort()
        else:
            connection.write(_REFUSAL)
            connection.write_eof()  # closing at once could take the answer away from a client that is still sending
            asyncio.get_running_loop().call_later(_LINGER, connection.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.lingering -= 1


def _raise_limit(connections: int) -> int:
    """Let the process have so many connections, if the system permits; return how many it can have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + RESERVE
    if soft < wanted:
        permitted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (permitted, hard))
        soft = permitted
    possible = min(connections, max(soft - RESERVE, soft // 2))
    if possible < connections:
        log.warning(
            "the system permits %d open files, so at most %d clients are let in; raise LimitNOFILE or ulimit -n, or "
            "lower server.max_connections",
            soft, possible,
        )  # fmt: skip
    return possible


def watch_accepting(loop: asyncio.AbstractEventLoop) -> None:
    """Log once that the process cannot accept connections for want of files, in place of an error each second."""
    shortage = Shortage(
        "no connection can be accepted, for too many files are open; raise LimitNOFILE or ulimit -n",
        "connections are accepted again",
    )

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if context.get("message") == "socket.accept() out of system resource":
            shortage.note()
        else:
            loop.default_exception_handler(context)

    loop.set_exception_handler(handle)
