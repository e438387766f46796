"""A running Fabu with the people alice, bob, carol, dave and erin, who use it over its API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from yarl import URL

from bot.app import run_app, serve_http
from bot.installation import derive, load_secret
from bot.people.tokens import new_token
from bot.services import SERVICES, Services
from config.settings import Settings
from core.audit import LogEntry, first_broken_entry
from core.ports.clock import Clock
from core.ports.store import Reading
from tests.waiting import eventually

Json = dict[str, Any]
PEOPLE = ("alice", "bob", "carol", "dave", "erin")
ADMIN = "dave"
GROUPS = [{"id": "sre", "members": ["carol", "erin"]}]
LINES_OF_SMALL_RELEASE = """\
Alice: started the plan
Alice: finished the planning
Alice: asked for approval
Bob: approved in stage QA
Stage QA is complete
The plan is approved
The plan may be executed now
Alice: completed “Notes”
The plan is complete""".splitlines()
"""The thread of a plan with one stage and one step that succeeded, without the head of the log."""


def written_for(folder: Path, people: Mapping[str, Mapping[str, Any]], **sections: Any) -> Json:
    """Return settings in the format of a file, with an SQLite database in a folder.

    `people` has the accounts of each person in a chat. Scripts are not isolated: they write where tests look.
    """
    sections["local"] = {"isolation": "none", **sections.get("local", {})}
    known = [{"id": name, "name": name.title(), **people.get(name, {})} for name in PEOPLE]
    return {
        "server": {"language": "en", "timezone": "UTC", "port": 0, "public_url": "https://fabu.example.com"},
        "database": {"url": f"sqlite:///{folder}/fabu.db"},
        "auth": {"admins": [ADMIN]},
        "approval": {"required": "none", "self_approval": True},
        "people": known,
        "groups": GROUPS,
        **sections,
    }


@dataclass(frozen=True)
class Fabu:
    """A running installation."""

    url: str
    services: Services
    session: ClientSession
    tokens: Mapping[str, str]

    async def request(self, method: str, path: str, body: Any = None, *, by: str = "") -> tuple[int, Any]:
        """Send a request, as a person if one is named; return the status and the JSON of the response."""
        headers = {"Authorization": f"Bearer {self.tokens[by]}"} if by else {}
        url = URL(self.url + path, encoded=True)
        async with self.session.request(method, url, json=body, headers=headers) as response:
            return response.status, await response.json() if response.status != 204 else None

    async def api(self, method: str, path: str, body: Any = None, *, by: str = "alice") -> Any:
        """Call the API as a person and return the JSON of the response, which must be a success."""
        status, answer = await self.request(method, f"/api/v1{path}", body, by=by)
        assert status < 300, answer
        return answer

    async def draft(self, *items: Json, stages: list[Json] | None = None, by: str = "alice", **fields: Any) -> Json:
        """Create a plan."""
        approval = {"stages": stages or [], **fields.pop("approval", {})}
        body = {"name": "Payments 2.4", "items": list(items) or [step("notes")], "approval": approval, **fields}
        plan: Json = await self.api("POST", "/plans", body, by=by)
        return plan

    async def submitted(self, *items: Json, stages: list[Json] | None = None, **fields: Any) -> Json:
        """Create a plan and submit it; return the plan after that."""
        plan = await self.draft(*items, stages=stages, **fields)
        submitted: Json = await self.api("POST", f"/plans/{plan['id']}/submit", {}, by=plan["manager"])
        return submitted

    async def plan(self, number: int = 1) -> Json:
        """Return the present plan."""
        plan: Json = await self.api("GET", f"/plans/{number}")
        return plan

    async def status(self, number: int = 1) -> str:
        """Return the status of a plan."""
        return str((await self.plan(number))["status"])

    async def item(self, key: str, number: int = 1) -> Json:
        """Return an item of a plan by its key."""
        return next(item for item in (await self.plan(number))["items"] if item["key"] == key)

    async def log(self, number: int = 1) -> list[LogEntry]:
        """Return a plan's operation log, whose hash chain must be valid."""

        def read(reading: Reading) -> list[LogEntry]:
            return reading.log.of_plan(reading.plans.id_of(str(number)), limit=100_000)

        entries = await self.services.store.read(read)
        assert first_broken_entry(entries, derive(load_secret(self.services.settings), "operation log")) is None
        return entries

    async def events(self, number: int = 1) -> list[str]:
        """Return the names of a plan's events, in order."""
        return [entry.event for entry in await self.log(number)]

    async def head(self, number: int = 1) -> str:
        """Return the sentence on the head of a plan's operation log."""
        last = (await self.log(number))[-1]
        return f"Operation log: {last.seq} entries, head {last.hash}"

    async def votes(self, number: int = 1) -> list[tuple[str, str, str]]:
        """Return the votes on a plan, in order: person, decision and comment."""
        stages = (await self.plan(number))["approval"]["stages"]
        return [(vote["person"], vote["decision"], vote["comment"]) for stage in stages for vote in stage["votes"]]

    async def until_seen(self, person: str, number: int = 1) -> None:
        """Wait until a person was shown the present revision of a plan: the approval card was delivered."""

        def read(reading: Reading) -> bool:
            plan = reading.plans.get(reading.plans.id_of(str(number)))
            return plan.revision in reading.seen.revisions(plan.id, person)

        await eventually(self.services.store.read, read, wanted=bool)

    async def until_status(self, status: str, number: int = 1) -> None:
        """Wait until a plan has a status."""
        await eventually(self.status, number, wanted=lambda found: found == status)


@asynccontextmanager
async def opened(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Fabu]:
    """Run Fabu on a free port, with a token for everybody in the settings."""
    async with run_app(settings, clock) as app, serve_http(app, "127.0.0.1", 0) as url, ClientSession() as session:
        services = app[SERVICES]
        made = {one.id: new_token(one.id, "test", services.clock, services.ids) for one in settings.people}
        for _, token in made.values():
            await services.store.write(lambda writing, token=token: writing.people.add_token(token))  # type: ignore[misc]
        yield Fabu(url, services, session, {person: secret for person, (secret, _) in made.items()})


def step(key: str, **fields: Any) -> Json:
    """Return a text item."""
    return {"key": key, "name": key.title(), "type": "text", "content": f"<p>How to {key}</p>", **fields}


def script(key: str, text: str, **fields: Any) -> Json:
    """Return an item that runs a bash script."""
    return _workflow(key, {"name": "go", "type": "freestyle", "spec": {"script": text}}, **fields)


def sql(key: str, database: str, text: str, **fields: Any) -> Json:
    """Return an item that runs SQL on a database of the settings."""
    return _workflow(key, {"name": "go", "type": "sql", "spec": {"id": database, "sql": text}}, **fields)


def stage(name: str, *approvers: str, rule: str | int = "all", **fields: Any) -> Json:
    """Return a stage of the approval, by default on the channel Slack."""
    return {"name": name, "approvers": list(approvers), "rule": rule, "channel": "slack", **fields}


def _workflow(key: str, job: Json, **fields: Any) -> Json:
    workflow = {"name": key, "stages": [{"name": "all", "jobs": [job]}]}
    return {"key": key, "name": key.title(), "type": "workflow", "runner": "local", "workflow": workflow, **fields}
