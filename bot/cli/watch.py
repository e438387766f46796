"""`fabu plan show --watch`: the card of a plan that follows what happens to it."""

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
"""Seconds between two looks where events do not come through."""


async def follow(api: Api, ref: str, console: Console) -> PlanStatus:
    """Show the card of a plan and keep it up to date; return the status in which the plan is over."""
    plan = await api.fetch("GET", plan_path(ref))
    with Live(console=console, auto_refresh=False, vertical_overflow="visible") as live:
        async for _ in _moments(api, plan["id"]):
            status = PlanStatus((await api.fetch("GET", plan_path(plan["id"])))["status"])
            reply = reply_of(await api.fetch("POST", "/chat", body={"text": f"show {plan['number']}"}))
            live.update(reply_view(reply, numbered=False), refresh=True)
            if status in _OVER:
                return status
    raise AssertionError("there is always another moment")


async def _moments(api: Api, plan_id: str) -> AsyncIterator[None]:
    """Yield now and whenever the plan may have changed: at its events, and from time to time while there are none."""
    while True:
        yield
        try:
            async for event in api.events():
                if not event or event["plan_id"] == plan_id:
                    yield
        except Failure:
            # Polling goes on without the stream; a server that is gone is told by the next look at the plan.
            await asyncio.sleep(_POLL)
