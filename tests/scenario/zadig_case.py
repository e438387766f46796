"""A running Fabu beside a simulated Zadig, and people who use it over HTTP."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from config.settings import Settings
from tests.fixtures import hook_example
from tests.scenario.office import Fabu, opened
from tests.simulators.zadig import Zadig
from tests.simulators.zadig_plans import HookSetting, Plan
from tests.simulators.zadig_workflows import stored_workflow
from tests.waiting import PATIENCE

Json = dict[str, Any]
HOOK_TOKEN = "hook secret"
ADDRESSES = ("/zadig/hook", "/runners/zadig/push")
PEOPLE = ("alice", "bob", "carol", "root")


class Case:
    """One Fabu and one Zadig."""

    def __init__(self, running: Fabu, zadig: Zadig) -> None:
        self.running, self.url, self.services, self.zadig = running, running.url, running.services, zadig
        self._committed = asyncio.Event()
        running.services.engine.listen(lambda _: self._committed.set())

    async def ask(self, method: str, path: str, person: str = "alice", body: Any = None) -> tuple[int, Any]:
        """Send a request as a person; return the status and the JSON of the response."""
        return await self.running.request(method, path, body, by=person)

    async def do(self, path: str, body: Any = None, *, by: str = "alice") -> Json:
        """Send a POST request, which must succeed; return the JSON of the response."""
        answer: Json = await self.running.api("POST", path, {} if body is None else body, by=by)
        return answer

    async def plan(self, plan_id: str) -> Json:
        """Return the present plan."""
        plan: Json = await self.running.api("GET", f"/plans/{plan_id}")
        return plan

    async def plans(self) -> list[Json]:
        """Return all plans, the newest first."""
        return list((await self.running.api("GET", "/plans"))["items"])

    async def until(self, plan_id: str, condition: Callable[[Json], bool], seconds: float = PATIENCE) -> Json:
        """Wait until a plan fulfils a condition; return the plan."""

        async def look() -> Json | None:
            plan = await self.plan(plan_id)
            return plan if condition(plan) else None

        return await self.until_found(look, seconds)

    async def until_found(self, look: Callable[[], Awaitable[Json | None]], seconds: float = PATIENCE) -> Json:
        """Call `look` after every commit until its result is true; return the result."""
        async with asyncio.timeout(seconds):
            while True:
                self._committed.clear()
                if (found := await look()) is not None:
                    return found
                await self._committed.wait()

    async def push(self, body: Json, token: str = HOOK_TOKEN, address: str = ADDRESSES[0]) -> int:
        """Send a hook body as Zadig; return the status."""
        headers = {"X-Zadig-Token": token}
        async with self.running.session.post(self.url + address, json=body, headers=headers) as response:
            return response.status

    def hook(self, *events: str, address: str = ADDRESSES[0]) -> HookSetting:
        """Return the settings for Zadig's hooks to Fabu."""
        return HookSetting(self.url + address, HOOK_TOKEN, frozenset(events))


def zadigs_plan(name: str = "release 52", manager: str = "patrick") -> Plan:
    workflow = stored_workflow()
    workflow["params"][0] |= {"value": "2.0"}
    workflow["params"][1] |= {"value": "hunter2", "is_credential": True, "type": "string"}
    spec = {"workflow": workflow, "status": "prepare", "task_id": 0}
    job = {"id": "j1", "name": "deploy all", "type": "workflow", "spec": spec, "status": "todo", "executed_time": 0}
    return Plan("68b7ec363306e52e21b2dbe6", name, jobs=[job], manager=manager)


def examples(zadig: Zadig) -> list[Json]:
    """Add the workflows of the document's example to Zadig; return its items."""
    items: list[Json] = []
    for job in hook_example()["release_plan"]["jobs"]:
        item = {"key": f"i{len(items)}", "name": job["name"], "type": job["type"]}
        if job["type"] == "text":
            items.append(item | {"content": job["spec"]["content"]})
            continue
        workflow = job["spec"]["workflow"]
        items.append(item | {"runner": "zadig", "project": workflow["project"], "workflow": workflow})
        stored = copy.deepcopy(workflow) | {"id": f"id-{item['key']}", "hash": "h", "enable_approval_ticket": False}
        stored["params"] = [{"name": "release_plan_ref", "type": "string", "value": ""}]
        for stored_job in (job for stage in stored["stages"] for job in stage["jobs"]):
            stored_job["skipped"] = False
        zadig.workflows[workflow["name"]] = stored
    return items


@asynccontextmanager
async def case(folder: Path, running: Zadig | None = None, **zadig_settings: Any) -> AsyncIterator[Case]:
    """Run Fabu with Alice (plans), Bob and Carol (approve) and Root (administrator), and a Zadig if none is running."""
    async with AsyncExitStack() as stack:
        zadig = running if running else await stack.enter_async_context(Zadig())
        settings = Settings.model_validate(
            {
                "database": {"url": f"sqlite:///{folder}/fabu.db"},
                "server": {"language": "en"},
                "auth": {"admins": ["root"]},
                "approval": {"required": "none"},
                "people": [{"id": person, "name": person.title()} for person in PEOPLE],
                "groups": [{"id": "sre", "members": ["bob", "carol"]}],
                "local": {"enabled": False},
                "zadig": {"url": zadig.url, "token": zadig.token, "hook_token": HOOK_TOKEN, **zadig_settings},
            }
        )
        yield Case(await stack.enter_async_context(opened(settings)), zadig)
