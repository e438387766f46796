"""Fabu beside Zadig: Zadig's OpenAPI, the endpoint for Zadig's hooks, and the gate of Zadig's release plans."""

from __future__ import annotations

from aiohttp import web

from adapters.zadig.runner import ZadigRunner
from bot.api.pushes import HOOK_HANDLERS, handle_push
from bot.services import SERVICES
from bot.zadig.gate import ZadigGate, zadig_runner
from bot.zadig.openapi.endpoints import add_zadig_plans

HOOK_PATH = "/zadig/hook"
"""Another name of `/runners/zadig/push`."""


def add_zadig(app: web.Application) -> None:
    """Add Zadig's OpenAPI to an application, and the endpoint for its hooks when Zadig is enabled.

    Call it after `bot.api.add_routes`, which adds tokens and hook handlers.
    """
    add_zadig_plans(app)
    if runner := zadig_runner(app[SERVICES]):
        app[HOOK_HANDLERS][ZadigRunner.name] = ZadigGate(app[SERVICES], runner.client).request_approval
        app.router.add_post(HOOK_PATH, _hook)


async def _hook(request: web.Request) -> web.Response:
    return await handle_push(request, ZadigRunner.name)
