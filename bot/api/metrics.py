"""Metrics for Prometheus, and the access log.

Neither contains query strings, bodies or whole paths: a path may be a sign-in link.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from bot.api.request import ACTOR, REQUEST_ID
from bot.services import SERVICES
from core.errors import Unavailable

log = logging.getLogger("bot.access")

TICK = 1.0
"""Seconds between two measurements of the event loop's lag."""
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "route")
        self.requests = Counter("fabu_http_requests", "Requests.", (*labels, "status"), registry=self.registry)
        self.seconds = Histogram("fabu_http_request_seconds", "Time to answer.", labels, registry=self.registry)
        self.commits = Counter("fabu_commits", "Commits that changed plans.", registry=self.registry)
        self.lag = Gauge("fabu_event_loop_lag_seconds", "How late the event loop is.", registry=self.registry)
        self.up = Gauge("fabu_store_up", "1 when the store answers.", registry=self.registry)
        self.plans = Gauge("fabu_plans", "Plans by status.", ("status",), registry=self.registry)
        self.deliveries = Gauge("fabu_deliveries", "Deliveries by state.", ("state",), registry=self.registry)

    def set_counts(self, plans: Mapping[str, int], deliveries: Mapping[str, int]) -> None:
        """Set the counts of the store: plans by status, deliveries by state."""
        for gauge, counts in ((self.plans, plans), (self.deliveries, deliveries)):
            gauge.clear()
            for name, count in counts.items():
                gauge.labels(name).set(count)


METRICS = web.AppKey("metrics", Metrics)


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, measure it, and write its line of the access log."""
    request[REQUEST_ID] = request.config_dict[SERVICES].ids.new()
    began, status = time.perf_counter(), 500
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        seconds = time.perf_counter() - began
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"
        method = request.method if request.method in _METHODS else "other"
        metrics = request.config_dict[METRICS]
        metrics.requests.labels(method, route, str(status)).inc()
        metrics.seconds.labels(method, route).observe(seconds)
        actor = request.get(ACTOR)
        who = actor.id if actor else "-"
        log.info("%s %s %d %.1f ms %s %s", method, route, status, seconds * 1000, who, request[REQUEST_ID])


async def show_metrics(request: web.Request) -> web.Response:
    """Answer `/metrics`. While the store does not answer, its counts are left out: old ones would pass for present."""
    metrics, store = request.config_dict[METRICS], request.config_dict[SERVICES].store
    try:
        metrics.set_counts(*await store.read(lambda reading: (reading.plans.counts(), reading.deliveries.counts())))
        metrics.up.set(1)
    except Unavailable:
        metrics.set_counts({}, {})
        metrics.up.set(0)
    return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def measure(app: web.Application) -> AsyncIterator[None]:
    """Count commits and measure the lag of the event loop while the application runs."""
    metrics = app[METRICS]
    app[SERVICES].engine.listen(lambda _: metrics.commits.inc())
    task = asyncio.create_task(_measure_lag(metrics), name="event loop lag")
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _measure_lag(metrics: Metrics) -> None:
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK)
        metrics.lag.set(max(0.0, time.perf_counter() - before - TICK))
