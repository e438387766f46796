"""The operation logs of all plans as they grow: server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web

from bot.api.bodies import EventPart
from bot.api.models import LogAnswer
from bot.api.routing import Call, Endpoint
from bot.services import SERVICES
from core.audit import LogEntry
from core.errors import Invalid, Problem, Unavailable
from core.ports.store import Store

log = logging.getLogger(__name__)

HEARTBEAT = 15.0
"""Seconds after which a stream without news sends a comment, so that proxies keep it open."""
AT_ONCE = 200


class Feed:
    """Wakes the streams when there is news, and ends them."""

    def __init__(self) -> None:
        self.closed = False
        self._news = asyncio.Event()

    @property
    def news(self) -> asyncio.Event:
        """What will be set at the next news. Take it before looking, so that nothing is missed in between."""
        return self._news

    def wake(self) -> None:
        """Tell the streams to look."""
        self._news.set()
        self._news = asyncio.Event()

    async def close(self, _: web.Application) -> None:
        """End the streams."""
        self.closed = True
        self.wake()


FEED = web.AppKey("feed", Feed)


async def feed(app: web.Application) -> AsyncIterator[None]:
    """Let commits, also those of other replicas, wake the streams of an application while it runs."""
    services, streams = app[SERVICES], app[FEED]
    services.engine.listen(lambda _: streams.wake())
    services.store.listen(streams.wake)
    yield


async def events(call: Call[None, EventPart]) -> web.StreamResponse:
    """Stream log entries of all plans; a stream that broke goes on with its `Last-Event-ID`."""
    store, feed = call.services.store, call.request.config_dict[FEED]
    last = await store.read(lambda reading: reading.log.newest()) if (asked := _asked(call)) is None else asked
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type = "text/event-stream"
    await response.prepare(call.request)
    try:
        await response.write(b": connected\n\n")
        while not feed.closed:
            news = feed.news
            entries = await _since(store, last)
            if entries:
                last = entries[-1].id
                await response.write("".join(map(_event, entries)).encode())
            elif not await _within(news, HEARTBEAT):
                await response.write(b": still here\n\n")
    except (ConnectionResetError, Unavailable) as error:
        log.debug("an event stream ended: %s", error)  # the reader comes back with the last id it has
    return response


def _asked(call: Call[None, EventPart]) -> int | None:
    last = call.request.headers.get("Last-Event-ID", "")
    if not last:
        return call.query.after
    if not (last.isascii() and last.isdecimal() and len(last) < 19):
        raise Invalid(Problem("Last-Event-ID", "send the id of an event as it came"))
    return int(last)


async def _since(store: Store, last: int) -> list[LogEntry]:
    return await store.read(lambda reading: reading.log.since(last, AT_ONCE))


def _event(entry: LogEntry) -> str:
    return f"id: {entry.id}\nevent: {entry.event}\ndata: {LogAnswer.of(entry).model_dump_json()}\n\n"


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/events", summary="Follow the operation logs of all plans", handler=events,
             query=EventPart, request_headers=("Last-Event-ID",)),
)  # fmt: skip
