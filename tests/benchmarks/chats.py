"""Clicks in the three chats, each on a Fabu that has this chat alone; and callbacks of external systems."""

from __future__ import annotations

from contextlib import AsyncExitStack

from tests.benchmarks.comparing import Row, Size, compared, fabu
from tests.benchmarks.processes import started

_KINDS = {
    "feishu": ("click in Feishu", "<= 1.5"),
    "dingtalk": ("click in DingTalk", "<= 1.5"),
    "hooks": ("callback", "<= 1.25"),
}
"""What is compared with a click in Slack, and how much more it may cost."""


async def run(*, quick: bool) -> list[Row]:
    """Return what a request of each kind costs, as a multiple of a click in Slack."""
    size = Size(5, 100, 2) if quick else Size(5, 200, 3)
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(started("-m", "tests.benchmarks.sink"))
        servers = [await stack.enter_async_context(fabu(kind, sink, size, kind=kind)) for kind in ("slack", *_KINDS)]
        found = await compared(servers, size)
    rates = {kind: figures.rate for kind, figures in found.items()}
    return [
        Row(f"cost of a {name}, against a click in Slack", rates["slack"] / rates[kind], target, f"{rates[kind]:.0f}/s")
        for kind, (name, target) in _KINDS.items()
    ]
