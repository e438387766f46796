"""Stopping the delivery worker: what was taken is delivered, also what was being taken at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from adapters.common.system import SystemClock, SystemIds
from adapters.store.open import open_store
from bot.outbox.worker import Courier, DeliveryWorker, Receipt, back_off_forever
from core.context import Environment, Policy
from core.effects import Effect
from core.engine import Engine
from core.errors import DeliveryError
from core.messages import Message
from core.ports.outbox import Delivery, DeliveryState
from core.ports.store import Store, Writing
from tests.clock import ManualClock
from tests.waiting import PATIENCE, eventually
from tests.worlds import CI, HOOK, START

T = TypeVar("T")


class SlowStore:
    """A store whose transactions are answered only while the gate is open, as on a busy disk."""

    def __init__(self, store: Store) -> None:
        self._store, self.gate = store, asyncio.Event()
        self.read, self.listen, self.close = store.read, store.listen, store.close
        self.gate.set()

    async def write(self, work: Callable[[Writing], T]) -> T:
        done = await self._store.write(work)
        await self.gate.wait()
        return done


async def test_what_is_being_taken_when_the_worker_is_stopped_is_delivered() -> None:
    clock = ManualClock(START)
    plain = open_store("memory://", b"k" * 32, clock)
    store = SlowStore(plain)
    begun = {name: asyncio.Event() for name in ("first", "second")}
    may_end = {name: asyncio.Event() for name in begun}

    async def deliver(delivery: Delivery) -> Receipt:
        begun[delivery.effect.id].set()
        await may_end[delivery.effect.id].wait()
        return Receipt(200)

    async def add(name: str) -> None:
        effect = Effect(name, f"plan of {name}", CI, HOOK, clock.now())
        await plain.write(lambda writing: writing.outbox.add([effect]))
        worker.wake()

    engine = Engine(store, clock, SystemIds(), Environment(Policy()), b"key")
    worker = DeliveryWorker(store, clock, {CI: Courier(deliver, back_off_forever)}, engine)
    worker.start()
    async with asyncio.timeout(PATIENCE):
        await add("first")
        await begun["first"].wait()
        store.gate.clear()
        await add("second")
        while (await plain.read(lambda reading: reading.deliveries.page(state="pending"))).items:  # noqa: ASYNC110
            await asyncio.sleep(0)
        stopping = asyncio.create_task(worker.stop())
        await asyncio.sleep(0)
        store.gate.set()
        await begun["second"].wait()
        may_end["first"].set()
        await eventually(plain.read, lambda reading: reading.deliveries.counts(), wanted=lambda found: "done" in found)
        assert not stopping.done()
        may_end["second"].set()
        await stopping
    page = await plain.read(lambda reading: reading.deliveries.page())
    assert {delivery.effect.id: delivery.state for delivery in page.items} == dict.fromkeys(begun, DeliveryState.DONE)


async def test_a_rate_limit_is_no_attempt_and_makes_no_wait_longer() -> None:
    clock = ManualClock(START)
    store = open_store("memory://", b"k" * 32, clock)
    engine = Engine(store, clock, SystemIds(), Environment(Policy()), b"key")
    seen: list[int] = []
    done = asyncio.Event()

    async def deliver(delivery: Delivery) -> Receipt:
        seen.append(delivery.attempts)
        if len(seen) < 20:
            raise DeliveryError("CI", Message("busy"), retryable=True, retry_after=0.005, limited=True)
        done.set()
        return Receipt(200)

    worker = DeliveryWorker(store, SystemClock(), {CI: Courier(deliver, back_off_forever)}, engine)
    await store.write(lambda writing: writing.outbox.add([Effect("e1", "p", CI, HOOK, clock.now())]))
    worker.start()
    async with asyncio.timeout(10):  # with growing waits it would take minutes
        await done.wait()
        await worker.stop()
    assert seen == [1] * 20
    attempts = await store.read(lambda reading: reading.deliveries.attempts("e1"))
    assert [attempt.status for attempt in attempts] == [200]
