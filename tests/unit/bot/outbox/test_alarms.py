from __future__ import annotations

from datetime import timedelta

from adapters.store.memory import MemoryStore
from bot.outbox.alarms import plan_to_deliver
from core.effects import Destination, DestinationKind, Effect, RunCancel, Sync
from core.ports.outbox import Attempt, DeliveryState, Settled
from tests.clock import ManualClock
from tests.contract.store.offices import Office
from tests.worlds import SLACK, START


async def test_cards_are_due_however_many_deliveries_came_after_them() -> None:
    clock = ManualClock(START)
    store = MemoryStore(clock)
    plan = await Office(store, clock).create()
    gone = Destination(DestinationKind.RUNNER, "gone")
    later = [Effect(f"{number:032x}", plan.id, gone, RunCancel("r", "i", "")) for number in range(201)]
    await store.write(lambda writing: writing.outbox.add([Effect("card", plan.id, SLACK, Sync()), *later]))
    assert await store.read(lambda reading: plan_to_deliver(reading, plan.id, "slack"))
    assert await store.read(lambda reading: plan_to_deliver(reading, plan.id, "dingtalk")) is None

    claimed = await store.write(lambda writing: writing.outbox.claim(START, timedelta(minutes=1), 500, [gone]))
    done = [Settled(each.effect.id, DeliveryState.DONE, Attempt(START, 1)) for each in claimed]
    await store.write(lambda writing: writing.outbox.settle(done))
    assert await store.read(lambda reading: plan_to_deliver(reading, plan.id, "slack")) is None
