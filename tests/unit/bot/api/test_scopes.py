"""What a token lets its person do, and what comes of a token that was made with another one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.api import ENDPOINTS
from bot.api.routing import Endpoint
from core.people import EVERY_SCOPE, USUAL_SCOPES, TokenScope
from core.verbs import VERBS
from tests.unit.bot.api.serving import Site
from tests.worlds import stage

READ, PLAN, DECIDE, EXECUTE, ADMIN = TokenScope


async def made(fabu: Site, *scopes: TokenScope, by: str = "alice", **fields: Any) -> dict[str, Any]:
    """Make a token with the scopes, and let `token` act with it."""
    body = {"name": "ci", **({"scopes": list(scopes)} if scopes else {}), **fields}
    answer = await fabu.ask("POST", "/tokens", body, by=by)
    assert answer.status == 201, answer.json
    fabu.tokens["token"] = answer.json["secret"]
    token: dict[str, Any] = answer.json
    return token


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
async def test_every_endpoint_asks_for_its_scope(fabu: Site, endpoint: Endpoint) -> None:
    await made(fabu, *(EVERY_SCOPE - {endpoint.scope}), by="root")
    path = re.sub(r"{\w+}", "1", endpoint.path)
    refused = await fabu.ask(endpoint.method, path, {} if endpoint.body else None, by="token")
    assert (refused.status, refused.json["code"]) == (403, "missing_scope")
    assert f"--scope {endpoint.scope}" in refused.json["message"]


def test_what_changes_something_asks_for_more_than_reading() -> None:
    harmless = {"/tokens", "/tokens/{id}", "/chat", "/plans/check", "/plans/{id}/check"}
    changing = [each for each in ENDPOINTS if each.method != "GET" and each.path not in harmless]
    assert [each.path for each in changing if each.scope is READ] == []
    assert not any(spec.scope in (READ, ADMIN) for spec in VERBS.values())


async def test_a_token_has_all_scopes_but_admin_unless_it_says_so(fabu: Site) -> None:
    assert (await made(fabu))["scopes"] == sorted(USUAL_SCOPES)
    listed = (await fabu.ask("GET", "/tokens")).json["items"]
    assert [token["scopes"] for token in listed] == [sorted(EVERY_SCOPE), sorted(USUAL_SCOPES)]


async def test_an_administrator_without_that_scope_is_none(fabu: Site) -> None:
    plan = await fabu.plan()
    await made(fabu, by="root")
    assert (await fabu.ask("GET", f"/plans/{plan['id']}", by="root")).json["instance_code"]
    assert not (await fabu.ask("GET", f"/plans/{plan['id']}", by="token")).json["instance_code"]
    assert (await fabu.ask("PATCH", f"/plans/{plan['id']}", {"name": "mine"}, by="token")).status == 403
    assert (await fabu.ask("GET", "/tokens?person=alice", by="token")).status == 403
    assert (await fabu.ask("PATCH", f"/plans/{plan['id']}", {"name": "mine"}, by="root")).status == 200


async def test_a_token_makes_none_that_may_more_or_lives_longer(fabu: Site) -> None:
    await made(fabu, READ, PLAN, expires_in="1h")
    refused = await fabu.ask("POST", "/tokens", {"name": "x", "scopes": ["decide"]}, by="token")
    assert (refused.status, refused.json["code"]) == (403, "missing_scope")
    longer = await fabu.ask("POST", "/tokens", {"name": "x", "expires_in": "2h"}, by="token")
    assert longer.json["params"]["problems"][0]["path"] == "expires_in"
    child = (await fabu.ask("POST", "/tokens", {"name": "x"}, by="token")).json
    assert (child["scopes"], child["expires_at"]) == (["plan", "read"], "2026-03-02T10:00:00Z")


async def test_a_token_ends_with_the_one_it_was_made_with(fabu: Site) -> None:
    parent = await made(fabu)
    child = (await fabu.ask("POST", "/tokens", {"name": "x"}, by="token")).json
    fabu.tokens["child"] = child["secret"]
    grandchild = (await fabu.ask("POST", "/tokens", {"name": "y"}, by="child")).json
    fabu.tokens["grandchild"] = grandchild["secret"]
    assert (await fabu.ask("GET", "/me", by="grandchild")).status == 200
    await fabu.ask("DELETE", f"/tokens/{parent['id']}")
    assert [(await fabu.ask("GET", "/me", by=name)).status for name in ("child", "grandchild")] == [401, 401]


async def test_a_key_that_is_used_for_another_scope_is_refused(fabu: Site) -> None:
    first = await fabu.ask("POST", "/tokens", {"name": "x", "scopes": ["read"]}, Idempotency_Key="k")
    again = await fabu.ask("POST", "/tokens", {"name": "x", "scopes": ["read"]}, Idempotency_Key="k")
    assert first.json["secret"] == again.json["secret"]
    other = await fabu.ask("POST", "/tokens", {"name": "x", "scopes": ["plan"]}, Idempotency_Key="k")
    assert other.status == 422


async def test_the_chat_asks_for_the_scope_of_the_verb(fabu: Site) -> None:
    plan = await fabu.plan(approval={"stages": [stage("bob")]})
    number = plan["number"]
    await fabu.ask("POST", f"/plans/{number}/submit")
    await made(fabu, READ, by="bob")
    said = {text: (await fabu.ask("POST", "/chat", {"text": text}, by="token")).json for text in (
        f"show {number}", f"approve {number}", f"reject {number} no", "new X", f"cancel {number}",
    )}  # fmt: skip
    assert said[f"show {number}"]["card"]
    for text in (f"approve {number}", f"reject {number} no"):
        assert "no scope “decide”" in said[text]["text"]
    for text in ("new X", f"cancel {number}"):
        assert "no scope “plan”" in said[text]["text"]
    await made(fabu, DECIDE, by="bob")
    refused = (await fabu.ask("POST", "/chat", {"text": f"show {number}"}, by="token")).status
    assert refused == 403, "the chat answers with what may be read"


async def test_a_schedule_needs_a_token_that_may_execute(fabu: Site) -> None:
    at = (fabu.clock.now() + timedelta(hours=1)).isoformat()
    await made(fabu, READ, PLAN)
    created = await fabu.ask("POST", "/plans", {"name": "Later", "schedule_at": at, "items": []}, by="token")
    assert created.status == 201
    plan = await fabu.plan(approval={"stages": []}, schedule_at=at)
    refused = await fabu.ask("POST", f"/plans/{plan['id']}/submit", by="token")
    assert (refused.status, refused.json["code"]) == (403, "missing_scope")
    assert (await fabu.ask("POST", f"/plans/{plan['id']}/submit")).json["status"] == "executing"
