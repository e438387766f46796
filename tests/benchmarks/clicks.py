"""Clicks: signed approvals from Slack, each durable before it is answered, beside what other bots do with them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from tests.benchmarks.comparing import Row, Size, compared, fabu, peer
from tests.benchmarks.errbot_peer import errbot, installed
from tests.benchmarks.processes import started


async def run(*, quick: bool) -> list[Row]:
    """Return Fabu's rate and median wait as shares of the peers'. Its deliveries go on meanwhile, to a sink."""
    size = Size(20, 400, 3) if quick else Size(50, 800, 3)
    missing = await asyncio.to_thread(installed)
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(started("-m", "tests.benchmarks.sink"))
        servers = [await stack.enter_async_context(fabu("fabu", sink, size))]
        servers += [await stack.enter_async_context(peer(name, sink, size)) for name in ("usual", "noop")]
        if not missing:
            servers.append(await stack.enter_async_context(errbot(sink, size)))
        found = await compared(servers, size)
    ours = found["fabu"]

    def against(name: str) -> tuple[float, str]:
        return ours.rate / found[name].rate, f"{ours.rate:.0f}/s; {found[name].rate:.0f}/s"

    ratio, note = against("usual")
    rows = [Row("click, against the usual way, 16 connections", ratio, ">= 4", note)]
    ratio, note = against("noop")
    rows.append(Row("click, against slack-bolt doing nothing", ratio, ">= 1", note))
    ratio, note = (float("nan"), missing) if missing else against("errbot")
    rows.append(Row("click, against errbot, which is not durable", ratio, ">= 1", note))
    waits = f"{ours.p50:.2f} ms; {found['usual'].p50:.2f} ms"
    return [*rows, Row("median wait against the usual way, 1 connection", ours.p50 / found["usual"].p50, "< 1", waits)]
