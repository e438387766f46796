"""People who release while things go wrong: they repeat each request, with its key, until it is answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.scenario.office import Json, script, stage, step
from tests.soak.fleet import Fleet

_TIMEOUT = ClientTimeout(total=8)
_AGAIN = 0.3
"""Seconds before a request is repeated."""
_LOOK = 0.2
"""Seconds between two looks at a run."""
_UNAVAILABLE = frozenset({429, 502, 503, 504})


@dataclass
class Release:
    """A plan, and how often each command on it was acknowledged, by the event that it causes."""

    number: int
    accepted: Counter[str] = field(default_factory=Counter)
    complete: bool = False


class Crowd:
    """Makes releases, one after the other, and several at a time; `faults` are the answers that nobody should get."""

    def __init__(self, fleet: Fleet, session: ClientSession, tokens: Mapping[str, str], starts: str) -> None:
        self._fleet, self._session, self._tokens, self._starts = fleet, session, tokens, starts
        self.releases: list[Release] = []
        self.faults: list[str] = []
        self.requests = 0

    async def work(self, until: float) -> None:
        """Begin releases until a moment of the monotonic clock, and bring each to its end."""
        while time.monotonic() < until:
            await self._release()

    async def ask(self, person: str, method: str, path: str, body: Any = None) -> Json:
        """Send a request until it is answered; return the answer. The key says that it is the same one."""
        headers = {"Authorization": f"Bearer {self._tokens[person]}"}
        if method == "POST":
            headers["Idempotency-Key"] = uuid4().hex
        while True:
            if not (url := self._fleet.url()):
                await asyncio.sleep(_AGAIN)
                continue
            self.requests += 1
            try:
                async with self._session.request(
                    method, f"{url}/api/v1{path}", json=body, headers=headers, timeout=_TIMEOUT
                ) as response:
                    answer: Json = await response.json()
            except (ClientError, TimeoutError, OSError):
                await asyncio.sleep(_AGAIN)
                continue
            if response.status in _UNAVAILABLE:
                await asyncio.sleep(_AGAIN)
                continue
            if response.status >= 300:
                self.faults.append(f"{method} {path}: {response.status} {answer}")
            return answer

    async def _release(self) -> None:
        line = f'echo "$FABU_PLAN $FABU_ITEM $FABU_ATTEMPT" >> {self._starts}; sleep 0.3'
        items = [script("migrate", line), script("deploy", line, needs=["migrate"]), step("check")]
        approval = {"stages": [stage("QA", "bob", channel="native")]}
        plan = await self.ask("alice", "POST", "/plans", {"name": "Soak", "items": items, "approval": approval})
        release, path = Release(plan["number"], Counter({"created": 1})), f"/plans/{plan['id']}"
        self.releases.append(release)
        await self._do(release, "submitted", "alice", f"{path}/submit")
        await self.ask("bob", "GET", path)
        await self._do(release, "voted", "bob", f"{path}/approve")
        for item in plan["items"]:
            await self._execute(release, path, item)
        release.complete = True

    async def _execute(self, release: Release, path: str, item: Json) -> None:
        """Execute an item until it is done: what failed or is unknown is retried by a person."""
        event = "run_requested" if item["type"] == "workflow" else "item_done"
        await self._do(release, event, "alice", f"{path}/items/{item['id']}/execute")
        while (status := await self._status(path, item["id"])) != "done":
            if status == "failed":
                await self._do(release, "run_requested", "alice", f"{path}/items/{item['id']}/retry")
            await asyncio.sleep(_LOOK)

    async def _status(self, path: str, item_id: str) -> str:
        items = (await self.ask("alice", "GET", path))["items"]
        return next(str(item["status"]) for item in items if item["id"] == item_id)

    async def _do(self, release: Release, event: str, person: str, path: str) -> None:
        await self.ask(person, "POST", path, {})
        release.accepted[event] += 1
