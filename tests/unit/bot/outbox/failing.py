"""A store that can be read or written only while a test allows it, and a desk with a worker on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from adapters.store.open import open_store
from bot.outbox.worker import Couriers, DeliveryWorker
from core.effects import Effect
from core.errors import Unavailable
from core.ports.outbox import Attempt, Delivery
from core.ports.store import Reading, Store, Writing
from tests.clock import ManualClock
from tests.contract.store.offices import POLICY, Office
from tests.waiting import until
from tests.worlds import START

T = TypeVar("T")


class FailingStore:
    """A store that is away for a number of transactions, as while its database is started again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.listen, self.close = store.listen, store.close
        self.writable, self.readable = asyncio.Event(), asyncio.Event()
        self.writable.set()
        self.readable.set()
        self.refused = 0
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        """What happens once, after the next transaction and before its caller goes on."""

    async def write(self, work: Callable[[Writing], T]) -> T:
        self._check(self.writable)
        written = await self._store.write(work)
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            await meanwhile()
        return written

    async def read(self, query: Callable[[Reading], T]) -> T:
        self._check(self.readable)
        return await self._store.read(query)

    def _check(self, allowed: asyncio.Event) -> None:
        if not allowed.is_set():
            self.refused += 1
            raise Unavailable


class Desk:
    """An office whose database can be away, and a worker that delivers to some couriers."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.plain = open_store("memory://", b"k" * 32, self.clock)
        self.store = FailingStore(self.plain)
        self.office = Office(self.store, self.clock, replace(POLICY, hooks={}, destinations=()))
        self.worker: DeliveryWorker | None = None

    def start(self, couriers: Couriers) -> DeliveryWorker:
        """Start a worker; the test stops it."""
        self.worker = DeliveryWorker(self.store, self.clock, couriers, self.office.engine)
        self.worker.start()
        return self.worker

    async def add(self, effect: Effect) -> None:
        await self.plain.write(lambda writing: writing.outbox.add([effect]))
        if self.worker:
            self.worker.wake()

    async def delivery(self, effect_id: str) -> Delivery:
        [found] = await self.plain.read(lambda reading: reading.deliveries.by_ids([effect_id]))
        return found

    async def attempts(self, effect_id: str) -> list[Attempt]:
        return await self.plain.read(lambda reading: reading.deliveries.attempts(effect_id))

    async def until_refused(self, more: int = 1) -> None:
        """Wait until the store has refused so many more transactions."""
        wanted = self.store.refused + more
        await until(lambda: self.store.refused >= wanted)
