"""Fabu's HTTP interface on loopback, with a store in memory and the people of `tests.worlds`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDict

from adapters.common.system import SystemIds
from adapters.store.open import open_store
from bot.api import ENDPOINTS, add_routes
from bot.api.openapi import build_document
from bot.chat.dispatch import Dispatch
from bot.i18n import Locale
from bot.outbox.runs import Runs
from bot.people.card_links import CardLinks
from bot.people.identities import Identities
from bot.people.tokens import new_token
from bot.services import SERVICES, Services
from config.settings import Settings
from core.context import Environment, Policy
from core.engine import Engine
from core.policies import NO_RULES, ApprovalRules
from core.ports.people import Token
from core.ports.store import Writing
from core.status import HookEvent
from tests.clock import ManualClock
from tests.worlds import PEOPLE, START, stage, text_item, workflow_item

DOCUMENT = build_document(ENDPOINTS, "/api/v1")
BODY = 2 * 1024 * 1024


@dataclass
class Site:
    """A running interface, and people who use it."""

    client: TestClient[web.Request, web.Application]
    services: Services
    clock: ManualClock
    tokens: dict[str, str]

    def headers(self, who: str, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who]}"} | {
            name.replace("_", "-"): value for name, value in more.items()
        }

    async def ask(self, method: str, path: str, body: Any = None, *, by: str = "alice", **headers: str) -> Answered:
        """Send a request to the API below `/api/v1`; return status, JSON and headers."""
        async with self.client.request(
            method, f"/api/v1{path}", json=body, headers=self.headers(by, **headers)
        ) as response:
            json = await response.json() if response.content_type == "application/json" else None
            check_declared(method, path, response.status)
            return Answered(response.status, json, CIMultiDict(response.headers))

    async def plan(self, **fields: Any) -> dict[str, Any]:
        """Let Alice start a plan that Carol or Dave approves."""
        answered = await self.ask("POST", "/plans", draft(**fields))
        assert answered.status == 201, answered.json
        plan: dict[str, Any] = answered.json
        return plan

    async def executing(self, **fields: Any) -> dict[str, Any]:
        """A plan that needs no approval and is being executed."""
        plan = await self.plan(approval={"stages": []}, **fields)
        answered = await self.ask("POST", f"/plans/{plan['id']}/submit")
        assert answered.json["status"] == "executing", answered.json
        return plan


@dataclass
class Answered:
    status: int
    json: Any
    headers: CIMultiDict[str]


def check_declared(method: str, path: str, status: int) -> None:
    """Hold every answer of every test to the statuses that the OpenAPI document declares."""
    path = path.partition("?")[0]
    for endpoint in ENDPOINTS:
        if endpoint.method == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", endpoint.path), path):
            declared = DOCUMENT["paths"][endpoint.path][method.lower()]["responses"]
            assert str(status) in declared or status == 500, (
                f"{method} {path} answered {status}, declared: {[*declared]}"
            )


def draft(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Release 1",
        "description": "All of it",
        "approval": {"stages": [stage("@sre", rule="any")]},
        "items": [text_item("notes"), workflow_item("deploy", needs=["notes"])],
    } | fields


def add_token(token: Token, writing: Writing) -> None:
    writing.people.add_token(token)


@asynccontextmanager
async def site(url: str = "memory://", approval: ApprovalRules = NO_RULES) -> AsyncIterator[Site]:
    """Serve the interface, with rules for approvals, until the context is left."""
    clock, ids = ManualClock(START), SystemIds()
    server = {"language": "en", "public_url": "https://fabu.example.com", "secret_key": "x" * 32}
    settings = Settings.model_validate({"server": server})
    store = open_store(url, b"secret", clock)
    hooks = {"ci": frozenset({HookEvent.ALL_JOB_DONE})}
    policy = Policy(runners={"local": lambda _: []}, hooks=hooks, destinations=("slack",), approval=approval)
    engine = Engine(store, clock, ids, Environment(policy, PEOPLE), b"audit")
    links = CardLinks(b"key", clock, settings.public_url)
    dispatch = Dispatch(
        engine, store, Identities(store, engine, clock, {}), clock, ids,
        locale=Locale("en", "UTC"), card_links=links,
    )  # fmt: skip
    app = web.Application(client_max_size=BODY)
    app[SERVICES] = Services(settings, store, engine, clock, ids, dispatch, {}, Runs(store, engine, {}, clock), links)
    add_routes(app)
    made = {person: new_token(person, "test", clock, ids, START + timedelta(days=300)) for person in PEOPLE.people}
    for _, token in made.values():
        await store.write(partial(add_token, token))
    async with TestClient(TestServer(app)) as client:
        yield Site(client, app[SERVICES], clock, {person: secret for person, (secret, _) in made.items()})
    await store.close()
