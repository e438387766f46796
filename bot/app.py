"""The composition root: makes a running server from settings, with the adapters that `bot.adapters` opens.

`run_app` runs everything but the web server; `serve` runs both until a signal ends it. Commands that need no server
(`bot.cli`) and the check-up (`bot.doctor`) open what they need themselves.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from aiohttp import web

from adapters.common.adapter import Inbox, RunnerAdapter
from adapters.common.system import SystemClock, SystemIds
from adapters.store.lock import exclusive_lock
from adapters.store.open import data_folder, open_store
from bot import connections
from bot.adapters import CHATS, Chats, host_of, open_chats, open_runners
from bot.api import add_routes
from bot.api.callback import add_callback
from bot.api.health import DISKS
from bot.chat.dispatch import Dispatch
from bot.clockwatch import ClockWatch
from bot.console import add_console
from bot.i18n import Locale
from bot.installation import LOG_KEY, check_key, derive, load_secret
from bot.outbox.alarms import Alarms
from bot.outbox.approval_forms import ApprovalFormStages
from bot.outbox.cards import CardSync
from bot.outbox.digests import Digests
from bot.outbox.hooks import Hooks
from bot.outbox.leases import Leases
from bot.outbox.runs import Runs, is_wanted, report_run
from bot.outbox.worker import Couriers, DeliveryWorker
from bot.people.card_links import CardLinks
from bot.people.directory import load_people
from bot.people.identities import Identities
from bot.replicas import Replicas
from bot.scheduler import Job, Ticks
from bot.services import SERVICES, Services
from bot.zadig import add_zadig, gate_couriers
from config.approval import NO_VOTE
from config.settings import MAX_CONNECTIONS, Settings
from core.context import Environment, Policy
from core.effects import Destination, DestinationKind
from core.engine import Engine
from core.plan import Channel
from core.ports.clock import Clock, Ids
from core.ports.runner import Embedded, Runner
from core.ports.store import Store

log = logging.getLogger(__name__)

MAX_BODY = 2 * 1024 * 1024
"""The largest request body, in bytes."""
POLL = 20.0
"""Seconds between two polls of runners and of approval forms, and between two loads of the directory."""
CHECK = 15.0
"""Seconds between two checks whether leases are longer than any can be."""
PRUNE = 3600.0
"""Seconds between two removals of old outputs of runs."""
GRACE = 10.0
"""Seconds that requests have to end when the server stops: less than any service manager waits before it kills."""


def policy_of(settings: Settings) -> Policy:
    """Return the policy of the settings, without what opened adapters add to it."""
    hooks = {target.name: frozenset(target.events) for target in settings.hooks.targets}
    events = frozenset(event for target in settings.hooks.targets for event in target.events)
    checks = events if settings.hooks.wait_for_callback else frozenset()
    return Policy(
        check_events=checks,
        check_timeout=settings.hooks.check_timeout,
        hooks=hooks,
        approval=settings.approval.rules(),
        authors={} if "*" in settings.local.allowed else {"local": settings.local.allowed},
    )


@asynccontextmanager
async def run_app(
    settings: Settings, clock: Clock | None = None, ids: Ids | None = None
) -> AsyncIterator[web.Application]:
    """Run everything but the web server, and yield the application that answers its requests.

    At the end, no new work begins, present work is finished or released for others, and accepted commands are durable.
    """
    clock, ids = clock or SystemClock(), ids or SystemIds()
    async with AsyncExitStack() as stack:
        environment = Environment(policy_of(settings))
        if settings.approval.required == "none":
            log.warning("%s", NO_VOTE)
        engine, store = await _open_engine(settings, environment, clock, ids, stack)
        host = host_of(settings, clock, partial(report_run, engine), partial(is_wanted, store))
        adapters = open_runners(settings, host)
        replicas = _watch_replicas(settings, adapters, store, clock, ids, stack)
        runners = await _start_runners(adapters, stack)
        runs = Runs(store, engine, runners, clock, replicas.is_gone if replicas else lambda _: True)
        chats = open_chats(settings, host)
        stack.push_async_callback(chats.stop)
        environment.publish(policy=_complete_policy(environment.policy, adapters, chats))
        identities = Identities(store, engine, clock, chats.messengers)
        locale = Locale(settings.server.language, settings.server.timezone)
        links = CardLinks(derive(load_secret(settings), "links on cards"), clock, settings.public_url)
        dispatch = Dispatch(engine, store, identities, clock, ids, locale=locale, card_links=links)
        services = Services(settings, store, engine, clock, ids, dispatch, chats.messengers, runs, links)
        forms = ApprovalFormStages(store, engine, identities, chats.approval_forms, clock, locale, settings.public_url)
        app = _build_application(services)
        await chats.start(app, Inbox(dispatch, forms.update, engine.pressure))
        hooks = Hooks(settings, store, engine, clock)
        stack.push_async_callback(hooks.close)
        alarms = Alarms(store, engine, identities, chats.messengers, locale, links)
        digests = Digests(store, engine, identities, chats.messengers, clock, ids, locale, links)
        couriers: Couriers = {
            DestinationKind.RUNNER: runs.courier,
            DestinationKind.HOOK: hooks.courier,
            DestinationKind.APPROVAL_FORM: forms.courier,
            DestinationKind.ADMINS: alarms.courier,
            DestinationKind.DIGESTS: digests.courier,
            **gate_couriers(services),
            **_card_couriers(chats, services, identities, locale),
        }
        watched = (forms.poll, digests.poll, app[DISKS].watch)
        ticks = _start_work(services, watched, couriers, environment, stack)
        if replicas:
            replicas.listen(lambda: ticks.wake(runs.poll))
        yield app


def _complete_policy(policy: Policy, runners: Mapping[str, RunnerAdapter], chats: Chats) -> Policy:
    """Return a policy with what opened adapters add to it."""
    unconfined = frozenset(name for name, adapter in runners.items() if not adapter.confines)
    return replace(
        policy,
        runners={name: adapter.runner.problems for name, adapter in runners.items()},
        destinations=tuple(chats.messengers),
        channels=frozenset({Channel.NATIVE, *map(Channel, chats.channels)}),
        approval=replace(policy.approval, unconfined=unconfined),
    )


async def _open_engine(
    settings: Settings, environment: Environment, clock: Clock, ids: Ids, stack: AsyncExitStack
) -> tuple[Engine, Store]:
    """Return the engine and its store; publish the directory in the engine's environment.

    Accepted commands are durable when the stack is left.
    """
    secret = load_secret(settings)
    stack.enter_context(exclusive_lock(settings.database.url))
    store = await asyncio.to_thread(open_store, settings.database.url, derive(secret, "credentials"), clock)
    stack.push_async_callback(store.close)
    await check_key(settings, store, secret)
    engine = Engine(store, clock, ids, environment, derive(secret, LOG_KEY))
    stack.push_async_callback(engine.drain)
    if data_folder(settings.database.url) is not None:  # only this server sends: what is being sent was interrupted
        await store.write(lambda writing: writing.outbox.release_all(clock.now()))
    environment.publish(directory=await load_people(settings, store, CHATS, clock.now()))
    return engine, store


async def _start_runners(adapters: Mapping[str, RunnerAdapter], stack: AsyncExitStack) -> dict[str, Runner]:
    """Start the runners and return them. They are closed when the stack is left."""
    for adapter in adapters.values():
        stack.push_async_callback(adapter.runner.close)
        await adapter.start()
    return {name: adapter.runner for name, adapter in adapters.items()}


def _watch_replicas(
    settings: Settings, adapters: Mapping[str, RunnerAdapter], store: Store, clock: Clock, ids: Ids,
    stack: AsyncExitStack,
) -> Replicas | None:  # fmt: skip
    """Start to record that this server lives, and to watch the others; None where there are no others.

    It goes on until the runners are closed: a server that waits for its last runs still lives.
    """
    if data_folder(settings.database.url) is not None:
        return None
    homes = [adapter.runner.home() for adapter in adapters.values() if isinstance(adapter.runner, Embedded)]
    replicas = Replicas(store, clock, next(filter(None, homes), "") or ids.new())
    replicas.start()
    stack.push_async_callback(replicas.stop)
    return replicas


def _build_application(services: Services) -> web.Application:
    """Return an application with all routes except those of the chats."""
    app = web.Application(client_max_size=MAX_BODY)
    app[SERVICES] = services
    for add in (add_routes, add_console, add_callback, add_zadig):
        add(app)
    return app


def _card_couriers(chats: Chats, services: Services, identities: Identities, locale: Locale) -> Couriers:
    """Return the couriers that update the cards of each chat."""
    engine = services.engine
    return {
        Destination(DestinationKind.CHAT, name): CardSync(
            chat.messenger, chat.channel, services.store, engine, identities, services.clock, services.ids, locale,
            services.card_links, tuple(chats.adapters),
        ).courier
        for name, chat in chats.adapters.items()
    }  # fmt: skip


def _start_work(
    services: Services, polls: Sequence[Job], couriers: Couriers, environment: Environment, stack: AsyncExitStack
) -> Ticks:
    """Start the work in the background: deliveries and regular jobs, `polls` among them. It stops with the stack."""
    store, engine = services.store, services.engine
    worker = DeliveryWorker(store, services.clock, couriers, engine)
    engine.listen(lambda _: worker.wake())
    store.listen(worker.wake)
    worker.start()
    stack.push_async_callback(worker.stop)
    ticks = Ticks(store, engine, services.clock)
    runs, refresh = services.runs, _directory_refresh(store, environment)
    leases, everything = Leases(store, services.clock), (refresh, runs.poll, *polls)
    ticks.start({leases.check: CHECK, **dict.fromkeys(everything, POLL), runs.prune: PRUNE})
    stack.callback(ticks.stop)
    watch = ClockWatch()
    for notify in (leases.note_jump, lambda _: ticks.wake(), lambda _: worker.wake()):
        watch.listen(notify)
    watch.start()
    stack.push_async_callback(watch.stop)
    return ticks


def _directory_refresh(store: Store, environment: Environment) -> Job:
    """Return a job that publishes the directory of the store: another process may have changed it."""

    async def refresh() -> None:
        environment.publish(directory=await store.read(lambda reading: reading.people.directory()))

    return refresh


@asynccontextmanager
async def serve_http(
    app: web.Application, host: str, port: int, grace: float = GRACE, max_connections: int = MAX_CONNECTIONS
) -> AsyncIterator[str]:
    """Serve an application over HTTP, and yield its URL. At the end, requests have `grace` seconds to end."""
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=False, shutdown_timeout=grace, auto_decompress=False,
        keepalive_timeout=connections.IDLE,
    )  # fmt: skip
    await runner.setup()
    loop = asyncio.get_running_loop()
    connections.watch_accepting(loop)
    try:
        door = connections.Doorkeeper(runner, max_connections)
        listening = await loop.create_server(door, host, port, backlog=128)
        try:
            address = listening.sockets[0].getsockname()
            yield f"http://{address[0]}:{address[1]}"
        finally:
            listening.close()
    finally:
        await runner.cleanup()


def stop_event() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT (Ctrl-C) set from now on."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def tune_garbage_collection() -> None:
    """Exclude all present objects from garbage collections: one with them would stop the event loop for some 80 ms.

    New objects are collected less often: reference counts free most of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


async def serve(settings: Settings) -> None:
    """Run Fabu until SIGTERM or SIGINT; then finish the present work and return."""
    stop = stop_event()
    server = settings.server
    serving = partial(serve_http, host=server.host, port=server.port, max_connections=server.max_connections)
    async with run_app(settings) as app, serving(app) as url:
        tune_garbage_collection()
        log.info("Fabu listens at %s", url)
        await stop.wait()
        log.info("stopping after the present work is finished")
