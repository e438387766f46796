"""The same request twice: `Idempotency-Key`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.unit.bot.api.serving import Site, draft
from tests.worlds import text_item


async def test_the_same_key_makes_one_plan(fabu: Site) -> None:
    first = await fabu.ask("POST", "/plans", draft(), Idempotency_Key="k1")
    again = await fabu.ask("POST", "/plans", draft(), Idempotency_Key="k1")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status, again.json) == (201, first.json)
    assert again.headers["Location"] == first.headers["Location"]
    assert len((await fabu.ask("GET", "/plans")).json["items"]) == 1


async def test_requests_at_the_same_moment_count_once(fabu: Site) -> None:
    made = await asyncio.gather(*(fabu.ask("POST", "/plans", draft(), Idempotency_Key="k") for _ in range(5)))
    assert {answered.status for answered in made} == {201}
    assert len({answered.json["id"] for answered in made}) == 1


async def test_a_command_is_executed_once(fabu: Site) -> None:
    plan = await fabu.executing(items=[text_item("a"), text_item("b")])
    path = f"/plans/{plan['id']}/items/a/execute"
    await fabu.ask("POST", path, {"remark": "once"}, Idempotency_Key="k")
    again = await fabu.ask("POST", path, {"remark": "once"}, Idempotency_Key="k")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert (await fabu.ask("POST", path, {"remark": "once"})).status == 409


async def test_a_key_is_refused_for_another_request(fabu: Site) -> None:
    plan = (await fabu.ask("POST", "/plans", draft(), Idempotency_Key="k")).json
    for path, body in (
        ("/plans", draft(name="Another")),
        (f"/plans/{plan['id']}/submit", {}),
        (f"/plans/{plan['id']}/copy", {}),
    ):
        refused = await fabu.ask("POST", path, body, Idempotency_Key="k")
        assert (refused.status, refused.json["code"]) == (422, "invalid")
    assert (await fabu.ask("GET", f"/plans/{plan['id']}")).json["status"] == "planning"


async def test_keys_of_different_people_do_not_meet(fabu: Site) -> None:
    mine = await fabu.ask("POST", "/plans", draft(), Idempotency_Key="k")
    theirs = await fabu.ask("POST", "/plans", draft(), by="bob", Idempotency_Key="k")
    assert mine.json["id"] != theirs.json["id"]


async def test_a_refused_request_may_come_again_with_its_key(fabu: Site) -> None:
    plan = await fabu.plan()
    path = f"/plans/{plan['id']}/items/notes/execute"
    assert (await fabu.ask("POST", path, Idempotency_Key="k")).status == 409
    await fabu.ask("POST", f"/plans/{plan['id']}/submit")
    await fabu.ask("POST", f"/plans/{plan['id']}/approve", by="carol")
    done = await fabu.ask("POST", path, Idempotency_Key="k")
    assert (done.status, "Idempotent-Replayed" in done.headers) == (200, False)


async def test_a_key_must_be_printable(fabu: Site) -> None:
    for key in ("", "a b", "é", "k" * 201):
        refused = await fabu.ask("POST", "/plans", draft(), Idempotency_Key=key)
        assert refused.json["params"]["problems"][0]["path"] == "Idempotency-Key"


async def test_a_token_is_made_once_and_told_again(fabu: Site) -> None:
    body = {"name": "ci", "expires_in": "1h"}
    first = await fabu.ask("POST", "/tokens", body, Idempotency_Key="k")
    fabu.clock.advance(timedelta(seconds=30))
    again = await fabu.ask("POST", "/tokens", body, Idempotency_Key="k")
    assert "Idempotent-Replayed" not in first.headers
    assert (again.status, again.json, again.headers["Idempotent-Replayed"]) == (201, first.json, "true")
    assert [token["name"] for token in (await fabu.ask("GET", "/tokens")).json["items"]].count("ci") == 1
    fabu.tokens["ci"] = first.json["secret"]
    assert (await fabu.ask("GET", "/me", by="ci")).json["id"] == "alice"
    for other in ({"name": "ci"}, {"name": "else", "expires_in": "1h"}):
        refused = await fabu.ask("POST", "/tokens", other, Idempotency_Key="k")
        assert (refused.status, refused.json["code"]) == (422, "invalid")
    theirs = await fabu.ask("POST", "/tokens", body, by="root", Idempotency_Key="k")
    assert theirs.json["secret"] != first.json["secret"]
    elsewhere = await fabu.ask("POST", "/tokens", body | {"person": "bob"}, by="root", Idempotency_Key="k")
    assert elsewhere.status == 422


async def test_tokens_that_are_made_at_the_same_moment_are_one(fabu: Site) -> None:
    made = await asyncio.gather(*(fabu.ask("POST", "/tokens", {"name": "ci"}, Idempotency_Key="k") for _ in range(5)))
    assert {answered.status for answered in made} == {201}
    assert len({answered.json["secret"] for answered in made}) == 1
