"""The HTTP interface: REST under `/api/v1` with its OpenAPI document, events, pushes of runners, health and metrics."""

from __future__ import annotations

from aiohttp import web

from bot.api import chat, deliveries, events, health, history, people, plans
from bot.api.auth import TOKENS, authentication
from bot.api.errors import errors
from bot.api.observing import METRICS, Metrics, figures, measuring, observation
from bot.api.openapi import document
from bot.api.pushes import add_pushes
from bot.api.routing import Endpoint
from bot.people.tokens import Tokens
from bot.services import SERVICES

API = "/api/v1"
ENDPOINTS: tuple[Endpoint, ...] = (
    *plans.ENDPOINTS,
    *history.ENDPOINTS,
    *deliveries.ENDPOINTS,
    *events.ENDPOINTS,
    *people.ENDPOINTS,
    *chat.ENDPOINTS,
)


def add_routes(app: web.Application) -> None:
    """Add the routes, and the middlewares that observe, answer errors as JSON and let only the known into the API.

    `app[SERVICES]` must be there. A middleware that signs people in by other means than a token comes before, and
    sets `request[bot.api.request.ACTOR]`.
    """
    services = app[SERVICES]
    app[TOKENS] = Tokens(services.store, services.clock)
    app[METRICS], app[events.FEED], app[health.READINESS] = Metrics(), events.Feed(), {}
    app.middlewares[:0] = [observation, errors]
    app.middlewares.append(authentication)
    app.cleanup_ctx.extend([measuring, events.feed])
    app.on_shutdown.append(app[events.FEED].close)
    for endpoint in ENDPOINTS:
        app.router.add_route(endpoint.method, API + endpoint.path, endpoint.serve)
    app.router.add_get("/api/openapi.json", _described)
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get("/metrics", figures)
    add_pushes(app)


async def _described(request: web.Request) -> web.Response:
    """Answer the OpenAPI document."""
    return web.json_response(document(ENDPOINTS, request.config_dict[SERVICES].settings.public_url + API))
