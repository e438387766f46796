"""A running Fabu that sends hooks to external systems, and its use over the API."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from bot.services import Services
from config.settings import Settings
from core.effects import DestinationKind
from core.ports.outbox import Attempt, Delivery
from core.ports.store import Reading
from tests.clock import ManualClock
from tests.scenario import office
from tests.simulators.receiver import Hook, Receiver
from tests.waiting import eventually

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NEXT_SECRET = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
TEXT = {"key": "notes", "name": "Notes", "type": "text", "content": "<p>by hand</p>"}


def endpoint(name: str, receiver: Receiver, **fields: Any) -> dict[str, Any]:
    """Return the settings of an endpoint."""
    keys = {"secret": receiver.secret or "", "zadig_token": receiver.token or ""}
    return {"name": name, "url": receiver.hook_url, **keys, **fields}


def values_for(
    folder: Path, *receivers: Receiver, callback: Mapping[str, str] | None = None, **hooks: Any
) -> dict[str, Any]:
    """Return settings in the format of a file, with an SQLite database and an endpoint `e0`, `e1` … per receiver."""
    endpoints = [endpoint(f"e{number}", receiver) for number, receiver in enumerate(receivers)]
    return {
        "database": {"url": f"sqlite:///{folder}/fabu.db"},
        "server": {"language": "en"},
        "auth": {"admins": ["root"]},
        "approval": {"required": "none"},
        "people": [{"id": "alice", "name": "Alice"}, {"id": "bob", "name": "Bob"}, {"id": "root", "name": "Root"}],
        "zadig": {"url": "http://127.0.0.1:9", "token": "t"},
        "hooks": {"endpoints": endpoints, "allow_internal": ["127.0.0.0/8"]} | hooks,
        "callback": callback or {},
    }


def settings_for(folder: Path, *receivers: Receiver, **others: Any) -> Settings:
    """Return the settings that `values_for` returns, parsed."""
    return Settings.model_validate(values_for(folder, *receivers, **others))


@dataclass(frozen=True)
class Fabu:
    """A running installation. Alice is the manager of all plans, Root an administrator."""

    running: office.Fabu
    clock: ManualClock

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self.running.url

    @property
    def session(self) -> ClientSession:
        """The client session of the tests."""
        return self.running.session

    @property
    def services(self) -> Services:
        """The services of the application."""
        return self.running.services

    async def call(self, method: str, path: str, by: str = "alice", **body: Any) -> Any:
        """Call the API as a person and return the JSON of the response, which must be a success."""
        return await self.running.api(method, path, body if method != "GET" else None, by=by)

    async def draft(self, *items: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """Create a plan without approval."""
        body = {"name": "Release", "items": items or [TEXT], **fields}
        plan: dict[str, Any] = await self.call("POST", "/plans", **body)
        return plan

    async def finished(self, *items: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """Create a plan without approval and finish its planning."""
        plan = await self.draft(*items, **fields)
        await self.call("POST", f"/plans/{plan['id']}/finish")
        return plan

    async def submitted(self, *items: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
        """Create and submit a plan without approval."""
        plan = await self.draft(*items, **fields)
        await self.call("POST", f"/plans/{plan['id']}/submit")
        return plan

    async def complete(self, plan: Mapping[str, Any]) -> None:
        """Execute all items of a plan, which are text items."""
        for item in plan["items"]:
            await self.call("POST", f"/plans/{plan['id']}/items/{item['id']}/execute", remark="done")

    async def status(self, plan: Mapping[str, Any]) -> str:
        """Return the present status of a plan."""
        status: str = (await self.call("GET", f"/plans/{plan['id']}"))["status"]
        return status

    async def log(self, plan: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
        """Return the events of a plan's log with their details."""
        entries = await self.services.store.read(lambda reading: reading.log.of_plan(plan["id"]))
        return [(entry.event, entry.details) for entry in entries]

    async def deliveries(self, plan: Mapping[str, Any]) -> list[tuple[Delivery, list[Attempt]]]:
        """Return the hooks of a plan with their attempts, oldest first."""

        def query(reading: Reading) -> list[tuple[Delivery, list[Attempt]]]:
            everything = reading.deliveries.page(plan["id"]).items
            found = [each for each in everything if each.effect.destination.kind is DestinationKind.HOOK]
            return [(delivery, reading.deliveries.attempts(delivery.effect.id)) for delivery in reversed(found)]

        return await self.services.store.read(query)

    async def settled(self, plan: Mapping[str, Any], attempts: int = 1) -> tuple[Delivery, list[Attempt]]:
        """Wait until a plan's newest hook has this number of attempts; return it with them."""
        return (await eventually(self.deliveries, plan, wanted=lambda found: len(found[-1][1]) >= attempts))[-1]

    async def answer(self, receiver: Receiver, hook: Hook, result: str = "success", **fields: Any) -> tuple[int, Any]:
        """Send the callback of an external system; return the status and the JSON of the response."""
        return await receiver.call_back(self.session, self.url, hook, result, **fields)

    async def pass_time(self, **duration: float) -> None:
        """Advance Fabu's clock and create a plan, whose commit makes Fabu look for due work."""
        self.clock.advance(timedelta(**duration))
        await self.draft()


@asynccontextmanager
async def fabu(settings: Settings, start: datetime | None = None) -> AsyncIterator[Fabu]:
    """Run Fabu on a free port of this machine."""
    clock = ManualClock(start or datetime.now(UTC))
    async with office.opened(settings, clock) as running:
        yield Fabu(running, clock)
