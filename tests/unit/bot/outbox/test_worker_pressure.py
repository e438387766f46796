"""Deliveries while many requests are waiting: a few at a time, and all of them afterwards."""

from __future__ import annotations

import asyncio

import pytest

from adapters.common.system import SystemIds
from adapters.store.open import open_store
from bot.outbox.worker import MAX_UNDER_PRESSURE, Courier, DeliveryWorker, Receipt, back_off_forever
from core.context import Environment, Policy
from core.effects import Effect
from core.engine import Engine
from core.ports.outbox import Delivery
from core.pressure import BURST
from tests.clock import ManualClock
from tests.waiting import PATIENCE
from tests.worlds import CI, HOOK, START

MANY = 3 * MAX_UNDER_PRESSURE


async def test_few_are_delivered_in_a_crowd_and_the_rest_when_it_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(START)
    store = open_store("memory://", b"k" * 32, clock)
    engine = Engine(store, clock, SystemIds(), Environment(Policy()), b"key")
    begun: list[str] = []
    more, may_end = asyncio.Event(), asyncio.Event()

    async def deliver(taken: Delivery) -> Receipt:
        begun.append(taken.effect.id)
        more.set()
        await may_end.wait()
        return Receipt(200)

    async def begun_at_least(number: int) -> None:
        while len(begun) < number:
            more.clear()
            await more.wait()

    effects = [Effect(f"{i:02}", f"plan {i}", CI, HOOK, START) for i in range(MANY)]
    await store.write(lambda writing: writing.outbox.add(effects))
    worker = DeliveryWorker(store, clock, {CI: Courier(deliver, back_off_forever)}, engine)
    async with asyncio.timeout(PATIENCE):
        monkeypatch.setattr("core.pressure.QUIET", PATIENCE)
        engine.pressure.record_batch(BURST)
        worker.start()
        await begun_at_least(MAX_UNDER_PRESSURE)
        assert len(begun) == MAX_UNDER_PRESSURE
        monkeypatch.setattr("core.pressure.QUIET", 0)
        engine.pressure.record_batch(BURST)
        await begun_at_least(MANY)
        may_end.set()
        await worker.stop()
    assert sorted(begun) == [effect.id for effect in effects]
