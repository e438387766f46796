"""A worker holds its claims as long as it delivers, and leaves to others what they have taken over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

import bot.outbox.worker as workers
from bot.outbox.worker import LEASE, ClaimLost, Courier, Receipt, back_off_forever
from core.effects import Effect
from core.ports.outbox import Claim, Delivery, DeliveryState
from tests.unit.bot.outbox.failing import Desk
from tests.waiting import PATIENCE, eventually
from tests.worlds import CI, HOOK, START

TAKEN_OVER = "1 deliveries were taken over by another server"


class Sender:
    """Delivers when it may, and knows what it was stopped at."""

    def __init__(self) -> None:
        self.begun, self.may_end, self.stopped = asyncio.Semaphore(0), asyncio.Event(), asyncio.Event()
        self.sent: list[str] = []

    async def deliver(self, delivery: Delivery) -> Receipt:
        self.begun.release()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.stopped.set()
            raise
        self.sent.append(delivery.effect.id)
        return Receipt(200)


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(workers, "POLL_INTERVAL", 0.02)
    desk = Desk()
    yield desk
    if desk.worker:
        await desk.worker.stop()


async def begin(desk: Desk) -> Sender:
    """Have an effect whose delivery has begun."""
    sender = Sender()
    desk.start({CI: Courier(sender.deliver, back_off_forever)})
    await desk.add(Effect("e1", "p", CI, HOOK, START))
    async with asyncio.timeout(PATIENCE):
        await sender.begun.acquire()
    return sender


async def take_over(desk: Desk) -> Claim:
    """Claim what the worker delivers, as another server does while this one stands still."""
    later = desk.clock.now() + LEASE
    [delivery] = await desk.plain.write(lambda writing: writing.outbox.claim(later, LEASE, 1))
    return delivery.claim


@pytest.mark.parametrize("moved", [timedelta(seconds=11), timedelta(hours=5), -timedelta(hours=5)])
async def test_the_claim_of_a_delivery_in_progress_is_renewed_whatever_the_clock_does(
    desk: Desk, moved: timedelta
) -> None:
    sender = await begin(desk)
    desk.clock.advance(moved)
    end = desk.clock.now() + LEASE
    await eventually(desk.delivery, "e1", wanted=lambda delivery: delivery.due_at == end)
    sender.may_end.set()
    await eventually(desk.delivery, "e1", wanted=lambda delivery: delivery.state is DeliveryState.DONE)
    assert (sender.sent, (await desk.delivery("e1")).attempts) == (["e1"], 1)


async def test_a_delivery_that_was_taken_over_is_stopped(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    sender = await begin(desk)
    claim = await take_over(desk)
    desk.clock.advance(timedelta(seconds=11))
    async with asyncio.timeout(PATIENCE):
        await sender.stopped.wait()
    left = await desk.delivery("e1")
    assert (left.claim, left.state) == (claim, DeliveryState.SENDING)
    assert [record.getMessage()[: len(TAKEN_OVER)] for record in warnings(caplog)] == [TAKEN_OVER]


async def test_the_result_of_a_delivery_that_was_taken_over_is_not_recorded(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    sender = await begin(desk)
    claim = await take_over(desk)
    sender.may_end.set()
    await eventually(sleep, wanted=lambda _: warnings(caplog))
    left = await desk.delivery("e1")
    assert (left.claim, left.state, await desk.attempts("e1")) == (claim, DeliveryState.SENDING, [])
    assert [record.getMessage()[: len(TAKEN_OVER)] for record in warnings(caplog)] == [TAKEN_OVER]


async def test_a_courier_that_finds_its_claim_lost_ends_the_delivery(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def deliver(_: Delivery) -> Receipt:
        raise ClaimLost

    desk.start({CI: Courier(deliver, back_off_forever)})
    await desk.add(Effect("e1", "p", CI, HOOK, START))
    await eventually(sleep, wanted=lambda _: warnings(caplog))
    assert await desk.attempts("e1") == []


async def test_the_length_of_an_attempt_is_not_that_of_a_jump_of_the_clock(desk: Desk) -> None:
    sender = await begin(desk)
    desk.clock.advance(-timedelta(hours=5))
    sender.may_end.set()
    [attempt] = await eventually(desk.attempts, "e1", wanted=len)
    assert 0 <= attempt.ms < PATIENCE * 1000
    assert attempt.at == START


async def sleep() -> None:
    """Let others go on."""


def warnings(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "bot.outbox.worker"]
