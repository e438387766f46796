"""What Fabu is to Zadig: its OpenAPI, the address that its hooks are sent to, and the gate of its release plans."""

from __future__ import annotations

from aiohttp import web

from adapters.zadig.runner import ZadigRunner
from bot.api.pushes import HOOK_HANDLERS, handle_push
from bot.services import SERVICES
from bot.zadig.gate import ZadigGate, zadig_runner
from bot.zadig.openapi import add_zadig_plans

HOOK_PATH = "/zadig/hook"
"""Another name of `/runners/zadig/push`."""


def add_zadig(app: web.Application) -> None:
    """Add Zadig's OpenAPI to an application that has the services and pushes; and its hooks, when it is enabled."""
    add_zadig_plans(app)
    if runner := zadig_runner(app[SERVICES]):
        app[HOOK_HANDLERS][ZadigRunner.name] = ZadigGate(app[SERVICES], runner.client).ask
        app.router.add_post(HOOK_PATH, _hook)


async def _hook(request: web.Request) -> web.Response:
    return await handle_push(request, ZadigRunner.name)
