"""What a click costs on a large plan, and beside many plans."""

from __future__ import annotations

from contextlib import AsyncExitStack

from tests.benchmarks.comparing import Row, Size, compared, fabu
from tests.benchmarks.processes import started

ITEMS = 1000


async def run(*, quick: bool) -> list[Row]:
    """Return the cost of a click as a multiple of that on a plan of one item in an empty store."""
    size = Size(5, 100, 2) if quick else Size(5, 200, 3)
    stored = 10_000 if quick else 100_000
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(started("-m", "tests.benchmarks.sink"))
        servers = [
            await stack.enter_async_context(fabu("plain", sink, size)),
            await stack.enter_async_context(fabu("items", sink, size, items=ITEMS)),
            await stack.enter_async_context(fabu("stored", sink, size, stored=stored)),
        ]
        found = await compared(servers, size)
    rates = {name: figures.rate for name, figures in found.items()}
    return [
        Row(f"cost of a click with {what}", rates["plain"] / rates[name], "<= 1.3", f"{rates[name]:.0f}/s")
        for name, what in (("items", f"{ITEMS} items in the plan"), ("stored", f"{stored} plans stored"))
    ]
