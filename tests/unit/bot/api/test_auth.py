from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from yarl import URL

from bot.api import API, ENDPOINTS
from bot.people.tokens import USE_RECORD_INTERVAL, Tokens, new_token
from core.errors import Unauthorized
from core.ports.store import Reading, Store
from tests.unit.bot.api.serving import Site
from tests.worlds import PEOPLE, START

T = TypeVar("T")
PUBLIC = {"/api/openapi.json", "/healthz", "/readyz", "/metrics"}
PUSHES = "/runners/{name}/push"
"""Where the runner proves who sends; without a runner of that name nothing is there."""


async def test_no_route_answers_without_a_token_but_the_public_ones(fabu: Site) -> None:
    served = [(r.method, r.resource.canonical) for r in fabu.client.app.router.routes() if r.resource]
    routes = [(method, path) for method, path in served if path != PUSHES]
    assert len(routes) >= len(ENDPOINTS) + len(PUBLIC)
    assert ("POST", PUSHES) in served
    for method, path in routes:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
            async with fabu.client.request(method, path.replace("{", "").replace("}", ""), headers=headers) as response:
                assert response.status == (200 if path in PUBLIC else 401), (method, path)
                if path not in PUBLIC:
                    assert response.headers["WWW-Authenticate"] == 'Bearer realm="fabu"'
                    assert method == "HEAD" or (await response.json())["code"] == "unauthorized"


async def test_the_table_is_what_is_served(fabu: Site) -> None:
    served = {(r.method, r.resource.canonical) for r in fabu.client.app.router.routes() if r.resource}
    assert {(each.method, API + each.path) for each in ENDPOINTS} <= served


@pytest.mark.parametrize("path", ["/%61pi/v1/me", "/api%2fv1/me", "/api/v1/%6de", "/api/v1/nothing"])
async def test_a_path_in_disguise_is_refused_as_well(fabu: Site, path: str) -> None:
    url = URL(str(fabu.client.make_url("/")).rstrip("/") + path, encoded=True)
    async with fabu.client.session.get(url) as response:
        assert response.status == 401


async def test_a_token_ends_when_it_expires(fabu: Site) -> None:
    made = await fabu.ask("POST", "/tokens", {"name": "ci", "expires_in": "1h"})
    assert (made.status, made.json["expires_at"]) == (201, "2026-03-02T10:00:00Z")
    fabu.tokens["ci"] = made.json["secret"]
    assert (await fabu.ask("GET", "/me", by="ci")).json["id"] == "alice"
    fabu.clock.advance(timedelta(hours=1))
    assert (await fabu.ask("GET", "/me", by="ci")).status == 401


async def test_a_token_ends_when_it_is_revoked(fabu: Site) -> None:
    made = await fabu.ask("POST", "/tokens", {"name": "ci"})
    fabu.tokens["ci"] = made.json["secret"]
    assert (await fabu.ask("GET", "/me", by="ci")).status == 200
    assert (await fabu.ask("DELETE", f"/tokens/{made.json['id']}")).status == 204
    assert (await fabu.ask("GET", "/me", by="ci")).status == 401


async def test_a_token_that_another_process_made_or_revoked_is_heard_of(fabu: Site) -> None:
    secret, token = new_token("bob", "cli", fabu.clock, fabu.services.ids)
    await fabu.services.store.write(lambda writing: writing.people.add_token(token))
    fabu.tokens["cli"] = secret
    assert (await fabu.ask("GET", "/me", by="cli")).json["id"] == "bob"
    await fabu.services.store.write(lambda writing: writing.people.revoke_token(token.id, START))
    fabu.clock.advance(timedelta(seconds=6))
    assert (await fabu.ask("GET", "/me", by="cli")).status == 401


async def test_a_sign_in_link_is_no_token(fabu: Site) -> None:
    reply = await fabu.ask("POST", "/chat", {"text": "web"})
    fabu.tokens["link"] = reply.json["text"].rsplit("/", 1)[1]
    assert (await fabu.ask("GET", "/me", by="link")).status == 401
    assert [token["name"] for token in (await fabu.ask("GET", "/tokens")).json["items"]] == ["test"]


async def test_whoever_has_left_is_not_let_in(fabu: Site) -> None:
    refused = await fabu.ask("GET", "/me", by="gone")
    assert (refused.status, refused.json["code"]) == (403, "forbidden")


async def test_the_use_of_a_token_is_written_down_once_a_minute(fabu: Site) -> None:
    async def used() -> object:
        tokens = await fabu.services.store.read(lambda reading: reading.people.tokens("alice"))
        return tokens[0].used_at

    await fabu.ask("GET", "/me")
    first = await used()
    fabu.clock.advance(USE_RECORD_INTERVAL)
    await fabu.ask("GET", "/me")
    assert await used() == first == START
    fabu.clock.advance(timedelta(seconds=1))
    await fabu.ask("GET", "/me")
    assert await used() == START + USE_RECORD_INTERVAL + timedelta(seconds=1)


class CountingStore:
    """A store that counts how often it is read."""

    def __init__(self, store: Store) -> None:
        self.reads = 0
        self._store = store
        self.write, self.listen, self.close = store.write, store.listen, store.close

    async def read(self, query: Callable[[Reading], T]) -> T:
        self.reads += 1
        return await self._store.read(query)


async def test_guessing_costs_few_reads(fabu: Site) -> None:
    store = CountingStore(fabu.services.store)
    tokens = Tokens(store, fabu.clock, lambda _: None)
    guesses = (tokens.find(f"guess{number}") for number in range(100))
    refused = await asyncio.gather(*guesses, return_exceptions=True)
    assert {type(error) for error in refused} == {Unauthorized}
    assert store.reads == 1
    assert (await tokens.find(fabu.tokens["bob"])).person == "bob"
    assert (await tokens.find(fabu.tokens["carol"])).person == "carol"
    assert store.reads == 1


async def test_people_handle_their_own_tokens_and_administrators_all(fabu: Site) -> None:
    assert (await fabu.ask("POST", "/tokens", {"name": "x", "person": "bob"})).status == 403
    assert (await fabu.ask("GET", "/tokens?person=bob")).status == 403
    bobs = (await fabu.ask("GET", "/tokens", by="bob")).json["items"]
    assert [token["person"] for token in bobs] == ["bob"]
    assert "secret" not in bobs[0]
    assert (await fabu.ask("DELETE", f"/tokens/{bobs[0]['id']}")).status == 404
    assert (await fabu.ask("GET", "/tokens?person=bob", by="root")).json["items"][0]["id"] == bobs[0]["id"]
    assert (await fabu.ask("POST", "/tokens", {"name": "x", "person": "gone"}, by="root")).status == 422
    made = await fabu.ask("POST", "/tokens", {"name": "x", "person": "bob"}, by="root")
    assert made.json["person"] == "bob"
    assert (await fabu.ask("DELETE", f"/tokens/{bobs[0]['id']}", by="root")).status == 204


async def test_people_are_listed_without_their_addresses(fabu: Site) -> None:
    people = (await fabu.ask("GET", "/people")).json["items"]
    assert [person["id"] for person in people] == sorted(PEOPLE.people)
    carol = next(person for person in people if person["id"] == "carol")
    assert carol == {"id": "carol", "name": "Carol", "active": True, "admin": False, "groups": ["sre"]}


async def test_to_a_stranger_what_exists_and_what_does_not_is_the_same(fabu: Site) -> None:
    plan = await fabu.plan()
    asked = 0
    for route in fabu.client.app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if not path.startswith("/api/v1/") or route.method in ("HEAD", "OPTIONS"):
            continue
        answers = []
        for ref in (plan["id"], "1", "0" * 24, "999"):
            url = re.sub(r"\{[^}]+\}", ref, path)
            async with fabu.client.request(route.method, url, headers={"Authorization": "Bearer wrong"}) as response:
                answers.append((response.status, (await response.json())["code"]))
        assert set(answers) == {(401, "unauthorized")}, (route.method, path)
        asked += 1
    assert asked == len(ENDPOINTS)
