"""Hooks of many plans that finish at once: delivered by Fabu, and by a bare sender that has the bodies already.

Fabu claims, loads the plan, makes the body, keeps it, signs and sends it, and records the try. The peer claims rows
with 17 KB bodies in batches, signs and sends them, and marks them in durable batches. Both send to one endpoint, with
as many requests in flight; the sink is a process of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import sqlalchemy as sa
from aiohttp import web

from adapters.common.system import SystemClock, SystemIds
from adapters.hooks.body import render_body
from adapters.hooks.guard import guarded_session
from adapters.hooks.sender import Receiver, send
from adapters.store.migrate import upgrade
from adapters.store.open import open_store
from adapters.store.sql.databases import parse_url, writing_engine
from bot.app import tune_garbage_collection
from bot.outbox.hooks import Hooks
from bot.outbox.worker import MAX_PER_DESTINATION, Courier, Deferred, DeliveryWorker, Receipt
from config.settings import Settings
from core import commands as c
from core.context import Environment, Policy
from core.draft import PlanDraft
from core.effects import DestinationKind, Hook
from core.engine import Engine
from core.people import Actor, Directory, Person
from core.ports.outbox import Delivery, DeliveryState
from core.ports.store import Reading, Store
from core.status import HookEvent, PlanStatus
from tests.benchmarks.comparing import Row
from tests.fixtures import hook_example
from tests.services import fresh_database

EXAMPLE = hook_example()
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
LOOPBACK = ["127.0.0.0/8"]
ALICE = Actor("alice")
BATCH = 64


@asynccontextmanager
async def sink() -> AsyncIterator[str]:
    """Run a process that answers every POST with 200; give its address."""
    command = (sys.executable, "-m", "tests.benchmarks.hooks")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def _serve_sink() -> None:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"message": "success"})

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await asyncio.Event().wait()


def _draft() -> PlanDraft:
    """The document's example as a draft."""
    items = [
        {"key": f"job{number}", "name": job["name"], "type": job["type"]}
        | (
            {"content": job["spec"]["content"]}
            if job["type"] == "text"
            else {"runner": "zadig", "workflow": job["spec"]["workflow"]}
        )
        for number, job in enumerate(EXAMPLE["release_plan"]["jobs"])
    ]
    return PlanDraft.model_validate({"name": "Release", "items": items})


def _office(database: str) -> tuple[Store, Engine, SystemIds]:
    """Open an engine with one person, an endpoint and a runner, on a database."""
    clock, ids = SystemClock(), SystemIds()
    store = open_store(database, b"key", clock)
    policy = Policy(hooks={"default": frozenset({HookEvent.FINISH_PLANNING})}, runners={"zadig": lambda _: []})
    environment = Environment(policy, Directory({"alice": Person("alice", "Alice")}))
    engine = Engine(store, clock, ids, environment, b"key")
    return store, engine, ids


async def fabu(database: str, address: str, plans: int) -> float:
    """Return how many hooks Fabu delivers in a second."""
    settings = Settings.model_validate({"hooks": {"url": address, "secret": SECRET, "allow_internal": LOOPBACK}})
    store, engine, new_ids = _office(database)
    clock, draft = SystemClock(), _draft()
    ids = [new_ids.new() for _ in range(plans)]
    await asyncio.gather(*(engine.execute(c.Create(plan_id=plan_id, draft=draft), ALICE) for plan_id in ids))
    await asyncio.gather(*(engine.execute(c.Finish(plan_id=plan_id), ALICE) for plan_id in ids))
    hooks = Hooks(settings, store, engine, clock)
    courier, sent = _counted(hooks.courier, plans)
    worker = DeliveryWorker(store, clock, {DestinationKind.HOOK: courier}, engine)
    tune_garbage_collection()
    started = time.perf_counter()
    worker.start()
    try:
        await sent.wait()
        await _all_done(store, plans)
        return plans / (time.perf_counter() - started)
    finally:
        await worker.stop()
        await hooks.close()
        await store.close()


def _counted(courier: Courier, plans: int) -> tuple[Courier, asyncio.Event]:
    """Return the courier with an event for when so many were delivered: asking the store costs what is measured."""
    numbers, event = itertools.count(1), asyncio.Event()

    async def deliver(delivery: Delivery) -> Receipt | Deferred:
        sent = await courier.deliver(delivery)
        if next(numbers) == plans:
            event.set()
        return sent

    return replace(courier, deliver=deliver), event


async def _all_done(store: Store, plans: int) -> None:
    while True:
        if (await store.read(lambda reading: reading.deliveries.counts())).get(DeliveryState.DONE, 0) == plans:
            return
        await asyncio.sleep(0.01)


_metadata = sa.MetaData()
_outbox = sa.Table(
    "bare_outbox",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("sent_at", sa.Float),
)
_bodies = sa.Table(
    "bare_bodies", _metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("body", sa.LargeBinary)
)
_CLAIM = (
    sa.select(_outbox.c.id, _bodies.c.body)
    .join(_bodies, _bodies.c.id == _outbox.c.id)
    .where(_outbox.c.state == "pending")
    .order_by(_outbox.c.id)
    .limit(BATCH)
)
_MARK = sa.update(_outbox).where(_outbox.c.id.in_(sa.bindparam("ids", expanding=True)))


async def bare(database: str, address: str, plans: int) -> float:
    """Return how many bodies the bare sender delivers in a second."""
    engine = writing_engine(parse_url(database), "bench")
    body = json.dumps(EXAMPLE, ensure_ascii=False, separators=(",", ":")).encode()
    rows = range(1, plans + 1)
    with engine.begin() as connection:
        _metadata.create_all(connection)
        connection.execute(sa.insert(_outbox), [{"id": number, "state": "pending"} for number in rows])
        connection.execute(sa.insert(_bodies), [{"id": number, "body": body} for number in rows])
    receiver, limit = Receiver(address, address, (SECRET,)), asyncio.Semaphore(MAX_PER_DESTINATION)

    def exchange(sent: list[int]) -> list[tuple[int, bytes]]:
        with engine.begin() as connection:
            if sent:
                connection.execute(_MARK.values(state="done", sent_at=time.time()), {"ids": sent})
            claimed = [(row.id, row.body) for row in connection.execute(_CLAIM)]
            if claimed:
                connection.execute(_MARK.values(state="sending"), {"ids": [number for number, _ in claimed]})
            return claimed

    tune_garbage_collection()
    async with guarded_session(LOOPBACK) as session:

        async def post(number: int, content: bytes) -> int:
            async with limit:
                attempt = await send(
                    session, receiver, content, event="finish_planning", effect_id=str(number), now=datetime.now(UTC),
                    code=str(number),
                )  # fmt: skip
                assert attempt.status == web.HTTPOk.status_code
                return number

        started = time.perf_counter()
        sent: list[int] = []
        while claimed := await asyncio.to_thread(exchange, sent):
            sent = list(await asyncio.gather(*(post(number, content) for number, content in claimed)))
        elapsed = time.perf_counter() - started
    with engine.begin() as connection:
        _metadata.drop_all(connection)
    engine.dispose()
    return plans / elapsed


Sender = Callable[[str, str, int], Awaitable[float]]


async def run(*, quick: bool) -> list[Row]:
    """Return for each database how fast Fabu delivers, as a share of the bare sender's rate; and what a body takes."""
    plans, rounds = (1000, 1) if quick else (2000, 3)
    found = []
    async with sink() as address:
        for name, empty_database in (("SQLite", _sqlite), ("PostgreSQL", _postgres)):
            rates: dict[Sender, list[float]] = {fabu: [], bare: []}
            for sender, measured in list(rates.items()) * rounds:
                with empty_database() as url:
                    await asyncio.to_thread(upgrade, url)
                    measured.append(await sender(url, address, plans))
            ours, theirs = (statistics.median(measured) for measured in rates.values())
            note = f"{ours:.0f}/s; bare sender {theirs:.0f}/s, {plans} plans"
            found.append(Row(f"hooks, {name}", ours / theirs, ">= 0.5", note))
    with _sqlite() as url:
        await asyncio.to_thread(upgrade, url)
        milliseconds, size = await body(url)
    return [*found, Row("milliseconds to make the body of a large plan", milliseconds, "< 50", f"{size} bytes")]


async def body(database: str) -> tuple[float, int]:
    """Return the milliseconds in which the body of a stored plan of a megabyte is made, and its size."""
    store, engine, ids = _office(database)
    items = [item.model_copy(update={"key": f"{item.key}-{n}"}) for n in range(62) for item in _draft().items]
    draft = _draft().model_copy(update={"items": tuple(items)})
    plan_id = ids.new()
    await engine.execute(c.Create(plan_id=plan_id, draft=draft), ALICE)
    hook = Hook(HookEvent.FINISH_PLANNING, PlanStatus.FINISH_PLANNING, "c")

    def make(reading: Reading) -> tuple[float, int]:
        started = time.perf_counter()
        made = render_body(reading.plans.get_masked([plan_id])[plan_id], hook, engine.directory)
        return (time.perf_counter() - started) * 1000, len(made)

    tries = [await store.read(make) for _ in range(9)]
    await store.close()
    return sorted(tries)[len(tries) // 2]


@contextmanager
def _sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/bench.db"


def _postgres() -> AbstractContextManager[str]:
    address = os.environ.get("FABU_TEST_POSTGRES", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
    return fresh_database("PostgreSQL", address, drop="DROP DATABASE {} WITH (FORCE)")


if __name__ == "__main__":
    asyncio.run(_serve_sink())
