"""The store in the memory of the process, for tests and demonstrations: it is lost when the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from adapters.store.memory.reading import MemoryReading
from adapters.store.memory.state import State
from adapters.store.memory.writing import MemoryWriting
from core.ports.clock import Clock
from core.ports.store import Reading, Writing

T = TypeVar("T")


class MemoryStore:
    """Implements `Store`. Functions run on the event loop's thread, one after the other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state = State()

    async def write(self, work: Callable[[Writing], T]) -> T:
        """See `Store.write`. The function changes a copy, which replaces the state when the function succeeds."""
        await asyncio.sleep(0)
        state = self._state.copy()
        result = work(MemoryWriting(state, self._clock))
        self._state = state
        return result

    async def read(self, query: Callable[[Reading], T]) -> T:
        """See `Store.read`."""
        await asyncio.sleep(0)
        return query(MemoryReading(self._state))

    def listen(self, notify: Callable[[], None]) -> None:
        """See `Store.listen`. There are no other replicas."""

    async def close(self) -> None:
        """See `Store.close`. There is nothing to close."""
