"""Clicks: signed approvals from Slack, each the vote that decides, durable before it is answered; beside other bots."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from tests.benchmarks.comparing import Measured, Row, Size, compared, fabu, peer
from tests.benchmarks.errbot_peer import errbot, installed
from tests.benchmarks.processes import started

_TARGETS = {16: {"usual": ">= 4", "noop": ">= 1"}, 64: {"usual": ">= 5", "noop": ">= 0.9"}}
_NAMES = {"usual": "the usual way", "noop": "slack-bolt doing nothing"}


async def run(*, quick: bool) -> list[Row]:
    """Return Fabu's rate, wait and CPU as shares of the peers'. Its deliveries go on meanwhile, to a sink."""
    size = Size(20, 400, 3) if quick else Size(50, 800, 3)
    missing = await asyncio.to_thread(installed)
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(started("-m", "tests.benchmarks.sink"))
        servers = [await stack.enter_async_context(fabu("fabu", sink, size))]
        servers += [await stack.enter_async_context(peer(name, sink, size)) for name in ("usual", "noop", "bare")]
        if not missing:
            servers.append(await stack.enter_async_context(errbot(sink, size)))
        found = await compared(servers, size)
    return [*_rates(found, missing), *_costs(found)]


def _rates(found: dict[str, Measured], missing: str) -> list[Row]:
    """Return the clicks a second, as shares of those of the peers."""
    ours, rows = found["fabu"], list[Row]()
    for connections, targets in _TARGETS.items():
        for peer_name, target in targets.items():
            rate, other = ours.rates[connections], found[peer_name].rates[connections]
            name = f"click, against {_NAMES[peer_name]}, {connections} connections"
            rows.append(Row(name, rate / other, target, f"{rate:.0f}/s; {other:.0f}/s"))
    ratio, note = float("nan"), missing
    if not missing:
        ratio, note = ours.rate / found["errbot"].rate, f"{ours.rate:.0f}/s; {found['errbot'].rate:.0f}/s"
    return [*rows, Row("click, against errbot, which is not durable", ratio, ">= 1", note)]


def _costs(found: dict[str, Measured]) -> list[Row]:
    """Return the wait of a click, and its CPU, as shares of those of peers."""
    ours, usual, bare = found["fabu"], found["usual"], found["bare"]
    waits = f"{ours.p50:.2f} ms; {usual.p50:.2f} ms"
    cpu = f"{ours.cpu[16]:.2f} ms; {bare.cpu[16]:.3f} ms"
    return [
        Row("median wait against the usual way, 1 connection", ours.p50 / usual.p50, "< 0.5", waits),
        Row("CPU of a click against a handler that does nothing", ours.cpu[16] / bare.cpu[16], "<= 9", cpu),
    ]
