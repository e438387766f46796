"""Bodies that are asked for at the same time: each stands for itself, and what was kept stays."""

from __future__ import annotations

import asyncio
import json

import pytest

from adapters.store.open import open_store
from bot.outbox.hook_bodies import HookBodies
from core import commands as c
from core.effects import Effect, Payload, Sync
from core.errors import NotFound
from core.ports.outbox import Delivery, DeliveryState
from tests.contract.store.offices import Office
from tests.worlds import CI, HOOK


class Desk:
    """An office with the bodies of its plans."""

    def __init__(self) -> None:
        self.office = Office(open_store("memory://", b"key"))
        self.bodies = HookBodies(self.office.store, self.office.engine, document_aliases=False)

    async def delivery(self, plan_id: str, payload: Payload = HOOK, attempts: int = 1) -> Delivery:
        effect_id = self.office.ids.new()
        effect = Effect(effect_id, plan_id, CI, payload)
        await self.office.store.write(lambda writing: writing.outbox.add([effect]))
        return Delivery(effect, DeliveryState.SENDING, attempts)


def name_in(body: bytes) -> str:
    name: str = json.loads(body)["release_plan"]["name"]
    return name


async def test_each_of_many_gets_its_own_body() -> None:
    desk = Desk()
    plans = [await desk.office.create(name=f"Release {number}") for number in range(20)]
    deliveries = [await desk.delivery(plan.id) for plan in plans]
    bodies = await asyncio.gather(*map(desk.bodies.of, deliveries))
    assert [name_in(body) for body in bodies] == [plan.name for plan in plans]


async def test_what_is_wrong_with_one_stops_no_other() -> None:
    desk = Desk()
    plan = await desk.office.create()
    good, gone = await desk.delivery(plan.id), await desk.delivery("none")
    broken = await desk.delivery(plan.id, Sync())
    results = await asyncio.gather(*map(desk.bodies.of, (good, gone, broken)), return_exceptions=True)
    assert isinstance(results[0], bytes)
    assert isinstance(results[1], NotFound)
    assert isinstance(results[2], TypeError)


async def test_later_tries_send_what_was_kept_though_the_plan_has_changed() -> None:
    desk = Desk()
    plan = await desk.office.create(name="Before")
    first = await desk.delivery(plan.id)
    body = await desk.bodies.of(first)
    await desk.office.do(c.Delete, plan)
    again = Delivery(first.effect, DeliveryState.SENDING, attempts=2)
    assert await desk.bodies.of(again) == body


async def test_a_first_try_that_left_nothing_behind_is_made_up_for() -> None:
    desk = Desk()
    plan = await desk.office.create(name="Release")
    assert name_in(await desk.bodies.of(await desk.delivery(plan.id, attempts=2))) == "Release"


async def test_a_waiter_that_is_cancelled_leaves_the_others_theirs() -> None:
    desk = Desk()
    plan = await desk.office.create()
    tasks = [asyncio.create_task(desk.bodies.of(await desk.delivery(plan.id))) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [bytes, asyncio.CancelledError, bytes]
    with pytest.raises(NotFound):
        await desk.bodies.of(await desk.delivery("none"))
