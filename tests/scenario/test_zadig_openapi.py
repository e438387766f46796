from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import hook_example
from tests.scenario.zadig_case import Case, Json, case

PATH = "/openapi/release_plan/v1"
LINE = {"id", "index", "name", "manager", "description", "created_by", "create_time"}
VARIABLE = {"key": "TARGET", "value": "prod"}
SECRET = {"key": "TOKEN", "value": "hunter2", "is_credential": True}


@pytest.fixture
async def fabu(tmp_path: Path) -> AsyncIterator[Case]:
    async with case(tmp_path) as opened:
        yield opened


def native(*users: Json, needed: int = 1) -> Json:
    return {
        "enabled": True, "type": "native",
        "native_approval": {"timeout": 60, "approve_users": list(users), "needed_approvers": needed},
    }  # fmt: skip


BOB = {"type": "user", "user_id": "ignored", "user_name": "Bob"}
SRE = {"type": "group", "group_id": "sre", "group_name": "SRE"}


def script_job(name: str = "deploy", *variables: Json) -> Json:
    kv = {"kv": list(variables or (VARIABLE,)), "repo_info": []}
    spec = {
        "workflow_key": "shop-release",
        "project_key": "shop",
        "parameters": [],
        "inputs": [{"job_name": "script", "job_type": "freestyle", "parameters": kv}],
    }
    return {"name": name, "type": "workflow", "spec": spec}


def text_job(content: str = "<p>look</p>") -> Json:
    return {"name": "look", "type": "text", "spec": {"content": content, "remark": ""}}


def body(**more: Any) -> Json:
    return {"name": "Release", "manager": "Alice", **more}


async def created(fabu: Case, **more: Any) -> str:
    status, answer = await fabu.ask("POST", PATH, "alice", body(**more))
    assert (status, set(answer)) == (200, {"id"}), answer
    return str(answer["id"])


async def changed(fabu: Case, plan_id: str, person: str = "alice", **more: Any) -> tuple[int, Json]:
    return await fabu.ask("PATCH", f"{PATH}/{plan_id}", person, body(**more))


async def shown(fabu: Case, plan_id: str, person: str = "alice") -> Json:
    status, answer = await fabu.ask("GET", f"{PATH}/{plan_id}", person)
    assert status == 200
    assert isinstance(answer, dict)
    return answer


async def test_a_plan_is_made_filled_and_read_in_zadigs_shape(fabu: Case) -> None:
    plan_id = await created(
        fabu, start_time=4000000000, end_time=4000003600, description="<p>x</p>", approval=native(SRE)
    )
    status, answer = await changed(fabu, plan_id, approval=native(SRE), jobs=[text_job(), script_job()])
    assert (status, answer) == (200, {"message": "success"})
    plan = await shown(fabu, plan_id)
    example = hook_example()["release_plan"]
    assert set(example) - set(plan) == {"event_name"}
    assert (plan["manager"], plan["manager_id"], plan["status"]) == ("Alice", "alice", "planning")
    assert plan["instance_code"] == "", "it is for administrators"
    assert (plan["start_time"], plan["end_time"]) == (0, 0), "a change replaces everything"
    assert [(job["name"], job["type"]) for job in plan["jobs"]] == [("look", "text"), ("deploy", "workflow")]
    assert plan["jobs"][1]["spec"]["workflow"]["stages"][0]["jobs"][0]["spec"]["envs"][0]["value"] == "prod"


async def test_ids_of_plans_are_those_that_zadigs_types_decode(fabu: Case) -> None:
    ids = [await created(fabu), (await fabu.do("/plans", {"name": "By the API", "items": []}))["id"]]
    ids.append((await fabu.do(f"/plans/{ids[0]}/copy", {}))["id"])
    await fabu.do("/chat", {"text": "new In a chat"})
    ids.append((await fabu.plan("4"))["id"])
    assert [plan_id for plan_id in ids if not re.fullmatch("[0-9a-f]{24}", plan_id)] == []
    assert ids == sorted(ids)


async def test_a_manager_as_approver_is_judged_at_submit(fabu: Case) -> None:
    alice = {"type": "user", "user_id": "alice", "user_name": "Alice"}
    plan_id = await created(fabu, approval=native(alice))
    assert (await changed(fabu, plan_id, approval=native(alice), jobs=[text_job()]))[0] == 200
    status, answer = await fabu.ask("POST", f"/api/v1/plans/{plan_id}/submit", "alice", {})
    assert (status, answer["params"]["problems"][0]["path"]) == (422, "approval.stages[0].approvers")
    await changed(fabu, plan_id, approval=native(alice, BOB), jobs=[text_job()])
    assert (await fabu.do(f"/plans/{plan_id}/submit"))["status"] == "wait_for_approval"


@pytest.mark.parametrize("kind", ["workwx", "lark_intl"])
async def test_a_kind_of_approval_that_fabu_does_not_have_is_refused(fabu: Case, kind: str) -> None:
    approval = {"enabled": True, "type": kind, f"{kind}_approval": {"approval_nodes": []}}
    status, answer = await fabu.ask("POST", PATH, "alice", body(approval=approval))
    assert (status, answer["description"].splitlines()[-1]) == (
        422,
        "• approval.type: write one of: native, lark, dingtalk",
    )


@pytest.mark.parametrize("field", ["approve_groups", "cc_users", "cc_groups"])
@pytest.mark.parametrize("node_type", ["AND", "END"])
async def test_copies_and_groups_of_a_chat_are_refused_and_not_dropped(fabu: Case, field: str, node_type: str) -> None:
    node = {"type": node_type, "approve_node_type": "user", "approve_users": [{"id": "ou_1", "name": "Bob"}]}
    approval = {"enabled": True, "type": "lark", "lark_approval": {"approval_nodes": [node | {field: [{"id": "x"}]}]}}
    status, answer = await fabu.ask("POST", PATH, "alice", body(approval=approval))
    assert status == 422
    assert f"approval.lark_approval.approval_nodes[0].{field}: groups of a chat" in answer["description"]
    assert await fabu.plans() == []


@pytest.mark.parametrize("kind", ["lark", "dingtalk"])
async def test_groups_of_a_chat_as_approvers_are_refused(fabu: Case, kind: str) -> None:
    nodes = [{"type": "OR", "approve_node_type": "user_group"}]
    approval = {"enabled": True, "type": kind, f"{kind}_approval": {"approval_nodes": nodes}}
    status, answer = await fabu.ask("POST", PATH, "alice", body(approval=approval))
    assert status == 422
    assert f"approval.{kind}_approval.approval_nodes[0].type: write AND or OR, and approvers" in answer["description"]


async def test_groups_of_users_approve_and_other_approvers_are_refused(fabu: Case) -> None:
    group = {"type": "user_group", "group_id": "unknown-in-fabu", "group_name": "sre"}
    stages = (await fabu.plan(await created(fabu, approval=native(group))))["approval"]["stages"]
    assert [stage["approvers"] for stage in stages] == [["@sre"]]
    for approver, told in (
        ({"type": "task_creator"}, "approve_users[0].type: write one of: user, group"),
        ({"type": "user_group", "group_name": "qa"}, "approve_users[0]: there is no group qa"),
    ):
        status, answer = await fabu.ask("POST", PATH, "alice", body(approval=native(approver)))
        assert status == 422
        assert told in answer["description"]


async def test_a_plugin_is_planned_shown_with_its_secret_masked_and_run(fabu: Case) -> None:
    inputs = [{"name": name, "type": "string", "value": ""} for name in ("LEVEL", "TOKEN")]
    job = {"name": "scan", "type": "plugin", "skipped": False, "spec": {"plugin": {"image": "i", "inputs": inputs}}}
    fabu.zadig.workflows["shop-release"]["stages"][0]["jobs"].append(job)
    kv: list[Json] = [{"key": "LEVEL", "value": "high"}, {"key": "TOKEN", "value": "hunter2", "is_credential": True}]
    item = script_job()
    item["spec"]["inputs"] = [{"job_name": "scan", "job_type": "plugin", "parameters": {"kv": kv}}]
    plan_id = await created(fabu)
    assert (await changed(fabu, plan_id, jobs=[item]))[0] == 200
    plan = await shown(fabu, plan_id)
    (planned,) = plan["jobs"][0]["spec"]["workflow"]["stages"][0]["jobs"]
    assert (planned["type"], planned["spec"]["plugin"]["inputs"][0]) == ("plugin", {"name": "LEVEL", "value": "high"})
    assert "hunter2" not in json.dumps(plan)
    kv[1]["value"] = planned["spec"]["plugin"]["inputs"][1]["value"]
    assert (await changed(fabu, plan_id, name="Renamed", jobs=[item]))[0] == 200
    item_id = (await fabu.do(f"/plans/{plan_id}/submit"))["items"][0]["id"]
    await fabu.do(f"/plans/{plan_id}/items/{item_id}/execute")
    await fabu.until(plan_id, lambda now: now["items"][0]["run"]["status"] == "running")
    started = fabu.zadig.only_task().spec_of("scan")["plugin"]
    assert [one["value"] for one in started["inputs"]] == ["high", "hunter2"]
    assert (started["image"], fabu.zadig.complaints) == ("i", [])


async def test_a_window_may_have_begun_long_ago_as_in_zadig(fabu: Case) -> None:
    plan_id = await created(fabu, start_time=1_700_000_000, end_time=4_000_000_000)
    assert (await shown(fabu, plan_id))["start_time"] == 1_700_000_000
    status, _ = await changed(fabu, plan_id, start_time=1_600_000_000, end_time=4_000_000_000, jobs=[text_job()])
    assert status == 200
    assert (await fabu.do(f"/plans/{plan_id}/submit"))["status"] == "executing"
    assert (await changed(fabu, await created(fabu), end_time=1_700_000_000))[0] == 422


async def test_the_approval_of_zadig_is_asked_of_our_people(fabu: Case) -> None:
    plan_id = await created(fabu, approval=native(BOB, SRE, needed=2))
    await changed(fabu, plan_id, approval=native(BOB, SRE, needed=2), jobs=[text_job()])
    await fabu.do(f"/plans/{plan_id}/submit")
    await fabu.do(f"/plans/{plan_id}/approve", {"comment": "fine"}, by="bob")
    approval = (await shown(fabu, plan_id))["approval"]
    assert (approval["type"], approval["status"], approval["lark_approval"]) == ("native", "wait_for_approval", None)
    asked = approval["native_approval"]
    assert (asked["needed_approvers"], asked["timeout"]) == (2, 60)
    assert [(user["type"], user.get("user_id") or user["group_id"]) for user in asked["approve_users"]] == [
        ("user", "bob"),
        ("group", "sre"),
    ]
    votes = {user["user_id"]: (user["reject_or_approve"], user["comment"]) for user in asked["flat_approve_users"]}
    assert votes == {"bob": ("approve", "fine"), "carol": ("", "")}
    await fabu.do(f"/plans/{plan_id}/approve", by="carol")
    assert (await shown(fabu, plan_id))["approval"]["status"] == "passed"


async def test_the_manager_is_not_counted_among_those_who_are_needed(fabu: Case) -> None:
    plan = await fabu.do("/plans", {
        "name": "By the API", "items": [{"key": "look", "name": "Look", "type": "text"}],
        "approval": {"stages": [{"name": "all", "approvers": ["alice", "@sre"], "rule": "all"}]},
    })  # fmt: skip
    asked = (await shown(fabu, plan["id"]))["approval"]["native_approval"]
    assert asked["needed_approvers"] == 2
    own = plan["approval"] | {"allow_self_approval": True}
    own = {name: own[name] for name in ("stages", "allow_self_approval")}
    own["stages"] = [{"name": "all", "approvers": ["alice", "@sre"], "rule": "all"}]
    await fabu.ask("PATCH", f"/api/v1/plans/{plan['id']}", "alice", {"approval": own})
    assert (await shown(fabu, plan["id"]))["approval"]["native_approval"]["needed_approvers"] == 3


async def test_lists_come_in_pages_with_their_total(fabu: Case) -> None:
    for number in range(5):
        await created(fabu, name=f"Release {number}", description=f"<p>{number}</p>")
    pages = [(await fabu.ask("GET", f"{PATH}?pageNum={page}&pageSize=2"))[1] for page in (1, 2, 3, 4)]
    names = [[line["name"] for line in page["list"]] for page in pages]
    assert names == [["Release 4", "Release 3"], ["Release 2", "Release 1"], ["Release 0"], []]
    assert {page["total"] for page in pages} == {5}
    assert set(pages[0]["list"][0]) == LINE
    assert pages[0]["list"][0]["description"] == "<p>4</p>"


async def test_a_started_plan_runs_what_the_openapi_said(fabu: Case) -> None:
    plan_id = await created(fabu)
    await changed(fabu, plan_id, jobs=[script_job()])
    plan = await fabu.do(f"/plans/{plan_id}/submit")
    await fabu.do(f"/plans/{plan_id}/items/{plan['items'][0]['id']}/execute")
    await fabu.until(plan_id, lambda now: now["items"][0]["run"]["status"] == "running")
    assert fabu.zadig.only_task().spec_of("script")["envs"][0]["value"] == "prod"
    assert fabu.zadig.complaints == []


async def test_credentials_are_never_told_and_survive_being_sent_back_masked(fabu: Case) -> None:
    plan_id = await created(fabu)
    await changed(fabu, plan_id, jobs=[script_job("deploy", SECRET)])
    plan = await shown(fabu, plan_id)
    assert "hunter2" not in json.dumps(plan)
    masked = plan["jobs"][0]["spec"]["workflow"]["stages"][0]["jobs"][0]["spec"]["envs"][0]["value"]
    await changed(fabu, plan_id, name="Renamed", jobs=[script_job("deploy", SECRET | {"value": masked})])
    item_id = (await shown(fabu, plan_id))["jobs"][0]["id"]
    spec = await fabu.services.store.read(lambda reading: reading.plans.spec(plan_id, item_id))
    assert spec["stages"][0]["jobs"][0]["spec"]["envs"][0]["value"] == "hunter2"


async def test_items_keep_their_identity_by_type_and_name(fabu: Case) -> None:
    plan_id = await created(fabu)
    await changed(fabu, plan_id, jobs=[text_job("1"), text_job("2"), script_job()])
    before = [job["id"] for job in (await shown(fabu, plan_id))["jobs"]]
    await changed(fabu, plan_id, jobs=[script_job(), text_job("one"), script_job("new")])
    after = (await shown(fabu, plan_id))["jobs"]
    assert [job["id"] for job in after][:2] == [before[2], before[0]]
    assert after[2]["id"] not in before
    assert after[1]["spec"]["content"] == "one"


async def test_a_change_takes_a_finished_plan_back_to_planning(fabu: Case) -> None:
    plan_id = await created(fabu)
    await changed(fabu, plan_id, jobs=[text_job()])
    code = (await shown(fabu, plan_id, "root"))["instance_code"]
    await fabu.do(f"/plans/{plan_id}/finish")

    status, answer = await changed(fabu, plan_id, manager="nobody", jobs=[text_job()])
    assert (status, answer["message"]) == (422, "invalid")
    status, answer = await changed(fabu, plan_id, start_time=4000000000, end_time=1, jobs=[text_job()])
    assert status == 422
    assert (await shown(fabu, plan_id))["status"] == "finish_planning"

    assert (await changed(fabu, plan_id, name="Mended", jobs=[text_job()]))[0] == 200
    plan = await shown(fabu, plan_id)
    assert (plan["status"], plan["name"]) == ("planning", "Mended")
    assert (await shown(fabu, plan_id, "root"))["instance_code"] != code != ""


@pytest.mark.parametrize("verb", ["submit", "cancel"])
async def test_a_plan_that_is_executed_or_cancelled_is_not_changed(fabu: Case, verb: str) -> None:
    plan_id = await created(fabu)
    await changed(fabu, plan_id, jobs=[text_job()])
    await fabu.do(f"/plans/{plan_id}/{verb}")
    before = await shown(fabu, plan_id)
    status, answer = await changed(fabu, plan_id, name="Revived", jobs=[text_job()])
    assert status == 409
    assert (answer["type"], answer["message"], answer["code"]) == ("error", "wrong_status", 409)
    assert await shown(fabu, plan_id) == before


@pytest.mark.parametrize("ref", ["99", "nothing", "%00", "a%2Fb"])
async def test_a_plan_that_is_not_there_is_not_found(fabu: Case, ref: str) -> None:
    status, answer = await fabu.ask("GET", f"{PATH}/{ref}")
    assert (status, answer["type"], answer["message"]) == (404, "error", "not_found")


async def test_only_those_who_may_edit_a_plan_change_it(fabu: Case) -> None:
    plan_id = await created(fabu)
    assert (await changed(fabu, plan_id, "bob", jobs=[text_job()]))[0] == 403
    assert (await changed(fabu, plan_id, "root", jobs=[text_job()]))[0] == 200


async def test_nobody_gets_in_without_a_token(fabu: Case) -> None:
    status, answer = await fabu.ask("GET", f"{PATH}?pageNum=1&pageSize=1", "")
    assert (status, answer["type"], answer["code"]) == (401, "error", 401)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"manager": "mallory"}, "manager: no one active person has the id or name mallory"),
        ({"name": ""}, "name: too short"),
        ({"approval": native(BOB, needed=0)}, "name approvers, and how many of them must approve"),
        ({"approval": native(BOB, needed=3)}, "3 must approve but only 1 can"),
        ({"approval": {"enabled": True, "type": "workwx"}}, "approval.type: write one of: native, lark, dingtalk"),
        (
            {
                "approval": {
                    "enabled": True,
                    "type": "lark",
                    "lark_approval": {"approval_nodes": [{"type": "SEQUENTIAL"}]},
                }
            },
            "write AND or OR",
        ),
        ({"start_time": 10**18}, "• start_time: write times in unix seconds"),
        ({"end_time": -1}, "• end_time: write times in unix seconds"),
        ({"schedule_execute_time": 10**18}, "• schedule_execute_time: write times in unix seconds"),
    ],
)
async def test_what_cannot_be_had_here_is_refused_with_what_to_write(fabu: Case, more: Json, told: str) -> None:
    status, answer = await fabu.ask("POST", PATH, "alice", body(**more))
    assert (status, answer["type"]) == (422, "error")
    assert told in answer["description"]


async def test_an_approval_of_a_chat_becomes_stages_of_its_form(fabu: Case) -> None:
    nodes = [{"type": "START"}, {"type": "OR", "approve_users": [{"id": "ou_9", "name": "Bob"}]}, {"type": "END"}]
    approval = {"enabled": True, "type": "lark", "lark_approval": {"approval_nodes": nodes}}
    plan_id = await created(fabu, approval=approval)
    (stage,) = (await fabu.plan(plan_id))["approval"]["stages"]
    assert (stage["channel"], stage["rule"], stage["approvers"]) == ("feishu_instance", "any", ["bob"])


@pytest.mark.parametrize("query", ["", "?pageNum=1", "?pageNum=0&pageSize=20", "?pageNum=1&pageSize=1000"])
async def test_a_list_needs_its_page(fabu: Case, query: str) -> None:
    status, answer = await fabu.ask("GET", PATH + query)
    assert (status, answer["type"]) == (422, "error")
