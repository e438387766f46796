"""Deliveries while the database is away, to what is not enabled any more, and of what is gone: none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from bot.outbox import worker as workers
from bot.outbox.worker import Courier, Couriers, DeliveryWorker, Receipt, back_off_forever, persistent
from core import commands as c
from core.effects import Destination, DestinationKind, Effect, Hook
from core.errors import DeliveryError, FabuError, NotFound, OutdatedCard, Thing, Unavailable
from core.messages import Message
from core.ports.outbox import Delivery, DeliveryState
from tests.unit.bot.outbox.failing import Desk
from tests.waiting import eventually
from tests.worlds import CI, HOOK, SLACK, START

DONE, DEAD, PENDING = DeliveryState.DONE, DeliveryState.DEAD, DeliveryState.PENDING
REFUSED = DeliveryError("ci", Message("it is full"), retryable=False)


class Endpoint:
    """An endpoint that answers, or fails, in a given way, and what it was sent."""

    def __init__(self, *answers: Exception | None) -> None:
        self.sent: list[str] = []
        self._answers = list(answers)

    async def deliver(self, delivery: Delivery) -> Receipt:
        self.sent.append(delivery.effect.id)
        if self._answers and (error := self._answers.pop(0)):
            raise error
        return Receipt(200, "ok")


class Recorder:
    """What is called at the last failure. It raises the errors in turn."""

    def __init__(self, *errors: Exception) -> None:
        self.told: list[str] = []
        self._errors = list(errors)

    async def on_failure(self, delivery: Delivery, error: DeliveryError) -> None:
        self.told.append(str(error.reason))
        if self._errors:
            raise self._errors.pop(0)


Open = Callable[[Courier | None], DeliveryWorker]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "POLL_INTERVAL", 0.02)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def open_worker(desk: Desk) -> AsyncIterator[Open]:
    opened: list[DeliveryWorker] = []

    def start(courier: Courier | None) -> DeliveryWorker:
        opened.append(desk.start({CI: courier} if courier else {}))
        return opened[-1]

    yield start
    desk.store.writable.set()
    for worker in opened:
        await worker.stop()


def retrying(endpoint: Endpoint, recorder: Recorder | None = None) -> Courier:
    """Try twice, without a pause."""

    def backoff(delivery: Delivery) -> timedelta | None:
        return timedelta() if delivery.attempts < 2 else None

    return Courier(endpoint.deliver, backoff, recorder.on_failure if recorder else None)


async def ended(desk: Desk, state: DeliveryState, effect_id: str = "e1") -> Delivery:
    return await eventually(desk.delivery, effect_id, wanted=lambda found: found.state is state)


def hook(plan_id: str = "p1", destination: Destination = CI) -> Effect:
    return Effect("e1", plan_id, destination, HOOK, START)


async def test_an_outbox_that_cannot_be_read_is_read_again(
    desk: Desk, open_worker: Open, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = Endpoint()
    desk.store.writable.clear()
    open_worker(retrying(endpoint))
    await desk.add(hook())
    await desk.until_refused(2)
    assert endpoint.sent == []
    desk.store.writable.set()
    await ended(desk, DONE)
    assert endpoint.sent == ["e1"]
    assert "the outbox cannot be read or written" in caplog.text


async def test_a_result_that_cannot_be_written_is_kept_and_nothing_is_sent_again(desk: Desk, open_worker: Open) -> None:
    endpoint, reached, may_answer = Endpoint(), asyncio.Event(), asyncio.Event()
    plan = await desk.office.create()
    heard: list[str] = []
    desk.office.engine.listen(heard.extend)

    async def deliver(delivery: Delivery) -> Receipt:
        reached.set()
        await may_answer.wait()
        return await endpoint.deliver(delivery)

    def note(delivery: Delivery) -> c.NoteHookDelivered:
        event = delivery.effect.payload_as(Hook).event
        return c.NoteHookDelivered(plan_id=plan.id, endpoint="ci", event=event, delivery=delivery.effect.id)

    open_worker(Courier(deliver, back_off_forever, note=note))
    await desk.add(hook(plan.id))
    await reached.wait()
    desk.store.writable.clear()
    may_answer.set()
    await desk.until_refused(3)
    desk.store.writable.set()
    await ended(desk, DONE)
    assert endpoint.sent == ["e1"]
    assert [(attempt.status, attempt.answer) for attempt in await desk.attempts("e1")] == [(200, "ok")]
    assert [entry.event for entry in await desk.office.log(plan)] == ["created", "told"]
    assert heard == [plan.id]


async def test_what_goes_to_what_is_not_enabled_any_more_ends_with_the_reason(desk: Desk, open_worker: Open) -> None:
    open_worker(None)
    await desk.add(hook(destination=SLACK))
    dead = await ended(desk, DEAD)
    assert str(dead.error) == "slack did not accept the request: it is not enabled in the settings"
    assert dead.attempts == 1


async def test_what_is_for_a_plan_that_is_gone_is_done(desk: Desk, open_worker: Open) -> None:
    endpoint, recorder = Endpoint(NotFound(Thing.PLAN, 1)), Recorder()
    open_worker(retrying(endpoint, recorder))
    await desk.add(hook())
    assert (await ended(desk, DONE)).attempts == 1
    assert recorder.told == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Unavailable(), "the database did not accept the request: Fabu cannot save this right now."),
        (ZeroDivisionError("1/0"), "hook:ci did not accept the request: an error that was not foreseen: ZeroDivision"),
    ],
)
async def test_what_was_not_foreseen_is_tried_again(
    desk: Desk, open_worker: Open, error: Exception, reason: str
) -> None:
    endpoint = Endpoint(error)
    open_worker(retrying(endpoint))
    await desk.add(hook())
    await ended(desk, DONE)
    assert endpoint.sent == ["e1", "e1"]
    assert [str(attempt.error)[: len(reason)] for attempt in await desk.attempts("e1")] == [reason, ""]


async def test_the_last_failure_is_recorded_once(desk: Desk, open_worker: Open) -> None:
    recorder = Recorder()
    open_worker(retrying(Endpoint(*[DeliveryError("ci", Message("busy"), retryable=True)] * 3), recorder))
    await desk.add(hook())
    assert (await ended(desk, DEAD)).attempts == 2
    assert recorder.told == ["busy"]


@pytest.mark.parametrize("over", [NotFound(Thing.PLAN, 1), OutdatedCard()])
async def test_a_failure_that_concerns_nobody_any_more_ends_its_delivery(
    desk: Desk, open_worker: Open, over: FabuError
) -> None:
    endpoint, recorder = Endpoint(REFUSED), Recorder(over)
    open_worker(retrying(endpoint, recorder))
    await desk.add(hook())
    assert (await ended(desk, DEAD)).attempts == 1
    assert (endpoint.sent, recorder.told) == (["e1"], ["it is full"])


@pytest.mark.parametrize("error", [Unavailable(), ZeroDivisionError()])
async def test_a_failure_that_cannot_be_recorded_is_not_the_end(
    desk: Desk, open_worker: Open, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(error)
    worker = open_worker(retrying(Endpoint(REFUSED, REFUSED), recorder))
    await desk.add(hook())
    waiting = await eventually(desk.attempts, "e1", wanted=len)
    assert len(waiting) == 1
    assert (await desk.delivery("e1")).state is PENDING
    desk.clock.advance(timedelta(seconds=2))
    worker.wake()
    await ended(desk, DEAD)
    assert recorder.told == ["it is full", "it is full"]
    assert "the failure of delivery e1 cannot be recorded" in caplog.text


async def test_a_refusal_may_be_waited_out(desk: Desk, open_worker: Open) -> None:
    endpoint = Endpoint(REFUSED)
    worker = open_worker(Courier(endpoint.deliver, lambda _: None, after_refusal=persistent))
    await desk.add(hook())
    await eventually(desk.attempts, "e1", wanted=len)
    pending = await desk.delivery("e1")
    assert (pending.state, pending.due_at) == (PENDING, START + timedelta(seconds=2))
    desk.clock.advance(timedelta(seconds=2))
    worker.wake()
    await ended(desk, DONE)


async def test_a_pause_that_was_asked_for_is_kept(desk: Desk, open_worker: Open) -> None:
    busy = DeliveryError("ci", Message("busy"), retryable=True, retry_after=90.0)
    open_worker(retrying(Endpoint(busy)))
    await desk.add(hook())
    await eventually(desk.attempts, "e1", wanted=len)
    assert (await desk.delivery("e1")).due_at == START + timedelta(seconds=90)


async def test_a_destination_of_its_own_comes_before_its_kind(desk: Desk) -> None:
    own, kind = Endpoint(), Endpoint()
    other = Destination(DestinationKind.HOOK, "other")
    couriers: Couriers = {
        CI: Courier(own.deliver, back_off_forever),
        DestinationKind.HOOK: Courier(kind.deliver, back_off_forever),
    }
    worker = desk.start(couriers)
    await desk.add(hook())
    await desk.add(Effect("e2", "p1", other, HOOK, START))
    await ended(desk, DONE)
    await ended(desk, DONE, "e2")
    await worker.stop()
    assert (own.sent, kind.sent) == (["e1"], ["e2"])


def delays(of: Callable[[Delivery], timedelta], attempts: range) -> list[float]:
    return [of(Delivery(hook(), PENDING, number)).total_seconds() for number in attempts]


def test_delays_grow_to_their_limit() -> None:
    assert delays(back_off_forever, range(1, 12)) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert delays(back_off_forever, range(500, 501)) == [300]
    assert delays(persistent, range(1, 14)) == [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]
    assert delays(persistent, range(500, 501)) == [3600]


async def test_a_worker_that_never_started_stops(desk: Desk) -> None:
    worker = DeliveryWorker(desk.store, desk.clock, {}, desk.office.engine)
    await asyncio.wait_for(worker.stop(), 5)


async def test_a_delivery_that_hangs_is_released_for_the_next_server_at_the_stop(desk: Desk) -> None:
    begun = asyncio.Event()

    async def hang(_: Delivery) -> Receipt:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    worker = desk.start({CI: Courier(hang, back_off_forever)})
    await desk.add(hook())
    await begun.wait()
    await worker.stop(grace=0.05)
    left = await desk.delivery("e1")
    assert (left.state, left.attempts, left.due_at) == (DeliveryState.PENDING, 1, START)
    assert await desk.attempts("e1") == []


async def test_a_worker_stops_although_its_results_cannot_be_recorded(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint, sent = Endpoint(), asyncio.Event()

    async def deliver(delivery: Delivery) -> Receipt:
        desk.store.writable.clear()
        sent.set()
        return await endpoint.deliver(delivery)

    worker = desk.start({CI: Courier(deliver, back_off_forever)})
    await desk.add(hook())
    await sent.wait()
    await asyncio.wait_for(worker.stop(grace=0.05), 10)
    assert "1 deliveries could not be recorded" in caplog.text
    assert (await desk.delivery("e1")).state is DeliveryState.SENDING
