from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.walking import read_everything
from tests.scenario.zadig_case import ADDRESSES, Case, Json, case, zadigs_plan
from tests.simulators.zadig import Zadig
from tests.simulators.zadig_plans import Plan
from tests.waiting import eventually

GATES = [
    {"plan": "prod *", "events": ["start_execute"], "approvers": ["@sre"], "rule": "all", "name": "SRE"},
    {"project": "shop", "events": ["start_execute", "finish_planning"], "approvers": ["bob"]},
]


@pytest.fixture
async def fabu(tmp_path: Path) -> AsyncIterator[Case]:
    async with case(tmp_path, gates=GATES) as opened:
        opened.zadig.plan_hook = opened.hook("finish_planning", "start_execute")
        yield opened


async def opened_gate(fabu: Case, plan: Plan, event: str = "start_execute") -> Json:
    assert await fabu.zadig.send_plan_hook(plan, event) == 200
    return (await fabu.plans())[0]


async def test_an_approved_gate_lets_zadig_go_on_and_ends_by_itself(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    assert (asked["name"], asked["status"]) == ("Zadig: release 52 · execution starts", "wait_for_approval")
    assert (asked["manager"], asked["approval"]["stages"][0]["approvers"]) == ("root", ["bob"])

    await fabu.do(f"/plans/{asked['id']}/approve", {"comment": "go"}, by="bob")
    ended = await fabu.until(asked["id"], lambda now: now["status"] == "success")
    assert ended["items"][0]["remark"] == "Zadig took the answer."
    assert plan.status == "executing"


async def test_approvers_see_what_will_be_released_but_no_credential(fabu: Case) -> None:
    asked = await opened_gate(fabu, zadigs_plan())
    description = (await fabu.plan(asked["id"]))["description"]
    for said in ("deploy all: Shop release (shop)", "version=2.0", "build / script (freestyle)", "TARGET=dev"):
        assert said in description
    assert "hunter2" not in description


async def test_nobody_reads_the_code_that_zadig_is_answered_with(fabu: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    await fabu.do(f"/plans/{asked['id']}/approve", by="bob")
    ended = await fabu.until(asked["id"], lambda now: now["status"] == "success")
    for person in ("carol", "root"):
        read = await read_everything(fabu.running, person, ended)
        assert {where for where, answer in read.items() if plan.instance_code in answer} == set()
    assert "zadig" in caplog.text
    assert plan.instance_code not in caplog.text


async def test_a_rejected_gate_stops_zadig_with_the_reason(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    await fabu.do(f"/plans/{asked['id']}/reject", {"reason": "no tests"}, by="bob")
    await fabu.zadig.until(lambda: plan.failed_reason)
    assert (plan.status, plan.failed_reason) == ("wait_for_execute_external_check_failed", "no tests")
    assert (await fabu.plan(asked["id"]))["status"] == "denied"


async def test_a_gate_that_is_given_up_stops_zadig(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    await fabu.do(f"/plans/{asked['id']}/cancel", {"reason": "freeze"}, by="root")
    await fabu.zadig.until(lambda: plan.failed_reason)
    assert plan.failed_reason == "freeze"


async def test_the_answer_waits_for_a_zadig_that_is_down(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    with fabu.zadig.outage():
        await fabu.do(f"/plans/{asked['id']}/approve", by="bob")
        await fabu.zadig.until(lambda: fabu.zadig.calls_to("callback"))
        assert (await fabu.plan(asked["id"]))["status"] == "executing"
    await fabu.until(asked["id"], lambda now: now["status"] == "success")
    assert plan.status == "executing"


async def test_an_answer_that_zadig_took_without_saying_so_is_not_an_error(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    fabu.zadig.fail("callback", how="close", applied=True)
    await fabu.do(f"/plans/{asked['id']}/approve", by="bob")
    await fabu.until(asked["id"], lambda now: now["status"] == "success")
    assert [call.status for call in fabu.zadig.calls_to("callback")] == [0, 500]


async def test_a_refusal_while_zadig_still_waits_is_tried_again(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    body = {"code": 500, "message": "Internal Error", "description": "not the leader"}
    fabu.zadig.fail("callback", body=body)
    await fabu.do(f"/plans/{asked['id']}/approve", by="bob")
    await fabu.until(asked["id"], lambda now: now["status"] == "success")
    assert plan.status == "executing"


async def test_an_answer_that_zadig_does_not_want_any_more_ends_the_gate(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    plan.status = "planning"
    plan.instance_code = "0123456789abcdef"
    await fabu.do(f"/plans/{asked['id']}/approve", by="bob")
    ended = await fabu.until(asked["id"], lambda now: now["status"] == "cancel")
    assert "instance code not match" in ended["reason"]
    assert plan.status == "planning"


async def test_a_rejection_that_zadig_does_not_want_any_more_is_told(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    plan.status = "planning"
    plan.instance_code = "0123456789abcdef"
    await fabu.do(f"/plans/{asked['id']}/reject", {"reason": "no tests"}, by="bob")

    async def untold() -> Json | None:
        _, log = await fabu.ask("GET", f"/api/v1/plans/{asked['id']}/log")
        return next((entry for entry in log["items"] if entry["event"] == "untold"), None)

    entry = await fabu.until_found(untold)
    assert (entry["details"]["endpoint"], entry["details"]["event"]) == ("Zadig", "start_execute")
    assert "instance code not match" in entry["details"]["reason"]
    assert plan.instance_code not in entry["details"]["reason"]


async def test_an_answer_about_a_plan_that_zadig_does_not_have_any_more_ends_the_gate(fabu: Case) -> None:
    asked = await opened_gate(fabu, zadigs_plan())
    fabu.zadig.plans.clear()
    await fabu.do(f"/plans/{asked['id']}/approve", by="bob")
    assert "no documents" in (await fabu.until(asked["id"], lambda now: now["status"] == "cancel"))["reason"]


async def test_an_answer_waits_while_zadig_refuses_the_token(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    right, fabu.zadig.token = fabu.zadig.token, "renewed"
    await fabu.do(f"/plans/{asked['id']}/approve", by="bob")
    await fabu.zadig.until(lambda: fabu.zadig.calls_to("plan"))
    assert (await fabu.plan(asked["id"]))["status"] == "executing"
    fabu.zadig.token = right
    await fabu.until(asked["id"], lambda now: now["status"] == "success")
    assert plan.status == "executing"


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_hook_opens_a_gate_at_both_addresses(fabu: Case, address: str) -> None:
    fabu.zadig.plan_hook = fabu.hook("start_execute", address=address)
    assert (await opened_gate(fabu, zadigs_plan()))["status"] == "wait_for_approval"


async def test_the_same_hook_opens_one_gate(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan)
    body = plan.body("start_execute")
    for _ in range(2):
        assert await fabu.push(body) == 200
    assert [found["id"] for found in await fabu.plans()] == [asked["id"]]
    assert (await fabu.plan(asked["id"]))["status"] == "wait_for_approval"


async def test_a_change_in_zadig_withdraws_the_older_gate_without_an_answer(fabu: Case) -> None:
    plan, other = zadigs_plan(), zadigs_plan("another")
    other.id = "68b7ec363306e52e21b2dbe7"
    untouched = await opened_gate(fabu, other)
    older = await opened_gate(fabu, plan)
    newer = await opened_gate(fabu, plan)
    withdrawn = await fabu.until(older["id"], lambda now: now["status"] == "cancel")
    assert withdrawn["reason"] == "The plan was changed in Zadig, which asks anew."
    assert (await fabu.plan(untouched["id"]))["status"] == "wait_for_approval"

    await fabu.do(f"/plans/{newer['id']}/approve", by="bob")
    await fabu.until(newer["id"], lambda now: now["status"] == "success")
    assert [call.arguments["instance_code"] for call in fabu.zadig.calls_to("callback")] == [plan.instance_code]


async def test_people_cannot_change_what_zadig_asks(fabu: Case) -> None:
    asked = await opened_gate(fabu, zadigs_plan())
    patch = {"approval": {"stages": [{"name": "me", "approvers": ["root"]}], "allow_self_approval": True}}
    for method, path, body in (("PATCH", "", patch), ("POST", "/replan", {"reason": "x"})):
        status, answer = await fabu.ask(method, f"/api/v1/plans/{asked['id']}{path}", "root", body)
        assert (status, answer["code"]) == (403, "forbidden")
    assert (await fabu.plan(asked["id"]))["status"] == "wait_for_approval"


async def test_the_first_gate_that_fits_decides_who_is_asked(fabu: Case) -> None:
    asked = await opened_gate(fabu, zadigs_plan("prod shop"))
    assert asked["approval"]["stages"][0]["name"] == "SRE"
    await fabu.do(f"/plans/{asked['id']}/approve", by="bob")
    assert (await fabu.plan(asked["id"]))["status"] == "wait_for_approval"
    await fabu.do(f"/plans/{asked['id']}/approve", by="carol")
    await fabu.until(asked["id"], lambda now: now["status"] == "success")


async def test_whoever_manages_the_plan_in_zadig_cannot_approve_it_here(fabu: Case) -> None:
    asked = await opened_gate(fabu, zadigs_plan("prod shop", manager="Bob"))
    assert asked["manager"] == "bob"
    status, answer = await fabu.ask("POST", f"/api/v1/plans/{asked['id']}/approve", "bob", {})
    assert (status, answer["code"]) == (403, "self_approval")


def of_no_project(name: str = "prod shop") -> Plan:
    """Return a plan that no gate fits when its planning is finished."""
    plan = zadigs_plan(name)
    plan.jobs.clear()
    return plan


async def test_a_plan_without_a_gate_is_held_where_the_settings_say_so(tmp_path: Path) -> None:
    async with case(tmp_path, gates=GATES, ungated="hold") as fabu:
        fabu.zadig.plan_hook = fabu.hook("finish_planning")
        plan = of_no_project()
        assert await fabu.zadig.send_plan_hook(plan, "finish_planning") == 422
        assert await fabu.plans() == []
        assert fabu.zadig.calls_to("callback") == []
        assert plan.status == "wait_for_finish_planning_external_check"


@pytest.mark.parametrize("gates", [GATES, []])
async def test_a_plan_without_a_gate_goes_on_at_once(tmp_path: Path, gates: list[Json]) -> None:
    async with case(tmp_path, gates=gates) as fabu:
        fabu.zadig.plan_hook = fabu.hook("finish_planning", "all_job_done")
        other_plan, other_event = of_no_project(), zadigs_plan("prod shop")
        assert await fabu.zadig.send_plan_hook(other_plan, "finish_planning") == 200
        await fabu.zadig.until(lambda: other_plan.status == "finish_planning")
        assert await fabu.zadig.send_plan_hook(other_event, "all_job_done") == 200
        await fabu.zadig.until(lambda: other_event.status == "success")
        assert await fabu.plans() == []
        assert await fabu.push(other_plan.body("finish_planning")) == 422  # it does not wait any more


async def test_a_plan_without_a_gate_goes_on_once_zadig_can_be_reached(fabu: Case) -> None:
    plan = of_no_project()
    with fabu.zadig.outage():
        assert await fabu.zadig.send_plan_hook(plan, "finish_planning") == 200
        assert plan.status == "wait_for_finish_planning_external_check"
    await fabu.zadig.until(lambda: plan.status == "finish_planning")


async def passes(fabu: Case, state: str) -> list[Json]:
    """Return the deliveries in a state that let Zadig go on where no gate fits."""
    _, listed = await fabu.ask("GET", f"/api/v1/deliveries?state={state}", "root")
    return [one for one in listed["items"] if one["kind"] == "ungated"]


async def test_what_zadig_does_not_want_to_hear_is_not_sent_for_ever(fabu: Case) -> None:
    plan = of_no_project()
    plan.wait("finish_planning")
    body = plan.body("finish_planning")
    plan.status, plan.instance_code = "planning", "0123456789abcdef"
    fabu.zadig.plans[plan.id] = plan
    assert await fabu.push(body) == 200
    [passed] = await eventually(passes, fabu, "done", wanted=bool)
    assert (passed["attempts"], plan.status, len(fabu.zadig.calls_to("callback"))) == (1, "planning", 1)


async def test_a_plan_without_a_gate_goes_on_although_fabu_was_started_anew(tmp_path: Path) -> None:
    plan = of_no_project()
    async with Zadig() as zadig:
        with zadig.outage():
            async with case(tmp_path, zadig, gates=GATES) as fabu:
                zadig.plan_hook = fabu.hook("finish_planning")
                assert await zadig.send_plan_hook(plan, "finish_planning") == 200
                assert [one["state"] != "done" for one in await passes(fabu, "")] == [True]
        assert plan.status == "wait_for_finish_planning_external_check"
        async with case(tmp_path, zadig, gates=GATES):
            await zadig.until(lambda: plan.status == "finish_planning", 15)


async def test_an_answer_to_what_no_gate_fits_is_replayed(fabu: Case) -> None:
    plan = of_no_project()
    assert await fabu.zadig.send_plan_hook(plan, "finish_planning") == 200
    [passed] = await eventually(passes, fabu, "done", wanted=bool)
    path = f"/api/v1/deliveries/{passed['id']}/replay"
    assert (await fabu.ask("POST", path, "alice", {}))[0] == 403
    assert await fabu.ask("POST", path, "root", {}) == (200, {"replayed": 1})
    [again] = await eventually(passes, fabu, "done", wanted=lambda found: found and found[0]["attempts"] == 2)
    assert again["id"] == passed["id"]


async def test_a_plan_without_a_gate_waits_while_zadig_refuses_the_token(fabu: Case) -> None:
    plan = of_no_project()
    right, fabu.zadig.token = fabu.zadig.token, "renewed"
    assert await fabu.zadig.send_plan_hook(plan, "finish_planning") == 200
    await fabu.zadig.until(lambda: fabu.zadig.calls_to("plan"))
    assert plan.status == "wait_for_finish_planning_external_check"
    fabu.zadig.token = right
    await fabu.zadig.until(lambda: plan.status == "finish_planning")


async def test_a_plan_that_no_gate_fits_any_more_withdraws_what_was_asked(fabu: Case) -> None:
    plan = zadigs_plan()
    asked = await opened_gate(fabu, plan, "finish_planning")
    plan.jobs.clear()
    assert await fabu.zadig.send_plan_hook(plan, "finish_planning") == 200
    assert (await fabu.plan(asked["id"]))["status"] == "cancel"
    await fabu.zadig.until(lambda: plan.status == "finish_planning")


async def test_a_hook_that_zadig_does_not_wait_for_asks_nobody(fabu: Case) -> None:
    plan = zadigs_plan()
    plan.status, plan.instance_code = "executing", "0123456789abcdef"
    assert await fabu.push(plan.body("start_execute")) == 422
    assert await fabu.plans() == []


async def test_a_hook_with_a_wrong_token_opens_nothing(fabu: Case) -> None:
    assert fabu.zadig.plan_hook
    fabu.zadig.plan_hook.token = "guess"
    assert await fabu.zadig.send_plan_hook(zadigs_plan(), "start_execute") == 401
    assert await fabu.plans() == []
