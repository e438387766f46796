"""Fabu beside Zadig: Zadig's OpenAPI, the endpoint for Zadig's hooks, and the gate of Zadig's release plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import web

from bot.api.pushes import HOOK_HANDLERS, handle_push
from bot.outbox.worker import Couriers
from bot.services import SERVICES, Services
from bot.zadig.openapi.endpoints import add_zadig_plans
from core.effects import Destination

if TYPE_CHECKING:
    from bot.zadig.gate import ZadigGate

RUNNER: Final = "zadig"
"""The name of Zadig's runner."""
HOOK_PATH = "/zadig/hook"
"""Another name of `/runners/zadig/push`."""


def add_zadig(app: web.Application) -> None:
    """Add Zadig's OpenAPI to an application, and the endpoint for its hooks when Zadig is enabled.

    Call it after `bot.api.add_routes`, which adds tokens and hook handlers.
    """
    add_zadig_plans(app)
    if gate := _open_gate(app[SERVICES]):
        app[HOOK_HANDLERS][RUNNER] = gate.request_approval
        app.router.add_post(HOOK_PATH, _hook)


def gate_couriers(services: Services) -> Couriers:
    """Return the couriers of results by destination: one when Zadig is enabled, else none."""
    gate = _open_gate(services)
    return {Destination.parse(gate.actor.id): gate.courier} if gate else {}


def _open_gate(services: Services) -> ZadigGate | None:
    """Return the gate when Zadig is enabled. Only then its modules, and those of the adapter, are imported (1 MB)."""
    if RUNNER not in services.runs.runners:
        return None
    from adapters.zadig.runner import ZadigRunner
    from bot.zadig.gate import ZadigGate

    runner = services.runs.runners[RUNNER]
    return ZadigGate(services, runner.client) if isinstance(runner, ZadigRunner) else None


async def _hook(request: web.Request) -> web.Response:
    return await handle_push(request, RUNNER)
