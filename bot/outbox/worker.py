"""The worker of the outbox: takes due effects, delivers them, and records how it went.

Effects of one plan and destination go one after the other; different ones go side by side, so that a slow destination
delays no other. Claims and results are written in batches. While requests crowd in, only a few effects are taken at a
time: what is shown may lag a moment, decisions may not. Delivery is at least once: a sender that dies leaves its
claim to expire, and the effect comes again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import commands as c
from core.effects import Destination, DestinationKind
from core.engine import Engine
from core.errors import DeliveryError, FabuError, NotFound, Unavailable
from core.messages import NO_MESSAGE, Message
from core.ports.clock import Clock
from core.ports.outbox import Attempt, Delivery, DeliveryState, Settled
from core.ports.store import Store, Writing

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
IDLE = 1.0
"""Seconds between looks at the outbox when nothing wakes the worker."""
AT_ONCE = 128
PER_DESTINATION = 32
PATIENCE = 0.5
"""Seconds that the worker waits for other requests to pass before it takes a few effects nevertheless."""
FEW = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """What the other side answered to a delivery that it took."""

    status: int = 0
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Courier:
    """How the effects of a destination are delivered. Each callback is given the delivery with its present try."""

    deliver: Callable[[Delivery], Awaitable[Sent]]
    """Sends an effect and returns the answer. Raises DeliveryError when the other side did not take it, NotFound when
    there is nothing left to send; may be called again for an effect that was sent, by a server that died since."""
    backoff: Callable[[Delivery], timedelta | None]
    """Returns how long to wait after a failed try that may be repeated; None gives the effect up."""
    given_up: Callable[[Delivery, DeliveryError], Awaitable[None]] | None = None
    """Is called once an effect will not be tried again, before that is recorded; not for one that was taken."""
    note: Callable[[Delivery], c.AnyCommand] | None = None
    """Returns the command that logs an effect that was taken, executed in the transaction that records it."""
    after_refusal: Callable[[Delivery], timedelta] | None = None
    """Returns how long to wait after a refusal, whose cause somebody may mend; without it, a refusal gives up."""


Couriers = Mapping[Destination | DestinationKind, Courier]
"""Couriers by the destinations that they serve; that of a kind serves all of it that have none of their own."""


def patient(delivery: Delivery) -> timedelta:
    """Wait 1, 2, 4 … seconds, at most five minutes, for ever: what a chat shows must be right in the end."""
    return timedelta(seconds=min(300, 2 ** min(delivery.attempts - 1, 9)))


def persistent(delivery: Delivery) -> timedelta:
    """Wait 2, 4, 8 … seconds, at most an hour, for ever: a refusal ends when somebody mends its cause."""
    return timedelta(seconds=min(3600, 2 ** min(delivery.attempts, 12)))


class DeliveryWorker:
    """Delivers effects until it is stopped."""

    def __init__(self, store: Store, clock: Clock, couriers: Couriers, engine: Engine) -> None:
        self._store, self._clock, self._couriers, self._engine = store, clock, couriers, engine
        self._wakeup = asyncio.Event()
        self._results: list[Settled] = []
        self._notes: list[c.AnyCommand] = []
        self._going: dict[asyncio.Task[None], Destination] = {}
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to deliver."""
        self._loop = asyncio.create_task(self._run(), name="delivery")

    def wake(self) -> None:
        """Look at the outbox now."""
        self._wakeup.set()

    async def stop(self, grace: float = 10.0) -> None:
        """Stop taking effects, let those that were taken finish within the grace (seconds), and record the results.

        The loop is waited for, not the deliveries of this moment: effects that are being taken begin a little later.
        """
        self._stopping = True
        self.wake()
        if self._loop is None:
            return
        await asyncio.wait({self._loop}, timeout=grace)
        for task in self._going:
            task.cancel()
        await self._loop

    async def _run(self) -> None:
        while not (self._stopping and not self._going and not self._results):
            self._wakeup.clear()
            try:
                for delivery in await self._exchange():
                    self._begin(delivery)
            except FabuError as error:
                log.warning("the outbox cannot be read: %s", error)
                await asyncio.sleep(IDLE)
            if self._going or not self._stopping:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wakeup.wait(), IDLE)

    async def _exchange(self) -> list[Delivery]:
        """Record the results and take new effects, in one transaction."""
        at_most = PER_DESTINATION if await self._engine.pressure.wait_until_quiet(PATIENCE) else FEW
        results, self._results = self._results, []
        notes, self._notes = self._notes, []
        free = 0 if self._stopping else min(AT_ONCE - len(self._going), at_most)
        count = Counter(self._going.values())
        busy = [destination for destination, number in count.items() if number >= PER_DESTINATION]
        now = self._clock.now()
        if not results and not free:
            return []

        def exchange(writing: Writing) -> tuple[Sequence[str], list[Delivery]]:
            changed = self._engine.note(writing, notes)  # first, as commits lock plans before effects
            if results:
                writing.outbox.settle(results)
            return changed, writing.outbox.claim(now, LEASE, free, busy) if free else []

        try:
            changed, claimed = await self._store.write(exchange)
        except FabuError:
            self._results, self._notes = results + self._results, notes + self._notes
            raise
        self._engine.notify_listeners(changed)
        if claimed and len(claimed) == free:
            self.wake()  # there may be more, for others than these
        return claimed

    def _begin(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._deliver(delivery), name=f"deliver {delivery.effect.id}")
        self._going[task] = delivery.effect.destination
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._going.pop(task, None)
        self.wake()

    async def _deliver(self, delivery: Delivery) -> None:
        effect = delivery.effect
        courier = self._couriers.get(effect.destination) or self._couriers.get(effect.destination.kind)
        started = self._clock.now()
        state, due_at, sent, failure = DeliveryState.DONE, None, Sent(), None
        try:
            sent = await (courier.deliver if courier else _nowhere)(delivery)
        except NotFound:
            log.info("effect %s is about a plan that was deleted", effect.id)
        except DeliveryError as error:
            failure = error
        except Unavailable as error:
            failure = DeliveryError("the database", error.as_message(), retryable=True)
        except Exception as error:
            log.exception("effect %s (%s) failed", effect.id, effect.destination)
            reason = Message("an error that was not foreseen: {error}", {"error": type(error).__name__})
            failure = DeliveryError(str(effect.destination), reason, retryable=True)
        if failure:
            state, due_at = await self._failed(delivery, courier, failure)
            sent = Sent(failure.status, failure.answer)
        now = self._clock.now()
        ms, why = int((now - started).total_seconds() * 1000), failure.as_message() if failure else NO_MESSAGE
        attempt = Attempt(started, ms, sent.status, why, sent.answer)
        self._results.append(Settled(effect.id, state, attempt, due_at))
        if courier and courier.note and not failure:
            self._notes.append(courier.note(delivery))

    async def _failed(
        self, delivery: Delivery, courier: Courier | None, error: DeliveryError
    ) -> tuple[DeliveryState, datetime | None]:
        again = courier and (courier.backoff if error.retryable else courier.after_refusal)
        wait = again(delivery) if again else None
        if wait is not None:
            asked = timedelta(seconds=error.retry_after or 0)
            log.info("delivery to %s waits %s: %s", delivery.effect.destination, max(wait, asked), error)
            return DeliveryState.PENDING, self._clock.now() + max(wait, asked)
        log.warning("delivery %s to %s is given up: %s", delivery.effect.id, delivery.effect.destination, error)
        if courier and courier.given_up:
            await courier.given_up(delivery, error)
        return DeliveryState.DEAD, None


async def _nowhere(delivery: Delivery) -> Sent:
    reason = Message("it is not enabled in the settings")
    raise DeliveryError(str(delivery.effect.destination), reason, retryable=False)
