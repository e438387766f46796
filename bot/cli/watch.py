"""`fabu plan show --watch`: shows the card of a plan and keeps it up to date."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from rich.console import Console
from rich.live import Live

from bot.cli.client import Api, plan_path, reply_of
from bot.cli.failure import Failure
from bot.cli.show import reply_view
from core.status import PlanStatus

_OVER = frozenset({PlanStatus.SUCCESS, PlanStatus.CANCEL, PlanStatus.DENIED, PlanStatus.TIMEOUT})
_POLL = 2.0
"""Seconds between two polls while there is no stream of events."""


async def follow(api: Api, ref: str, console: Console) -> PlanStatus:
    """Show the card of a plan and keep it up to date; return the status in which the plan is over."""
    plan = await api.fetch("GET", plan_path(ref))
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
        async for _ in _updates(api, plan["id"]):
            status = PlanStatus((await api.fetch("GET", plan_path(plan["id"])))["status"])
            reply = reply_of(await api.fetch("POST", "/chat", body={"text": f"show {plan['number']}"}))
            live.update(reply_view(reply, numbered=False), refresh=True)
            if status in _OVER:
                return status
    raise AssertionError("the updates of a plan never end")


async def _updates(api: Api, plan_id: str) -> AsyncIterator[None]:
    """Yield at once, and whenever the plan may have changed: at its events, or at each poll without a stream."""
    while True:
        yield
        try:
            async for event in api.events():
                if not event or event["plan_id"] == plan_id:
                    yield
        except Failure:
            # Poll while there is no stream. When the server is gone, the caller's next request fails.
            await asyncio.sleep(_POLL)
