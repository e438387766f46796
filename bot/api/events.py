"""The endpoint that streams new log entries of all plans as server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

from aiohttp import web

from bot.api.auth import TOKENS
from bot.api.bodies import EventPart
from bot.api.models import LogAnswer
from bot.api.request import TOKEN
from bot.api.routing import Call, Endpoint
from bot.services import SERVICES
from core.audit import LogEntry
from core.errors import Invalid, Problem, Unavailable
from core.ports.store import Store

log = logging.getLogger(__name__)

HEARTBEAT = 15.0
"""Seconds after which a stream without entries sends a comment, so that proxies keep it open."""
LOOK = 1.0
"""Seconds after which a stream asks again whether its token is still good."""
BATCH = 200
"""Entries that are read at once."""


class Feed:
    """Wakes the streams when there may be new entries, and ends them when the server stops."""

    def __init__(self) -> None:
        self.closed = False
        self._news = asyncio.Event()

    @property
    def news(self) -> asyncio.Event:
        """An event that the next `wake` sets. Get it before reading the store, so that no entry is missed."""
        return self._news

    def wake(self) -> None:
        """Let the streams read the store."""
        self._news.set()
        self._news = asyncio.Event()

    async def close(self, _: web.Application) -> None:
        """End the streams."""
        self.closed = True
        self.wake()


FEED = web.AppKey("feed", Feed)


async def wake_streams(app: web.Application) -> AsyncIterator[None]:
    """Wake the streams of an application at every commit, also of other replicas, while the application runs."""
    services, feed = app[SERVICES], app[FEED]
    services.engine.listen(lambda _: feed.wake())
    services.store.listen(feed.wake)
    yield


async def stream_events(call: Call[None, EventPart]) -> web.StreamResponse:
    """Stream the log entries of all plans. A client that reconnects continues after its `Last-Event-ID`."""
    store, feed = call.services.store, call.request.config_dict[FEED]
    watch = _Watch(call)
    last = await store.read(lambda reading: reading.log.newest()) if (start := _read_start(call)) is None else start
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    await response.prepare(call.request)
    try:
        await response.write(b": connected\n\n")
        while not feed.closed and await watch.permits():
            news = feed.news
            entries = await _read_after(store, last)
            if entries:
                last = entries[-1].id
                await response.write("".join(map(_format_event, entries)).encode())
            elif not await _wait(news, LOOK) and watch.is_silent():
                await response.write(b": still here\n\n")
    except (ConnectionResetError, Unavailable) as error:
        log.debug("an event stream ended: %s", error)  # the client reconnects with the last id that it has
    return response


class _Watch:
    """Watches whether a stream may go on, and when it has to show that it is still there."""

    def __init__(self, call: Call[None, EventPart]) -> None:
        self._tokens, self._token = call.request.config_dict[TOKENS], call.request[TOKEN]
        self._engine, self._silent = call.services.engine, 0.0

    async def permits(self) -> bool:
        """Return whether the token is good, and its person active, as of a second ago; streams share the look."""
        is_good = await self._tokens.is_good(self._token.id, timedelta(seconds=LOOK))
        return is_good and self._engine.directory.active(self._token.person)

    def is_silent(self) -> bool:
        """Return whether the stream has been silent for too long, after another second without news."""
        self._silent = (self._silent + LOOK) % HEARTBEAT
        return self._silent == 0


def _read_start(call: Call[None, EventPart]) -> int | None:
    """Return the id after which a client wants entries, None when it wants those that are still to come."""
    last = call.request.headers.get("Last-Event-ID", "")
    if not last:
        return call.query.after
    if not (last.isascii() and last.isdecimal() and len(last) < 19):
        raise Invalid(Problem("Last-Event-ID", "send the id of an event as it came"))
    return int(last)


async def _read_after(store: Store, last: int) -> list[LogEntry]:
    return await store.read(lambda reading: reading.log.since(last, BATCH))


def _format_event(entry: LogEntry) -> str:
    return f"id: {entry.id}\nevent: {entry.event}\ndata: {LogAnswer.of(entry).model_dump_json()}\n\n"


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event. Return whether it is set before the time is over."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/events", summary="Follow the operation logs of all plans", handler=stream_events,
             query=EventPart, request_headers=("Last-Event-ID",)),
)  # fmt: skip
