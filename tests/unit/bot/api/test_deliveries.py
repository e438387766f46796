from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.outbox.replay import Replays, choose_ids
from core import commands as c
from core.messages import Message
from core.ports.outbox import Attempt, DeliveryState, Settled
from tests.unit.bot.api.serving import Site
from tests.worlds import START


async def give_up(fabu: Site) -> list[str]:
    """Let everything that is due fail for good; return the ids."""
    now = fabu.clock.now()
    claimed = await fabu.services.store.write(lambda writing: writing.outbox.claim(now, timedelta(minutes=1), 100))
    tried = Attempt(now, 5, 500, Message("refused"), "out of order")
    ended = [Settled(delivery.claim, DeliveryState.DEAD, tried) for delivery in claimed]
    await fabu.services.store.write(lambda writing: writing.outbox.settle(ended))
    return [delivery.effect.id for delivery in claimed]


async def test_deliveries_are_listed_by_plan_and_state(fabu: Site) -> None:
    plan = await fabu.plan()
    (dead,) = await give_up(fabu)
    other = await fabu.plan(name="Other")
    everything = (await fabu.ask("GET", "/deliveries")).json["items"]
    assert [delivery["plan_id"] for delivery in everything] == [other["id"], plan["id"]]
    (mine,) = (await fabu.ask("GET", f"/plans/{plan['number']}/deliveries")).json["items"]
    assert (mine["id"], mine["destination"], mine["kind"], mine["state"]) == (dead, "slack", "sync", "dead")
    assert (mine["attempts"], mine["error"], mine["created_at"]) == (1, "refused", "2026-03-02T09:00:00Z")
    assert [d["id"] for d in (await fabu.ask("GET", "/deliveries?state=dead")).json["items"]] == [dead]
    page = (await fabu.ask("GET", "/deliveries?limit=1")).json
    rest = (await fabu.ask("GET", f"/deliveries?limit=1&cursor={page['next_cursor']}")).json
    assert [page["items"][0]["plan_id"], rest["items"][0]["plan_id"]] == [other["id"], plan["id"]]


async def test_an_ended_delivery_begins_again(fabu: Site) -> None:
    await fabu.plan()
    (dead,) = await give_up(fabu)
    assert (await fabu.ask("POST", f"/deliveries/{dead}/replay")).status == 403
    again = await fabu.ask("POST", f"/deliveries/{dead}/replay", by="root")
    assert (again.status, again.json) == (200, {"replayed": 1})
    assert (await fabu.ask("GET", "/deliveries?state=pending")).json["items"][0]["id"] == dead
    assert (await fabu.ask("POST", f"/deliveries/{dead}/replay", by="root")).status == 404


async def test_what_was_given_up_in_a_time_begins_again(fabu: Site) -> None:
    for hour in range(3):
        await fabu.plan(name=f"Release {hour}")
        await give_up(fabu)
        fabu.clock.advance(timedelta(hours=1))
    body = {"since": START.isoformat(), "until": (START + timedelta(hours=1)).isoformat()}
    assert (await fabu.ask("POST", "/deliveries/replay", body)).status == 403
    assert (await fabu.ask("POST", "/deliveries/replay", body, by="root")).json == {"replayed": 2}
    (dead,) = (await fabu.ask("GET", "/deliveries?state=dead")).json["items"]
    named = {"ids": [dead["id"], "unknown"]}
    assert (await fabu.ask("POST", "/deliveries/replay", named, by="root")).json == {"replayed": 1}


async def test_a_replay_says_one_way_or_the_other(fabu: Site) -> None:
    wrong: list[dict[str, object]] = [
        {},
        {"ids": []},
        {"ids": ["x"], "since": "2026-01-01T00:00:00Z"},
        {"since": "yesterday"},
    ]
    for body in wrong:
        assert (await fabu.ask("POST", "/deliveries/replay", body, by="root")).status == 422


async def replays(fabu: Site, plan: Any) -> list[tuple[str, str, Any]]:
    """Return who asked for what again, from the operation log of a plan."""
    entries = (await fabu.ask("GET", f"/plans/{plan['id']}/log")).json["items"]
    return [
        (entry["actor"], entry["event"], entry["details"].get("deliveries"))
        for entry in entries
        if entry["event"] in ("replayed", "refused")
    ]


async def test_the_log_tells_who_had_what_delivered_again(fabu: Site) -> None:
    plan, other = await fabu.plan(), await fabu.plan(name="Other")
    mine, theirs = await give_up(fabu)
    assert (await fabu.ask("POST", f"/deliveries/{mine}/replay")).status == 403
    assert await replays(fabu, plan) == [("alice", "refused", None)]
    named = {"ids": [mine, theirs]}
    assert (await fabu.ask("POST", "/deliveries/replay", named, by="root")).json == {"replayed": 2}
    assert (await replays(fabu, plan))[1:] == [("root", "replayed", [mine])]
    assert await replays(fabu, other) == [("root", "replayed", [theirs])]


async def test_a_replay_counts_once_for_its_key(fabu: Site) -> None:
    plans = [await fabu.plan(name=f"Release {number}") for number in range(3)]
    dead = await give_up(fabu)
    body = {"since": START.isoformat()}
    first = await fabu.ask("POST", "/deliveries/replay", body, by="root", Idempotency_Key="k")
    assert (first.json, "Idempotent-Replayed" in first.headers) == ({"replayed": 3}, False)
    assert sorted(await give_up(fabu)) == sorted(dead)
    again = await fabu.ask("POST", "/deliveries/replay", body, by="root", Idempotency_Key="k")
    assert (again.json, again.headers["Idempotent-Replayed"]) == ({"replayed": 3}, "true")
    assert len((await fabu.ask("GET", "/deliveries?state=dead")).json["items"]) == 3
    for plan in plans:
        assert len(await replays(fabu, plan)) == 1
    other = await fabu.ask("POST", "/deliveries/replay", {"ids": dead}, by="root", Idempotency_Key="k")
    assert (other.status, other.json["code"]) == (422, "invalid")
    one = f"/deliveries/{dead[0]}/replay"
    for repeated in (False, True):
        answered = await fabu.ask("POST", one, by="root", Idempotency_Key="one")
        assert (answered.json, "Idempotent-Replayed" in answered.headers) == ({"replayed": 1}, repeated)


async def test_a_replay_that_broke_off_goes_on_with_its_key(fabu: Site) -> None:
    plans = [await fabu.plan(name=f"Release {number}") for number in range(3)]
    dead, engine = await give_up(fabu), fabu.services.engine
    root, first = engine.directory.actor("root", "api"), plans[0]["id"]
    began = c.Replay(plan_id=first, deliveries=(dead[0],), destinations=("slack",), total=3)
    await engine.execute(began, root, f"k/{first}", "asked")
    await give_up(fabu)

    done = await Replays(fabu.services.store, engine).replay(choose_ids(dead), root, "k", "asked")
    assert not done.repeated
    assert [len(await replays(fabu, plan)) for plan in plans] == [1, 1, 1]
    (left,) = (await fabu.ask("GET", "/deliveries?state=dead")).json["items"]
    assert left["id"] == dead[0], "it began again under this key before"


async def test_a_delivery_tells_what_each_try_was_answered(fabu: Site) -> None:
    await fabu.plan()
    (dead,) = await give_up(fabu)
    told = (await fabu.ask("GET", f"/deliveries/{dead}")).json
    assert (told["id"], told["state"]) == (dead, "dead")
    tried = {"at": "2026-03-02T09:00:00Z", "ms": 5, "status": 500, "error": "refused", "answer": "out of order"}
    assert told["tries"] == [tried]
    assert (await fabu.ask("GET", "/deliveries/unknown")).status == 404


async def test_what_was_given_up_is_seen_and_delivered_again_in_a_chat(fabu: Site) -> None:
    plan = await fabu.plan()
    (first,) = await give_up(fabu)
    fabu.clock.advance(timedelta(hours=1))
    other = await fabu.plan(name="Other")
    (second,) = await give_up(fabu)

    async def said(text: str, by: str = "root") -> Any:
        return (await fabu.ask("POST", "/chat", {"text": text}, by=by)).json

    rows = (await said("deliveries"))["card"]["sections"][0]["rows"]
    assert [row["title"] for row in rows] == [f"#{other['number']} slack", f"#{plan['number']} slack"]
    assert first in rows[1]["line"][0]["text"]
    assert len((await said(f"投递 {plan['number']}", "alice"))["card"]["sections"][0]["rows"]) == 1

    assert "Only administrators" in (await said(f"replay {first}", "alice"))["text"]
    assert (await said(f"replay {first}"))["text"] == "Deliveries that begin again: 1."
    assert (await replays(fabu, plan))[-1] == ("root", "replayed", [first])
    assert (await said(f"replay {first}"))["text"].startswith("Nothing of it was given up")
    await give_up(fabu)
    assert (await said(f"replay #{plan['number']}"))["text"] == "Deliveries that begin again: 1."
    await give_up(fabu)
    assert (await said("replay 2026-03-02 10:00 / 2026-03-02 11:00"))["text"] == "Deliveries that begin again: 1."
    assert (await said("重新投递 2026-03-02 08:00"))["text"] == "Deliveries that begin again: 1."
    assert second in [d["id"] for d in (await fabu.ask("GET", "/deliveries?state=pending")).json["items"]]
    for wrong in ("replay", "replay soon", "replay 99"):
        assert (await said(wrong))["tone"] == "bad"
