"""Pushes of runners: what a runner's system sends to `POST /runners/{name}/push`.

A push about a run is only a reason to poll: it may be forged, late, early or repeated. So Fabu finds the run, and gets
its status from the runner.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import web

from adapters.common.http import json_answer
from bot.outbox.runs import watched_runs
from bot.services import SERVICES, Services
from core.errors import FabuError, NotFound, Thing
from core.plan import Item
from core.ports.runner import Pushing, RunPush, parse_reference
from core.ports.store import Reading
from core.workflow import ReleasePlanHook

log = logging.getLogger(__name__)

PATH = r"/runners/{name:[\w-]+}/push"

HookHandler = Callable[[ReleasePlanHook], Awaitable[None]]
"""Handles a hook about a release plan of the runner's own system."""
HOOK_HANDLERS = web.AppKey("hook handlers", dict[str, HookHandler])
"""The handlers of such hooks, by the name of the runner. Hooks without a handler are ignored."""


def add_pushes(app: web.Application) -> None:
    """Add the endpoint to an application that has `SERVICES`."""
    app[HOOK_HANDLERS] = {}
    app.router.add_post(PATH, _push)


async def _push(request: web.Request) -> web.Response:
    return await handle_push(request, request.match_info["name"])


async def handle_push(request: web.Request, name: str) -> web.Response:
    """Answer a push of a runner's system.

    Raises NotFound when no such runner takes pushes, and what `Pushing.parse_push` and the handler of hooks raise.
    """
    services, handlers = request.config_dict[SERVICES], request.config_dict[HOOK_HANDLERS]
    runner = services.runs.runners.get(name)
    if not isinstance(runner, Pushing):
        raise NotFound(Thing.RUNNER, name)
    push = runner.parse_push(await request.read(), request.headers)
    if isinstance(push, RunPush):
        await _follow(services, runner, name, push.external_id)
    elif push and name in handlers:
        await handlers[name](push)
    return json_answer({"message": "success"})


async def _follow(services: Services, runner: Pushing, name: str, external_id: str) -> None:
    """Poll the run of a push. It is found by its external id, else by the reference that the runner's system has."""
    try:
        found = await services.store.read(lambda reading: _find_run(reading, name, external_id))
        if found is None and (reference := parse_reference(await runner.reference_of(external_id))):
            found = await services.store.read(lambda reading: _find_by_reference(reading, name, reference, external_id))
    except FabuError as error:
        log.info("a push of %s about %s has to wait for the next poll: %s", name, external_id, error)
        return
    if found:
        await services.runs.follow(*found)


def _find_run(reading: Reading, name: str, external_id: str) -> tuple[str, Item] | None:
    runs = (run for run in watched_runs(reading) if run[1].runner == name)
    return next(((plan_id, item) for plan_id, item in runs if item.run and item.run.external_id == external_id), None)


def _find_by_reference(
    reading: Reading, name: str, reference: tuple[str, str, int], external_id: str
) -> tuple[str, Item] | None:
    """Return the plan's id and the item that a reference names; None when there is none.

    A run whose external id is not known has that of the push. It may have ended as unknown meanwhile. A push about
    another run with the reference may be about a clone: it is a reason to poll the run that is known.
    """
    number, item_id, attempt = reference
    plan_id = reading.plans.id_of(number)
    item = reading.plans.get(plan_id).items.get(item_id)
    if item is None or item.runner != name or item.run is None:
        return None
    if item.run.external_id not in ("", external_id):
        return plan_id, item
    if item.run.attempt != attempt:
        return None
    return plan_id, replace(item, run=replace(item.run, external_id=external_id))
