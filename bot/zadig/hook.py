"""`POST /zadig/hook`: what Zadig tells, of tasks that run for items here and of release plans of its own."""

from __future__ import annotations

import logging
from dataclasses import replace

from aiohttp import web

from adapters.zadig.push import WorkflowPush, parse_push
from adapters.zadig.runner import ZadigRunner, external_id
from bot.services import SERVICES, Services
from bot.zadig.gate import ZadigGate, zadig_runner
from bot.zadig.openapi import add_zadig_plans
from core.errors import FabuError, NotFound
from core.plan import Item
from core.ports.runner import parse_reference
from core.ports.store import Reading

log = logging.getLogger(__name__)

PATH = "/zadig/hook"


def add_zadig(app: web.Application) -> None:
    """Add Zadig's OpenAPI to an application that has the services, and the endpoint of hooks when it is enabled."""
    add_zadig_plans(app)
    if zadig_runner(app[SERVICES]):
        app.router.add_post(PATH, hook)


async def hook(request: web.Request) -> web.Response:
    """Take what Zadig tells. Raises Unauthorized without the agreed token, Invalid for what cannot be understood."""
    services = request.config_dict[SERVICES]
    runner = zadig_runner(services)
    if runner is None:
        raise NotFound(what="runner", ref=ZadigRunner.name)
    push = parse_push(await request.read(), request.headers, services.settings.zadig.hook_token.get_secret_value())
    if isinstance(push, WorkflowPush):
        await _look(services, runner, push)
    else:
        await ZadigGate(services, runner.client).ask(push)
    return web.json_response({"message": "success"})


async def _look(services: Services, runner: ZadigRunner, push: WorkflowPush) -> None:
    """Ask Zadig how the task stands: a push may be forged, late, early or doubled, and is only a reason to look."""
    name = external_id(push.workflow, push.task_id)
    try:
        found = await services.store.read(lambda reading: _open_run(reading, name))
        if found is None and (reference := parse_reference(await runner.reference_of(push))):
            found = await services.store.read(lambda reading: _referred(reading, reference, name))
    except FabuError as error:
        log.info("a push of %s has to wait for the next poll: %s", name, error)
        return
    if found:
        await services.runs.follow(*found)


def _open_run(reading: Reading, name: str) -> tuple[str, Item] | None:
    runs = (run for run in reading.plans.open_runs() if run[1].runner == ZadigRunner.name)
    return next(((plan_id, item) for plan_id, item in runs if item.run and item.run.external_id == name), None)


def _referred(reading: Reading, reference: tuple[str, str, int], name: str) -> tuple[str, Item] | None:
    """Return the item whose attempt a task carries, be it one that was given up for lost."""
    number, item_id, attempt = reference
    plan_id = reading.plans.id_of(number)
    item = reading.plans.get(plan_id).items.get(item_id)
    if item is None or item.run is None or item.run.attempt != attempt or item.run.external_id not in ("", name):
        return None
    return plan_id, replace(item, run=replace(item.run, external_id=name))
