"""A simulator in a thread of its own, so that a client that blocks its event loop cannot block the other side too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any, TypeVar

from tests.waiting import PATIENCE

from .base import Simulator

T = TypeVar("T")


class ThreadSimulator(Simulator):
    """Like `Simulator`, served by another event loop; what is awaited on it may be awaited from any loop."""

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=type(self).__name__, daemon=True)

    async def start(self) -> None:
        """Start the thread, bind and serve."""
        self._thread.start()
        await self.there(super().start())

    async def stop(self) -> None:
        """Close the server and end the thread, once."""
        if self._loop.is_closed():
            return
        await self.there(self.disconnect())
        await self.there(super().stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()

    async def disconnect(self) -> None:
        """End the connections that are held open; runs in the simulator's own loop."""

    async def until(self, condition: Callable[[], T | None], seconds: float = PATIENCE) -> T:
        """Wait until `condition` is truthy, looking after every call; return its value or raise TimeoutError."""
        return await self.there(super().until(condition, seconds))

    async def there(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the simulator's own loop and return its result."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))
