"""Polling in tests, for changes without a notification."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds after which waiting fails: long enough for a machine with five times the work that it can do."""
_PAUSE = 0.02


async def eventually(ask: Callable[..., Awaitable[T]], *args: Any, wanted: Callable[[T], object]) -> T:
    """Call `ask` repeatedly until its result is `wanted`; return the result."""
    found = await ask(*args)
    try:
        async with asyncio.timeout(PATIENCE):
            while not wanted(found):
                await asyncio.sleep(_PAUSE)
                found = await ask(*args)
    except TimeoutError:
        raise AssertionError(f"it stays {found!r}") from None
    return found


async def until(condition: Callable[[], T | None]) -> T:
    """Call `condition` repeatedly until its result is true; return the result."""

    async def look() -> T | None:
        return condition()

    found = await eventually(look, wanted=bool)
    assert found is not None
    return found
