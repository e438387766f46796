"""Everything that a person can read of a plan on a running server, on every surface but the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientSession, ClientTimeout, CookieJar
from yarl import URL

from bot.api import API, ENDPOINTS
from bot.zadig.openapi.endpoints import PATH as ZADIG
from core.chat import Inbound
from core.ports.store import Reading
from tests.scenario.office import Fabu, Json
from tests.waiting import PATIENCE

TYPED = (
    "home", "list", "list mine", "show {n}", "show {n} 1", "diff {n}", "diff {n} 1", "log {n}", "deliveries all", "help"
)  # fmt: skip
"""What is read in a chat."""


async def read_everything(fabu: Fabu, person: str, plan: Json) -> dict[str, str]:
    """Return the answers, with their headers, to all that a person may ask about a plan, by what was asked."""
    found = {}
    async for path in _paths(fabu, plan):
        found[path] = await _read(fabu, person, path)
    found["events"] = await _read_stream(fabu, person, plan)
    for words in TYPED:
        text = words.format(n=plan["number"])
        found[text] = json.dumps(await fabu.api("POST", "/chat", {"text": text}, by=person))
    found["check"] = json.dumps(await fabu.api("POST", f"/plans/{plan['id']}/check", by=person))
    return found | await _read_pages(fabu, person, plan)


async def _paths(fabu: Fabu, plan: Json) -> AsyncIterator[str]:
    """Yield the paths of all that is read with GET and ends, with every delivery of the plan."""

    def load(reading: Reading) -> list[str]:
        return [delivery.effect.id for delivery in reading.deliveries.page(plan["id"]).items]

    deliveries = await fabu.services.store.read(load)
    for path in (API + each.path for each in ENDPOINTS if each.method == "GET" and each.path != "/events"):
        for ref in deliveries if "/deliveries/" in path else [plan["id"]]:
            yield path.replace("{id}", ref).replace("{n}", str(plan["revision"]))
    yield f"{ZADIG}?pageNum=1&pageSize=100"
    yield f"{ZADIG}/{plan['id']}"


async def _read(fabu: Fabu, person: str, path: str) -> str:
    headers = {"Authorization": f"Bearer {fabu.tokens[person]}"}
    async with fabu.session.get(URL(fabu.url + path, encoded=True), headers=headers) as response:
        assert response.status == 200, (path, response.status)
        return f"{dict(response.headers)}{await response.text()}"


async def _read_stream(fabu: Fabu, person: str, plan: Json) -> str:
    """Return the stream of the log up to the newest entry of a plan."""
    headers = {"Authorization": f"Bearer {fabu.tokens[person]}", "Last-Event-ID": "0"}
    last = f"id: {(await fabu.log(plan['number']))[-1].id}\n"
    text = ""
    async with asyncio.timeout(PATIENCE), fabu.session.get(f"{fabu.url}{API}/events", headers=headers) as response:
        while last not in text:
            text += (await response.content.readuntil(b"\n\n")).decode()
    return text


async def _read_pages(fabu: Fabu, person: str, plan: Json) -> dict[str, str]:
    """Return the console's pages for a person who has signed in."""
    reply: Any = await fabu.services.chat(Inbound("cli", person, fabu.services.ids.new(), "web", private=True))
    secret = reply.text.split()[-1].rpartition("/")[2]
    jar = CookieJar(unsafe=True, treat_as_secure_origin=URL(fabu.url))
    async with ClientSession(fabu.url, cookie_jar=jar, timeout=ClientTimeout(PATIENCE)) as browser:
        async with browser.post(f"/sign-in/{secret}") as response:
            assert response.status == 200, await response.text()
        pages = {}
        for path in ("/", f"/plans/{plan['number']}"):
            async with browser.get(path) as response:
                assert response.status == 200, path
                pages[path] = await response.text()
    return pages
