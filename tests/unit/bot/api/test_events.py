from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse

from tests.unit.bot.api.serving import Site, site
from tests.waiting import PATIENCE
from tests.worlds import PEOPLE, START


async def read_events(response: ClientResponse, count: int) -> list[dict[str, Any]]:
    """Read server-sent events as a browser does: fields up to an empty line; comments are passed over."""
    found: list[dict[str, Any]] = []
    event: dict[str, Any] = {}
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            line = (await response.content.readline()).decode().rstrip("\n")
            if not line and event:
                found.append(event | {"data": json.loads(event["data"])})
                event = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
    return found


async def test_commits_are_streamed_as_they_happen(fabu: Site) -> None:
    await fabu.plan(name="before")
    async with fabu.client.get("/api/v1/events", headers=fabu.headers("bob")) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert await response.content.readline() == b": connected\n"
        plan = await fabu.plan(name="now")
        (created,) = await read_events(response, 1)
        assert (created["event"], created["data"]["plan_id"]) == ("created", plan["id"])
        assert created["id"] == str(created["data"]["id"])
        await fabu.ask("POST", f"/plans/{plan['id']}/submit")
        assert [event["event"] for event in await read_events(response, 2)] == ["finished", "submitted"]


async def test_a_stream_goes_on_where_it_broke(fabu: Site) -> None:
    for number in range(3):
        await fabu.plan(name=f"Release {number}")
    headers = fabu.headers("bob", Last_Event_ID="1")
    async with fabu.client.get("/api/v1/events?after=0", headers=headers) as response:
        assert [event["id"] for event in await read_events(response, 2)] == ["2", "3"]
    async with fabu.client.get("/api/v1/events?after=0", headers=fabu.headers("bob")) as response:
        assert [event["id"] for event in await read_events(response, 3)] == ["1", "2", "3"]


async def test_an_event_id_of_another_kind_is_refused(fabu: Site) -> None:
    for wrong in ("x", "-1", "9" * 30, "²"):
        refused = await fabu.ask("GET", "/events", Last_Event_ID=wrong)
        assert (refused.status, refused.json["params"]["problems"][0]["path"]) == (422, "Last-Event-ID")


async def test_streams_end_when_the_server_stops() -> None:
    async with site() as fabu:
        response = await fabu.client.get("/api/v1/events", headers=fabu.headers("bob"))
        await response.content.readline()
        async with asyncio.timeout(PATIENCE):
            await fabu.client.server.close()
        assert await response.content.read() == b"\n"


@pytest.mark.parametrize("end", ["revoked", "revoked elsewhere", "expired", "left"])
async def test_a_stream_ends_with_its_token(fabu: Site, end: str) -> None:
    made = (await fabu.ask("POST", "/tokens", {"name": "stream", "expires_in": "1h"})).json
    fabu.tokens["stream"] = made["secret"]
    async with fabu.client.get("/api/v1/events", headers=fabu.headers("stream")) as stream:
        assert await stream.content.readline() == b": connected\n"
        if end == "revoked":
            await fabu.ask("DELETE", f"/tokens/{made['id']}")
        elif end == "revoked elsewhere":
            await fabu.services.store.write(lambda writing: writing.people.revoke_token(made["id"], START))
            fabu.clock.advance(timedelta(seconds=1))
        elif end == "expired":
            fabu.clock.advance(timedelta(hours=1))
        else:
            people = {name: replace(person, active=name != "alice") for name, person in PEOPLE.people.items()}
            fabu.services.engine._environment.publish(directory=replace(PEOPLE, people=people))
        async with asyncio.timeout(PATIENCE):
            assert (await stream.content.read()).strip() == b""
