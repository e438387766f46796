"""The worker of the outbox: claims due effects, delivers them, and records the results.

Effects of the same plan and destination are delivered one after the other, all others concurrently, so that a slow
destination delays no other. Claims and results are written in batches. While requests pile up, only a few effects are
claimed at a time: cards may be late for a second, decisions may not. Delivery is at least once: when a worker dies, its
claims expire, and the effects are delivered again. A worker that was only paused finds its claims lost when it goes on,
and neither records nor continues what another has taken over.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from core import commands as c
from core.effects import Destination, DestinationKind
from core.engine import Engine
from core.errors import DeliveryError, FabuError, NotFound, Unavailable
from core.messages import NO_MESSAGE, Message
from core.ports.clock import Clock
from core.ports.outbox import Attempt, Claim, Delivery, DeliveryState, Hold, Settled
from core.ports.store import Store, Writing

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
"""How long a claimed effect belongs to its worker, unless the claim is renewed; then it may be claimed again."""
_RENEWAL = timedelta(seconds=5)
"""How old a claim is when it is renewed."""
_FIRST_CLAIM = 2.0
"""Seconds after an outage of the database until effects are claimed: the others record first what they have sent."""
POLL_INTERVAL = 1.0
"""Seconds between reads of the outbox when nothing wakes the worker."""
_WAKE_LATE = 0.01
"""Seconds by which the worker is woken after a delivery is due: the two clocks do not run alike."""
MAX_DELIVERIES = 128
"""How many effects one worker delivers at the same time."""
MAX_PER_DESTINATION = 32
"""How many of them go to the same destination."""
MAX_UNDER_PRESSURE = 4
"""How many effects are claimed at a time while requests pile up."""
PRESSURE_TIMEOUT = 0.5
"""Seconds that a claim waits for the pressure of requests to pass."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The response of a destination that accepted a delivery."""

    status: int = 0
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Deferred:
    """What a courier returns of which parts have still to be delivered: when, and which parts wait until when.

    `failure` is the error of this attempt; without one, the parts only wait for a rate limit or for their turn.
    """

    due_at: datetime
    holds: Mapping[str, Hold]
    failure: DeliveryError | None = None


@dataclass(frozen=True, slots=True)
class Courier:
    """How the effects of a destination are delivered. `attempts` of a delivery counts the current attempt."""

    deliver: Callable[[Delivery], Awaitable[Receipt | Deferred]]
    """Sends an effect and returns the response, or what is left to send. Raises DeliveryError when the destination does
    not accept it, and NotFound when there is nothing to send any more. It is called again for an effect that was sent
    when the worker died before it recorded the result."""
    backoff: Callable[[Delivery], timedelta | None]
    """Returns the delay before the next attempt, after one that failed and may be retried; None ends the attempts."""
    on_failure: Callable[[Delivery, DeliveryError], Awaitable[None]] | None = None
    """Is called when the last attempt has failed, before the delivery is recorded as dead. When it raises Unavailable,
    or an error that was not foreseen, there is one more attempt: a failure that nobody hears of is none that ended."""
    note: Callable[[Delivery], c.AnyCommand] | None = None
    """Returns the command that writes an accepted delivery to the operation log. It is executed in the transaction that
    records the result."""
    after_refusal: Callable[[Delivery], timedelta] | None = None
    """Returns how long to wait after a refusal, whose cause somebody may mend; without it, a refusal gives up."""


class ClaimLost(Exception):
    """Another worker has taken an effect over, so that this one must not go on with it."""


Couriers = Mapping[Destination | DestinationKind, Courier]
"""Couriers by destination. The courier of a kind serves the destinations of that kind without one of their own."""


def back_off_forever(delivery: Delivery) -> timedelta:
    """Return a delay of 1, 2, 4 … seconds, at most five minutes. The attempts have no end."""
    return timedelta(seconds=min(300, 2 ** min(delivery.attempts - 1, 9)))


def persistent(delivery: Delivery) -> timedelta:
    """Wait 2, 4, 8 … seconds, at most an hour, for ever: a refusal ends when somebody mends its cause."""
    return timedelta(seconds=min(3600, 2 ** min(delivery.attempts, 12)))


@dataclass(slots=True)
class _InProgress:
    """A delivery in progress, and when the lease of its claim ends."""

    delivery: Delivery
    lease_end: datetime

    def is_renewable(self, now: datetime) -> bool:
        """Return whether the claim has to be renewed: it is some seconds old, or the clock was set back since."""
        return not LEASE - _RENEWAL < self.lease_end - now <= LEASE


@dataclass(frozen=True, slots=True)
class _Batch:
    """What an exchange tells the outbox: results, claims that are given up, and claims to renew."""

    results: list[Settled]
    notes: list[c.AnyCommand]
    given_up: list[Claim]
    renewals: list[Claim]


class DeliveryWorker:
    """Delivers the effects in the outbox until it is stopped."""

    def __init__(self, store: Store, clock: Clock, couriers: Couriers, engine: Engine) -> None:
        self._store, self._clock, self._couriers, self._engine = store, clock, couriers, engine
        self._wakeup = asyncio.Event()
        self._results: list[Settled] = []
        self._notes: list[c.AnyCommand] = []
        self._given_up: list[Claim] = []
        self._deliveries: dict[asyncio.Task[None], _InProgress] = {}
        self._claims_from = 0.0
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Start the loop that delivers effects."""
        self._loop = asyncio.create_task(self._run(), name="delivery")

    def wake(self) -> None:
        """Read the outbox now instead of after the interval."""
        self._wakeup.set()

    async def stop(self, grace: float = 10.0) -> None:
        """Claim no more effects, deliver the claimed ones within `grace` seconds, and record the results in as many.

        What is not delivered by then is released for other workers. This waits for the loop and not for the present
        deliveries, since a claim in progress adds more of them. What was delivered and could not be recorded is
        delivered again by the next worker.
        """
        self._stopping = True
        self.wake()
        if self._loop is None:
            return
        await asyncio.wait({self._loop}, timeout=grace)
        for task in self._deliveries:
            task.cancel()
        await asyncio.wait({self._loop}, timeout=grace)
        if self._loop.cancel():
            log.error("%s deliveries could not be recorded before the end, and will be repeated", len(self._results))
        with suppress(asyncio.CancelledError):
            await self._loop

    async def _run(self) -> None:
        failing = False
        while not (self._stopping and not self._deliveries and not self._results and not self._given_up):
            self._wakeup.clear()
            try:
                for delivery in await self._exchange():
                    self._start_delivery(delivery)
            except FabuError as error:
                if not failing:
                    log.warning("the outbox cannot be read or written: %s", error)
                failing = True
                await asyncio.sleep(POLL_INTERVAL)
                self._claims_from = asyncio.get_running_loop().time() + _FIRST_CLAIM
            else:
                if failing:
                    log.info("the outbox can be read and written again")
                failing = False
            if self._deliveries or not self._stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wakeup.wait(), POLL_INTERVAL)

    async def _exchange(self) -> list[Delivery]:
        """Record the results, renew claims and claim effects in one transaction; return the claimed ones."""
        quiet = await self._engine.pressure.wait_until_quiet(PRESSURE_TIMEOUT)
        free = self._free(MAX_PER_DESTINATION if quiet else MAX_UNDER_PRESSURE)
        counts = Counter(each.delivery.effect.destination for each in self._deliveries.values())
        busy = [destination for destination, count in counts.items() if count >= MAX_PER_DESTINATION]
        batch = self._take_batch()
        if not free and not any((batch.results, batch.given_up, batch.renewals)):
            return []

        def exchange(writing: Writing) -> tuple[Sequence[str], datetime, set[Claim], list[Delivery]]:
            now = self._clock.now()  # the transaction may have waited, or be repeated
            changed = self._engine.note(writing, batch.notes)  # first: all transactions lock plans before effects
            lost = _record(writing, batch, now)
            return changed, now, lost, writing.outbox.claim(now, LEASE, free, busy) if free else []

        try:
            changed, now, lost, claimed = await self._store.write(exchange)
        except FabuError:
            self._put_back(batch)
            raise
        self._engine.notify_listeners(changed)
        self._abandon(lost)
        for each in self._deliveries.values():
            if each.delivery.claim in batch.renewals:
                each.lease_end = now + LEASE
        if claimed and len(claimed) == free:
            self.wake()  # more effects may be due
        return claimed

    def _free(self, limit: int) -> int:
        """Return how many effects may be claimed now."""
        if self._stopping or asyncio.get_running_loop().time() < self._claims_from:
            return 0
        return min(MAX_DELIVERIES - len(self._deliveries), limit)

    def _take_batch(self) -> _Batch:
        now, ended = self._clock.now(), {result.claim for result in self._results}
        renewable = [each.delivery.claim for each in self._deliveries.values() if each.is_renewable(now)]
        renewals = [claim for claim in renewable if claim not in ended]
        batch = _Batch(self._results, self._notes, self._given_up, renewals)
        self._results, self._notes, self._given_up = [], [], []
        return batch

    def _put_back(self, batch: _Batch) -> None:
        self._results, self._notes = batch.results + self._results, batch.notes + self._notes
        self._given_up = batch.given_up + self._given_up

    def _abandon(self, lost: set[Claim]) -> None:
        """End the deliveries that another worker has taken over."""
        for task, each in list(self._deliveries.items()):
            if each.delivery.claim in lost:
                del self._deliveries[task]
                task.cancel()
        self._results = [result for result in self._results if result.claim not in lost]
        if lost:
            log.warning(
                "%s deliveries were taken over by another server, since this one did not renew its claims in time:"
                " their results are not recorded here",
                len(lost),
            )

    def _start_delivery(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deliver(delivery), name=f"deliver {delivery.effect.id}")
        self._deliveries[task] = _InProgress(delivery, delivery.due_at or self._clock.now())
        task.add_done_callback(self._end_delivery)

    def _end_delivery(self, task: asyncio.Task[None]) -> None:
        ended = self._deliveries.pop(task, None)
        if ended and task.cancelled():
            self._given_up.append(ended.delivery.claim)
        self.wake()

    async def _deliver(self, delivery: Delivery) -> None:
        destination = delivery.effect.destination
        courier = self._couriers.get(destination) or self._couriers.get(destination.kind)
        started, began = self._clock.now(), time.monotonic()
        try:
            outcome = await self._attempt(courier, delivery)
        except ClaimLost:
            self._abandon({delivery.claim})
            return
        ms = int((time.monotonic() - began) * 1000)
        result = await self._result_of(outcome, delivery, courier, started, ms)
        self._results.append(result)
        if result.due_at:
            self._wake_at(result.due_at)
        if courier and courier.note and isinstance(outcome, Receipt):
            self._notes.append(courier.note(delivery))

    async def _result_of(
        self,
        outcome: Receipt | Deferred | DeliveryError,
        delivery: Delivery,
        courier: Courier | None,
        started: datetime,
        ms: int,
    ) -> Settled:
        """Return what to record of an attempt. A rate limit ends no attempt: it is kept, and the effect stays due."""
        claim = delivery.claim
        match outcome:
            case Receipt(status, answer):
                return Settled(claim, DeliveryState.DONE, Attempt(started, ms, status, NO_MESSAGE, answer))
            case Deferred(due_at, holds, failure):
                attempt = _failed_attempt(failure, started, ms) if failure else None
                return Settled(claim, DeliveryState.PENDING, attempt, due_at, holds)
            case DeliveryError(limited=True):
                due_at = self._clock.now() + timedelta(seconds=outcome.retry_after or POLL_INTERVAL)
                log.info("delivery to %s waits until %s: %s", delivery.effect.destination, due_at, outcome)
                return Settled(claim, DeliveryState.PENDING, None, due_at, delivery.holds)
            case DeliveryError():
                state, next_at = await self._handle_failure(delivery, courier, outcome)
                return Settled(claim, state, _failed_attempt(outcome, started, ms), next_at, delivery.holds)
            case _:
                assert_never(outcome)

    async def _attempt(self, courier: Courier | None, delivery: Delivery) -> Receipt | Deferred | DeliveryError:
        """Deliver an effect; return the response, what is left of it, or the error."""
        effect = delivery.effect
        try:
            return await (courier.deliver if courier else _refuse)(delivery)
        except ClaimLost:
            raise
        except NotFound:
            log.info("effect %s has nothing to deliver any more: its plan was deleted", effect.id)
            return Receipt()
        except DeliveryError as error:
            return error
        except Unavailable as error:
            return DeliveryError("the database", error.as_message(), retryable=True)
        except Exception as error:
            log.exception("effect %s (%s) failed", effect.id, effect.destination)
            reason = Message("an error that was not foreseen: {error}", {"error": type(error).__name__})
            return DeliveryError(str(effect.destination), reason, retryable=True)

    def _wake_at(self, due_at: datetime) -> None:
        """Read the outbox when a delivery is due again, so that no turn of a rate limit is missed."""
        seconds = max(0.0, (due_at - self._clock.now()).total_seconds())
        asyncio.get_running_loop().call_later(seconds + _WAKE_LATE, self.wake)

    async def _handle_failure(
        self, delivery: Delivery, courier: Courier | None, error: DeliveryError
    ) -> tuple[DeliveryState, datetime | None]:
        """Return the new state of a delivery whose attempt failed, and when the next attempt is due."""
        destination = delivery.effect.destination
        delay_of = courier and (courier.backoff if error.retryable else courier.after_refusal)
        backoff = delay_of(delivery) if delay_of else None
        if backoff is not None:
            delay = max(backoff, timedelta(seconds=error.retry_after or 0))
            log.info("delivery to %s failed, the next attempt is in %s: %s", destination, delay, error)
            return DeliveryState.PENDING, self._clock.now() + delay
        if courier and courier.on_failure and not await _record_failure(courier.on_failure, delivery, error):
            return DeliveryState.PENDING, self._clock.now() + back_off_forever(delivery)
        log.warning("delivery %s to %s failed and is not retried: %s", delivery.effect.id, destination, error)
        return DeliveryState.DEAD, None


def _record(writing: Writing, batch: _Batch, now: datetime) -> set[Claim]:
    """Tell the outbox what a batch says; return the claims that were lost to another worker."""
    lost = writing.outbox.settle(batch.results) if batch.results else set()
    if batch.given_up:
        writing.outbox.release(batch.given_up, now)
    if batch.renewals:
        lost |= {*batch.renewals} - writing.outbox.renew(batch.renewals, now + LEASE)
    return lost


async def _record_failure(
    on_failure: Callable[[Delivery, DeliveryError], Awaitable[None]], delivery: Delivery, error: DeliveryError
) -> bool:
    """Have the last failure recorded, unless its plan was deleted or has moved on. Return whether that is done."""
    try:
        await on_failure(delivery, error)
    except Unavailable as outage:
        log.warning("the failure of delivery %s cannot be recorded yet: %s", delivery.effect.id, outage)
        return False
    except FabuError as over:
        log.info("the failure of delivery %s concerns nobody any more: %s", delivery.effect.id, over)
    except Exception:
        log.exception("the failure of delivery %s cannot be recorded", delivery.effect.id)
        return False
    return True


def _failed_attempt(error: DeliveryError, started: datetime, ms: int) -> Attempt:
    return Attempt(started, ms, error.status, error.as_message(), error.answer)


async def _refuse(delivery: Delivery) -> Receipt:
    """Raise the DeliveryError of a destination that no courier serves."""
    reason = Message("it is not enabled in the settings")
    raise DeliveryError(str(delivery.effect.destination), reason, retryable=False)
