from __future__ import annotations

from datetime import timedelta

from core.ports import Attempt, DeliveryState, Settled
from tests.unit.routes.serving import Site
from tests.worlds import START


async def give_up(fabu: Site) -> list[str]:
    """Let everything that is due fail for good; return the ids."""
    now = fabu.clock.now()
    claimed = await fabu.services.store.write(lambda writing: writing.outbox.claim(now, timedelta(minutes=1), 100))
    ids = [delivery.effect.id for delivery in claimed]
    ended = [Settled(effect_id, DeliveryState.DEAD, Attempt(now, 5, 500, "refused")) for effect_id in ids]
    await fabu.services.store.write(lambda writing: writing.outbox.settle(ended))
    return ids


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
