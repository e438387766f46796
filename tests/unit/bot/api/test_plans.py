from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from core.ports.store import Reading
from tests.unit.bot.api.serving import Site
from tests.worlds import START, stage, text_item, workflow_item

CONTRACT = {
    *("id", "number", "name", "status", "revision", "instance_code", "manager", "window", "schedule_at", "approval"),
    "items",
}
ITEM_CONTRACT = {
    *("id", "key", "name", "type", "status", "assignee", "needs", "executed_by", "executed_at", "remark", "run"),
}


def secret_item(value: str) -> dict[str, Any]:
    env = {"key": "TOKEN", "value": value, "is_credential": True}
    job = {"name": "go", "type": "freestyle", "spec": {"script": "true", "envs": [env]}}
    return workflow_item("deploy", workflow={"name": "deploy", "stages": [{"name": "s", "jobs": [job]}]})


def spec_of(plan: dict[str, Any], reading: Reading) -> Mapping[str, Any]:
    return reading.plans.spec(plan["id"], plan["items"][0]["id"])


async def test_a_plan_answers_with_the_keys_of_the_contract(fabu: Site) -> None:
    made = await fabu.ask("POST", "/plans", {"name": "R", "items": [text_item("a"), workflow_item("b", needs=["a"])]})
    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/plans/{made.json['id']}"
    assert made.headers["ETag"] == '"1"'
    assert made.json.keys() >= CONTRACT
    assert all(item.keys() >= ITEM_CONTRACT for item in made.json["items"])
    assert made.json["items"][1]["needs"] == ["a"]
    assert made.json["manager"] == "alice"
    assert made.json["url"] == f"https://fabu.example.com/plans/{made.json['number']}"
    by_number = await fabu.ask("GET", f"/plans/{made.json['number']}")
    assert by_number.json == made.json


async def test_a_plan_lives_from_draft_to_success(fabu: Site) -> None:
    plan = await fabu.plan(approval={"stages": [stage("carol", "dave")], "remind_every": "90m"})
    path = f"/plans/{plan['number']}"
    assert plan["approval"]["remind_every"] == "1h30m"
    assert (await fabu.ask("POST", f"{path}/finish")).json["status"] == "finish_planning"
    assert (await fabu.ask("POST", f"{path}/submit")).json["status"] == "wait_for_approval"
    await fabu.ask("POST", f"{path}/delegate", {"to": "erin"}, by="dave")
    assert (await fabu.ask("POST", f"{path}/approve", {"comment": "fine"}, by="carol")).status == 200
    approved = await fabu.ask("POST", f"{path}/approve", by="erin")
    votes = approved.json["approval"]["stages"][0]["votes"]
    assert [(vote["person"], vote["comment"], vote["delegate"]) for vote in votes] == [
        ("carol", "fine", ""),
        ("dave", "", "erin"),
    ]
    assert approved.json["status"] == "executing"
    done = await fabu.ask("POST", f"{path}/items/notes/execute", {"remark": "sent"})
    assert (done.json["items"][0]["status"], done.json["items"][0]["remark"]) == ("done", "sent")
    assert done.json["items"][0]["executed_at"] == "2026-03-02T09:00:00Z"
    skipped = await fabu.ask("POST", f"{path}/items/2/skip", {"reason": "not this time"})
    assert skipped.json["status"] == "success"
    assert skipped.json["tally"] == {"todo": 0, "running": 0, "done": 1, "skipped": 1, "failed": 0, "total": 2}


@pytest.mark.parametrize("given", [(), ("start",)], ids=["end alone", "end and unchanged start"])
async def test_a_window_that_has_ended_is_extended_after_a_replan(fabu: Site, given: tuple[str, ...]) -> None:
    hours = [(START + timedelta(hours=hour)).isoformat() for hour in range(5)]
    plan = await fabu.executing(window={"start": hours[0], "end": hours[1]})
    path, later = f"/plans/{plan['id']}", {"end": hours[4]} | {name: plan["window"][name] for name in given}
    fabu.clock.advance(timedelta(hours=2))
    assert (await fabu.ask("PATCH", path, {"window": later})).status == 409, "nothing changes while it is executed"
    assert (await fabu.ask("POST", f"{path}/items/notes/execute")).json["code"] == "outside_window"
    await fabu.ask("POST", f"{path}/replan")
    assert (await fabu.ask("PATCH", path, {"window": {"end": hours[1]}})).status == 200, "it stays as it was"
    extended = await fabu.ask("PATCH", path, {"window": later})
    assert (extended.status, extended.json["window"]["start"]) == (200, plan["window"]["start"])
    assert (await fabu.ask("POST", f"{path}/submit")).json["status"] == "executing"
    assert (await fabu.ask("POST", f"{path}/items/notes/execute")).status == 200


async def test_each_end_of_a_window_is_taken_away_by_null(fabu: Site) -> None:
    window = {"start": "2030-01-01T00:00:00Z", "end": "2030-01-02T00:00:00Z"}
    path = f"/plans/{(await fabu.plan(window=window))['id']}"
    assert (await fabu.ask("PATCH", path, {"window": {"start": None}})).json["window"] == window | {"start": None}
    assert (await fabu.ask("PATCH", path, {"window": {"end": None}})).json["window"] == {"start": None, "end": None}
    await fabu.ask("PATCH", path, {"window": window})
    assert (await fabu.ask("PATCH", path, {"window": None})).json["window"] == {"start": None, "end": None}


async def test_an_item_is_named_by_position_key_or_id(fabu: Site) -> None:
    plan = await fabu.executing(items=[text_item("one"), text_item("two"), text_item("部署"), text_item("four")])
    path = f"/plans/{plan['id']}/items"
    for ref in ("1", "two", "部署", plan["items"][3]["id"]):
        assert (await fabu.ask("POST", f"{path}/{ref}/execute")).status == 200
    assert (await fabu.ask("GET", f"/plans/{plan['id']}")).json["status"] == "success"


async def test_part_of_a_name_does_not_name_an_item(fabu: Site) -> None:
    plan = await fabu.executing()
    for ref in ("note", "99", "nothing", "缺", "0" * 32):
        refused = await fabu.ask("POST", f"/plans/{plan['id']}/items/{ref}/execute")
        assert (refused.status, refused.json["code"]) == (404, "not_found")


async def test_a_workflow_item_runs_and_only_a_failed_one_is_retried(fabu: Site) -> None:
    plan = await fabu.executing(items=[workflow_item("deploy")])
    started = await fabu.ask("POST", f"/plans/{plan['id']}/items/deploy/execute")
    run = started.json["items"][0]["run"]
    assert (run["attempt"], run["status"]) == (1, "starting")
    refused = await fabu.ask("POST", f"/plans/{plan['id']}/items/deploy/retry")
    assert (refused.status, refused.json["code"]) == (409, "item_not_ready")


async def test_rejecting_needs_a_reason_and_replanning_starts_anew(fabu: Site) -> None:
    plan = await fabu.plan()
    path = f"/plans/{plan['id']}"
    await fabu.ask("POST", f"{path}/submit")
    for nothing in ("", " ", "\u3000\n", "\u200b", " \u200e\ufeff\u00ad "):
        assert (await fabu.ask("POST", f"{path}/reject", {"reason": nothing}, by="carol")).status == 422
    denied = await fabu.ask("POST", f"{path}/reject", {"reason": "too early"}, by="carol")
    assert (denied.json["status"], denied.json["reason"]) == ("denied", "too early")
    again = await fabu.ask("POST", f"{path}/replan", {"reason": "later"})
    assert (again.json["status"], again.json["revision"]) == ("planning", 2)
    assert again.json["instance_code"] == plan["instance_code"] == "", "it is for administrators"
    assert (await fabu.ask("GET", path, by="root")).json["instance_code"]
    assert (await fabu.ask("POST", f"{path}/cancel", {})).json["status"] == "cancel"


async def test_recheck_is_refused_where_nothing_is_checked(fabu: Site) -> None:
    plan = await fabu.plan()
    refused = await fabu.ask("POST", f"/plans/{plan['id']}/recheck")
    assert (refused.status, refused.json["code"]) == (409, "wrong_status")


async def test_a_failed_check_is_asked_again(fabu: Site) -> None:
    plan = await fabu.executing(items=[text_item("a")], checks=["all_job_done"])
    waits = await fabu.ask("POST", f"/plans/{plan['id']}/items/a/execute")
    assert waits.json["status"] == "wait_for_all_done_external_check"
    assert waits.json["check"]["deadline"] == "2026-03-02T10:00:00Z"


async def test_an_edit_changes_only_what_is_given(fabu: Site) -> None:
    plan = await fabu.plan(jira_sprints=[{"sprint_id": 7}])
    edited = await fabu.ask("PATCH", f"/plans/{plan['id']}", {"name": "Release 2"}, If_Match='"1"')
    assert edited.headers["ETag"] == '"2"'
    same = ("description", "jira_sprints", "approval", "items", "window")
    assert {name: edited.json[name] for name in same} == {name: plan[name] for name in same}
    assert (edited.json["name"], edited.json["revision"]) == ("Release 2", 2)
    assert (await fabu.ask("PATCH", f"/plans/{plan['id']}", {"name": "Release 3"})).json["revision"] == 3


async def test_a_revision_that_has_passed_is_refused(fabu: Site) -> None:
    plan = await fabu.plan()
    path = f"/plans/{plan['id']}"
    await fabu.ask("PATCH", path, {"name": "Release 2"}, If_Match="1")
    for method, where, body in (("PATCH", path, {"name": "x"}), ("POST", f"{path}/submit", {}), ("DELETE", path, None)):
        stale = await fabu.ask(method, where, body, If_Match='W/"1"')
        assert (stale.status, stale.json["code"]) == (412, "stale_revision")
        assert stale.json["params"] == {"seen": 1, "revision": 2}
    assert (await fabu.ask("POST", f"{path}/submit", If_Match='"2"')).status == 200
    assert (await fabu.ask("PATCH", path, {}, If_Match="yesterday")).json["params"]["problems"][0]["path"] == "If-Match"


async def test_a_vote_may_name_its_revision_and_counts_for_no_other(fabu: Site) -> None:
    plan = await fabu.plan(approval={"stages": [stage("carol", "dave")]})
    path = f"/plans/{plan['id']}"
    await fabu.ask("PATCH", path, {"name": "Release 2"})
    await fabu.ask("POST", f"{path}/submit")
    for fields, headers in (({"revision": 1}, {}), ({}, {"If_Match": '"1"'})):
        stale = await fabu.ask("POST", f"{path}/approve", fields, by="carol", **headers)
        assert (stale.status, stale.json["params"]) == (412, {"seen": 1, "revision": 2})
    assert (await fabu.ask("GET", path)).json["approval"]["stages"][0]["votes"] == []
    assert (await fabu.ask("POST", f"{path}/approve", {"revision": 2}, by="carol")).json["revision"] == 2
    assert (await fabu.ask("POST", f"{path}/approve", by="dave")).json["status"] == "executing"


async def test_a_deleted_plan_is_gone_from_every_answer(fabu: Site) -> None:
    plan = await fabu.plan()
    gone = await fabu.ask("DELETE", f"/plans/{plan['id']}", If_Match="*")
    assert (gone.status, gone.json) == (204, None)
    assert (await fabu.ask("GET", f"/plans/{plan['id']}")).status == 404
    assert (await fabu.ask("POST", f"/plans/{plan['number']}/submit")).status == 404
    assert (await fabu.ask("GET", "/plans")).json == {"items": [], "next_cursor": ""}


async def test_only_those_with_the_right_change_a_plan(fabu: Site) -> None:
    plan = await fabu.plan()
    for method, path, body in (("PATCH", "", {"name": "x"}), ("POST", "/submit", {}), ("DELETE", "", None)):
        refused = await fabu.ask(method, f"/plans/{plan['id']}{path}", body, by="bob")
        assert (refused.status, refused.json["code"]) == (403, "forbidden")
    log = (await fabu.ask("GET", f"/plans/{plan['id']}/log")).json["items"]
    assert [entry["event"] for entry in log] == ["created", "refused", "refused", "refused"]


async def test_lists_are_paged_newest_first_without_items(fabu: Site) -> None:
    for number in range(5):
        await fabu.plan(name=f"Release {number}")
    names, cursor = [], ""
    while True:
        page = (await fabu.ask("GET", f"/plans?limit=2&status=&manager=&q=&cursor={cursor}")).json
        names += [plan["name"] for plan in page["items"]]
        assert all("items" not in plan for plan in page["items"])
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert names == [f"Release {number}" for number in (4, 3, 2, 1, 0)]


async def test_lists_are_filtered(fabu: Site) -> None:
    first = await fabu.plan(name="Payments 1")
    await fabu.plan(name="Search 1", manager="bob")
    await fabu.ask("POST", f"/plans/{first['id']}/finish")

    async def names(query: str) -> list[str]:
        return [plan["name"] for plan in (await fabu.ask("GET", f"/plans?{query}")).json["items"]]

    assert await names("status=finished_planning") == ["Payments 1"]
    assert await names("manager=bob") == ["Search 1"]
    assert await names("q=pay") == ["Payments 1"]
    assert (await fabu.ask("GET", "/plans?status=odd")).status == 422


async def test_credentials_are_shown_as_stars_and_survive_an_edit_and_a_copy(fabu: Site) -> None:
    plan = await fabu.plan(items=[secret_item("hunter2")])
    assert "hunter2" not in str(plan)
    (shown,) = plan["items"]
    back = {"items": [{name: shown[name] for name in ("key", "type", "workflow")} | {"name": "Other"}]}
    edited = await fabu.ask("PATCH", f"/plans/{plan['id']}", back)
    assert edited.status == 200, edited.json
    copied = await fabu.ask("POST", f"/plans/{plan['id']}/copy", {"name": "Copy"})
    assert (copied.status, copied.json["name"], copied.json["number"]) == (201, "Copy", 2)
    by_another = await fabu.ask("POST", f"/plans/{plan['id']}/copy", {"name": "Bob's"}, by="bob")
    spec = await fabu.services.store.read(partial(spec_of, by_another.json))
    assert spec["stages"][0]["jobs"][0]["spec"]["envs"][0]["value"] == "********", "who may not edit gets no secrets"
    diff = await fabu.ask("GET", f"/plans/{plan['id']}/versions/2/diff")
    assert "hunter2" not in str((edited.json, copied.json, diff.json))
    for each in (edited.json, copied.json):
        spec = await fabu.services.store.read(partial(spec_of, each))
        assert spec["stages"][0]["jobs"][0]["spec"]["envs"][0]["value"] == "hunter2"


async def test_a_copy_drops_times_that_have_passed(fabu: Site) -> None:
    window = {"start": (START + timedelta(hours=1)).isoformat(), "end": (START + timedelta(hours=2)).isoformat()}
    plan = await fabu.plan(window=window, schedule_at=window["start"])
    soon = await fabu.ask("POST", f"/plans/{plan['id']}/copy")
    assert (soon.json["window"], soon.json["schedule_at"]) == (plan["window"], plan["schedule_at"])
    fabu.clock.advance(timedelta(hours=3))
    late = await fabu.ask("POST", f"/plans/{plan['id']}/copy")
    assert (late.json["window"], late.json["schedule_at"]) == ({"start": None, "end": None}, None)
    end = (START + timedelta(days=1)).isoformat()
    anew = await fabu.ask("POST", f"/plans/{plan['id']}/copy", {"window": {"end": end}})
    assert anew.json["window"] == {"start": None, "end": "2026-03-03T09:00:00Z"}
    log = await fabu.ask("GET", f"/plans/{anew.json['id']}/log")
    details = log.json["items"][0]["details"]
    assert (details["copied_from"], details["lineage"]) == (plan["id"], plan["id"])
    of_copy = await fabu.ask("POST", f"/plans/{anew.json['id']}/copy")
    log = await fabu.ask("GET", f"/plans/{of_copy.json['id']}/log")
    assert log.json["items"][0]["details"]["lineage"] == plan["id"]


async def test_a_misspelt_field_of_a_workflow_is_refused_before_its_secret_is_stored(fabu: Site) -> None:
    params = [{"name": "TOKEN", "value": "s3cret", "is_credentials": True}]
    jobs = [{"name": "j", "type": "freestyle", "run_polcy": "skip", "spec": {"scirpt": "true"}}]
    workflow = {"params": params, "stages": [{"name": "s", "jobs": jobs}]}
    item = {"key": "a", "name": "A", "type": "workflow", "runner": "zadig", "workflow": workflow}
    answer = await fabu.ask("POST", "/plans", {"name": "Release", "items": [item]})
    assert answer.status == 422
    assert "s3cret" not in str(answer.json)
    cures = {problem["path"]: problem["params"]["nearest"] for problem in answer.json["params"]["problems"]}
    assert cures == {
        "items[0].workflow.params[0].is_credentials": "is_credential",
        "items[0].workflow.stages[0].jobs[0].run_polcy": "run_policy",
        "items[0].workflow.stages[0].jobs[0].spec.scirpt": "script",
    }
