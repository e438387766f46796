"""The HTTP API: REST under `/api/v1` with its OpenAPI document and event stream, pushes of runners, health, metrics."""

from __future__ import annotations

from aiohttp import web

from adapters.common.http import json_answer
from bot.api import chat, deliveries, events, health, history, people, plans, policies
from bot.api.auth import TOKENS, protect_api
from bot.api.errors import answer_errors, refuse_compressed
from bot.api.metrics import METRICS, Metrics, measure, observe, show_metrics
from bot.api.openapi import build_document
from bot.api.pushes import add_pushes
from bot.api.routing import Endpoint
from bot.connections import receive_in_time
from bot.disks import Disks
from bot.people.tokens import Tokens
from bot.services import SERVICES

API = "/api/v1"
ENDPOINTS: tuple[Endpoint, ...] = (
    *plans.ENDPOINTS,
    *policies.ENDPOINTS,
    *history.ENDPOINTS,
    *deliveries.ENDPOINTS,
    *events.ENDPOINTS,
    *people.ENDPOINTS,
    *chat.ENDPOINTS,
)


def add_routes(app: web.Application) -> None:
    """Add the routes, and the middlewares that observe requests, answer errors as JSON and authenticate callers.

    `app[SERVICES]` has to be set.
    """
    services = app[SERVICES]
    app[TOKENS] = Tokens(services.store, services.clock, services.card_links.read)
    app[METRICS], app[events.FEED] = Metrics(), events.Feed()
    app[health.READINESS], app[health.DISKS] = {}, Disks(services.settings)
    app.middlewares[:0] = [observe, answer_errors, refuse_compressed, receive_in_time]
    app.middlewares.append(protect_api)
    app.cleanup_ctx.extend([measure, events.wake_streams])
    app.on_shutdown.append(app[events.FEED].close)
    for endpoint in ENDPOINTS:
        app.router.add_route(endpoint.method, API + endpoint.path, endpoint.serve)
    app.router.add_get("/api/openapi.json", _show_document)
    app.router.add_get("/healthz", health.show_liveness)
    app.router.add_get("/readyz", health.show_readiness)
    app.router.add_get("/metrics", show_metrics)
    add_pushes(app)


async def _show_document(request: web.Request) -> web.Response:
    return json_answer(build_document(ENDPOINTS, request.config_dict[SERVICES].settings.public_url + API))
