from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.zadig_case import ADDRESSES, Case, Json, case, examples
from tests.simulators.zadig_tasks import Task
from tests.waiting import eventually


@pytest.fixture
async def fabu(tmp_path: Path) -> AsyncIterator[Case]:
    async with case(tmp_path) as opened:
        yield opened


def script_item() -> Json:
    job = {"name": "script", "type": "freestyle", "spec": {"envs": [{"key": "TARGET", "value": "prod"}]}}
    workflow = {"name": "shop-release", "stages": [{"name": "build", "jobs": [job]}]}
    return {
        "key": "deploy", "name": "Deploy", "type": "workflow", "runner": "zadig", "project": "shop",
        "workflow": workflow,
    }  # fmt: skip


async def started(fabu: Case, *items: Json) -> Json:
    """Draft a plan of Alice's and start it; it needs no approval."""
    plan = await fabu.do("/plans", {"name": "Release", "manager": "alice", "items": list(items) or [script_item()]})
    return await fabu.do(f"/plans/{plan['id']}/submit")


async def execute(fabu: Case, plan: Json, verb: str = "execute", item: str = "") -> None:
    item = item or plan["items"][0]["id"]
    await fabu.do(f"/plans/{plan['id']}/items/{item}/{verb}")


def run_is(status: str, item: int = 0) -> Any:
    def look(plan: Json) -> bool:
        run = plan["items"][item]["run"]
        return run is not None and run["status"] == status

    return look


async def going(fabu: Case) -> tuple[Json, Task]:
    """Start a plan whose run goes on in Zadig."""
    plan = await started(fabu)
    await execute(fabu, plan)
    return await fabu.until(plan["id"], run_is("running")), fabu.zadig.only_task()


async def test_the_documents_example_runs_to_success_with_a_retry(fabu: Case) -> None:
    fabu.zadig.workflow_hook = fabu.hook("start_execute", "complete_execute")
    plan = await started(fabu, *examples(fabu.zadig))
    for index, item in enumerate(plan["items"]):
        await execute(fabu, plan, item=item["id"])
        if item["type"] == "text":
            continue
        await fabu.until(plan["id"], run_is("running", index))
        (task,) = (task for task in fabu.zadig.tasks.values() if task.status == "created")
        assert task.ran() == [job["name"] for stage in task.workflow["stages"] for job in stage["jobs"]]
        if index == 0:
            await fabu.zadig.move(task, "failed", job="deploy", error="image not found")
            failed = await fabu.until(plan["id"], run_is("failed"))
            assert failed["items"][0]["run"]["message"] == "deploy / deploy: image not found"
            await execute(fabu, plan, "retry", item["id"])
            await fabu.until(plan["id"], run_is("running"))
            assert task.restarted
        await fabu.zadig.move(task, "passed")
        await fabu.until(plan["id"], run_is("passed", index))
    ended = await fabu.until(plan["id"], lambda now: now["status"] == "success")
    assert [item["status"] for item in ended["items"]] == ["done"] * 4
    assert ended["items"][0]["run"]["attempt"] == 2
    assert len(fabu.zadig.tasks) == 3
    assert fabu.zadig.complaints == []


async def test_a_plan_can_be_drafted_while_zadig_is_down_and_starts_when_it_is_back(fabu: Case) -> None:
    with fabu.zadig.outage():
        plan = await started(fabu)
        await execute(fabu, plan)
        await fabu.zadig.until(lambda: fabu.zadig.calls)
        assert (await fabu.plan(plan["id"]))["items"][0]["run"]["status"] == "starting"
    now = await fabu.until(plan["id"], run_is("running"))
    assert now["items"][0]["run"]["url"].startswith(f"{fabu.zadig.url}/v1/projects/detail/shop/pipelines/custom/")
    assert len(fabu.zadig.tasks) == 1


async def test_a_start_whose_answer_was_lost_is_found_not_repeated(fabu: Case) -> None:
    fabu.zadig.fail("start", how="close", applied=True)
    plan, task = await going(fabu)
    assert f"fabu-{plan['number']}-{plan['items'][0]['id']}-1" in json.dumps(task.workflow["params"])
    assert len(fabu.zadig.calls_to("start")) == 1


async def test_a_start_that_was_lost_is_unknown_until_zadig_speaks_of_it(fabu: Case) -> None:
    plan = await started(fabu)
    fabu.zadig.clock.advance(-3600)  # a clock that is so wrong hides the task from those who look for it
    fabu.zadig.fail("start", how="close", applied=True)
    await execute(fabu, plan)
    await fabu.until(plan["id"], run_is("unknown"))
    task = fabu.zadig.only_task()
    assert await fabu.push(told(task, "running", "workflow")) == 200
    assert run_is("running")(await fabu.plan(plan["id"]))
    await fabu.zadig.move(task, "passed")
    assert await fabu.push(told(task, "passed")) == 200
    assert (await fabu.plan(plan["id"]))["status"] == "success"
    assert len(fabu.zadig.calls_to("start")) == 1


async def test_what_was_approved_empty_is_cleared_in_zadig_and_what_is_not_written_stays(fabu: Case) -> None:
    services = fabu.zadig.workflows["shop-release"]["stages"][0]["jobs"][0]["spec"]["service_and_builds_options"]
    for service in services:
        service["repos"][0]["tag"] = "v1.0"
    repo = {"repo_namespace": "shop", "branch": "hotfix/2.1"}
    item = script_item()
    build = {"service_and_builds": [
        {"service_name": "orders", "service_module": "orders", "repos": [repo | {"repo_name": "orders", "tag": ""}]},
        {"service_name": "carts", "service_module": "carts", "repos": [repo | {"repo_name": "carts"}]},
    ]}  # fmt: skip
    item["workflow"]["stages"][0]["jobs"] = [{"name": "build", "type": "zadig-build", "spec": build}]
    plan = await started(fabu, item)
    assert (await fabu.plan(plan["id"]))["items"][0]["workflow"] == item["workflow"]
    await execute(fabu, plan)
    await fabu.until(plan["id"], run_is("running"))
    orders, carts = fabu.zadig.only_task().spec_of("build")["service_and_builds"]
    assert (orders["repos"][0]["branch"], orders["repos"][0]["tag"]) == ("hotfix/2.1", "")
    assert carts["repos"][0]["tag"] == "v1.0"


async def test_a_run_that_zadig_would_not_run_as_meant_says_why(fabu: Case) -> None:
    item = script_item()
    item["workflow"]["stages"][0]["jobs"][0]["name"] = "scirpt"
    plan = await started(fabu, item)
    await execute(fabu, plan)
    failed = await fabu.until(plan["id"], run_is("failed"))
    assert "has no job scirpt" in failed["items"][0]["run"]["message"]


async def test_a_task_that_vanished_is_unknown_and_can_be_started_anew(fabu: Case) -> None:
    plan, _ = await going(fabu)
    fabu.zadig.tasks.clear()
    await fabu.services.runs.poll()
    assert run_is("unknown")(await fabu.plan(plan["id"]))
    await execute(fabu, plan, "retry")
    await fabu.until(plan["id"], run_is("running"))
    assert len(fabu.zadig.tasks) == 1


async def test_a_run_that_needs_a_person_says_so_and_goes_on(fabu: Case) -> None:
    plan, task = await going(fabu)
    fabu.zadig.notification = fabu.hook("pause", "passed")
    await fabu.zadig.move(task, "pause")
    waiting = await fabu.until(plan["id"], run_is("waiting"))
    assert waiting["items"][0]["run"]["message"] == "build: somebody has to start this stage in Zadig"
    await fabu.zadig.move(task, "passed")
    await fabu.until(plan["id"], lambda now: now["status"] == "success")


async def test_a_replayed_consent_does_not_agree_to_another_stage(fabu: Case) -> None:
    stages = [{"name": "QA", "channel": "native", "rule": "any", "approvers": ["bob"]}]
    body = {"name": "R", "manager": "alice", "items": [script_item()], "approval": {"stages": stages}}
    plan = await fabu.do("/plans", body)
    await fabu.do(f"/plans/{plan['id']}/submit")
    await fabu.do(f"/plans/{plan['id']}/approve", by="bob")
    await execute(fabu, plan)
    await fabu.until(plan["id"], run_is("running"))
    task = fabu.zadig.only_task()
    await fabu.zadig.move(task, "pause")
    await fabu.services.runs.poll()
    await fabu.do(f"/plans/{plan['id']}/items/{plan['items'][0]['id']}/execute", {"remark": "go"}, by="bob")
    await fabu.zadig.until(lambda: task.status == "running")
    await fabu.zadig.move(task, "pause")
    await fabu.services.runs.poll()

    async def consents(attempts: int) -> list[Json]:
        _, listed = await fabu.ask("GET", f"/api/v1/plans/{plan['id']}/deliveries?state=done", "root")
        return [one for one in listed["items"] if (one["kind"], one["attempts"]) == ("run_resume", attempts)]

    [done] = await eventually(consents, 1, wanted=bool)
    assert await fabu.do(f"/deliveries/{done['id']}/replay", by="root") == {"replayed": 1}
    await eventually(consents, 2, wanted=bool)
    assert task.status == "pause"
    assert len(fabu.zadig.calls_to("manual-exec")) == 1


async def test_cancelling_a_plan_stops_its_task(fabu: Case) -> None:
    plan, task = await going(fabu)
    await fabu.do(f"/plans/{plan['id']}/cancel")
    await fabu.zadig.until(lambda: task.status == "cancelled")


async def test_the_task_of_an_item_that_is_gone_is_stopped_once_zadig_is_back(fabu: Case) -> None:
    plan, task = await going(fabu)
    with fabu.zadig.outage():
        await fabu.do(f"/plans/{plan['id']}/replan")
        await fabu.zadig.until(lambda: fabu.zadig.calls[-1].fault)
        step = {"key": "notes", "name": "Notes", "type": "text"}
        status, _ = await fabu.ask("PATCH", f"/api/v1/plans/{plan['id']}", body={"items": [step]})
        assert status == 200
    await fabu.zadig.until(lambda: task.status == "cancelled")


def told(task: Task, status: str, event: str = "complete_execute") -> Json:
    """The body of a push that claims a status."""
    return {"object_kind": "workflow", "event": event, "workflow": task.notice() | {"status": status}}


async def test_a_push_that_lies_changes_nothing(fabu: Case) -> None:
    plan, task = await going(fabu)
    before = await fabu.plan(plan["id"])
    assert await fabu.push(told(task, "passed"), token="guess") == 401
    assert await fabu.push(told(task, "passed")) == 200
    assert await fabu.plan(plan["id"]) == before


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_push_is_taken_at_both_addresses(fabu: Case, address: str) -> None:
    plan, task = await going(fabu)
    await fabu.zadig.move(task, "passed")
    assert await fabu.push(told(task, "passed"), token="guess", address=address) == 401
    assert run_is("running")(await fabu.plan(plan["id"]))
    assert await fabu.push(told(task, "passed"), address=address) == 200
    assert (await fabu.plan(plan["id"]))["status"] == "success"


async def test_a_push_of_a_runner_that_is_not_enabled_is_not_found(fabu: Case) -> None:
    _, task = await going(fabu)
    status, answer = await fabu.ask("POST", "/runners/jenkins/push", "", told(task, "passed"))
    assert (status, answer["code"], answer["params"]) == (404, "not_found", {"what": "runner", "ref": "jenkins"})


async def test_a_push_about_somebody_elses_task_is_taken_and_left_alone(fabu: Case) -> None:
    plan, task = await going(fabu)
    await fabu.zadig.move(task, "failed")
    for number in (task.id, 99):
        other = told(task, "failed")
        other["workflow"] |= {"task_id": number, "workflow_name": "other" if number == task.id else task.key}
        assert await fabu.push(other) == 200
    assert run_is("running")(await fabu.plan(plan["id"]))


async def test_a_doubled_and_a_late_push_change_nothing_more(fabu: Case) -> None:
    plan, task = await going(fabu)
    await fabu.zadig.move(task, "failed")
    assert await fabu.push(told(task, "failed")) == 200
    failed = await fabu.plan(plan["id"])
    assert run_is("failed")(failed)
    assert await fabu.push(told(task, "failed")) == 200
    assert await fabu.plan(plan["id"]) == failed

    await execute(fabu, plan, "retry")
    await fabu.until(plan["id"], run_is("running"))
    assert await fabu.push(told(task, "failed")) == 200
    assert run_is("running")(await fabu.plan(plan["id"]))


async def test_a_rejection_that_zadig_does_not_tell_of_is_found_by_the_poll(fabu: Case) -> None:
    fabu.zadig.workflow_hook = fabu.hook("start_execute", "complete_execute")
    plan, task = await going(fabu)
    told_before = len(fabu.zadig.pushes)
    await fabu.zadig.move(task, "reject", job="script", error="not today")
    assert len(fabu.zadig.pushes) == told_before
    assert run_is("running")(await fabu.plan(plan["id"]))
    await fabu.services.runs.poll()
    failed = await fabu.plan(plan["id"])
    assert run_is("failed")(failed)
    assert failed["items"][0]["run"]["message"] == "build / script: not today"


async def test_a_push_while_zadig_cannot_be_asked_waits_for_the_poll(fabu: Case) -> None:
    plan, task = await going(fabu)
    await fabu.zadig.move(task, "passed")
    with fabu.zadig.outage():
        assert await fabu.push(told(task, "passed")) == 200
    assert run_is("running")(await fabu.plan(plan["id"]))
    await fabu.services.runs.poll()
    assert (await fabu.plan(plan["id"]))["status"] == "success"


@pytest.mark.parametrize("how", ["push", "poll"])
@pytest.mark.parametrize("case", ["a second attempt", "without a reference"])
async def test_a_task_that_is_run_again_in_zadig_is_followed(fabu: Case, case: str, how: str) -> None:
    if case == "without a reference":
        del fabu.zadig.workflows["shop-release"]["params"][2]
    plan, task = await going(fabu)
    if case == "a second attempt":
        await reported(fabu, task, "failed", how)
        await execute(fabu, plan, "retry")
        await fabu.until(plan["id"], run_is("running"))
    await reported(fabu, task, "failed", how)
    assert run_is("failed")(await fabu.plan(plan["id"]))

    await fabu.zadig.run_again(task)
    await reported(fabu, task, "running", how)
    again = await fabu.plan(plan["id"])
    assert (again["items"][0]["status"], again["items"][0]["run"]["status"]) == ("running", "running")
    path = f"/api/v1/plans/{plan['id']}/items/{plan['items'][0]['id']}/skip"
    status, _ = await fabu.ask("POST", path, body={"reason": "never mind"})
    assert (status, (await fabu.plan(plan["id"]))["status"]) == (409, "executing")
    await reported(fabu, task, "passed", how)
    assert (await fabu.plan(plan["id"]))["status"] == "success"


@pytest.mark.parametrize("how", ["push", "poll"])
@pytest.mark.parametrize("attempt", [1, 2])
async def test_a_task_that_is_cloned_in_zadig_is_followed(fabu: Case, attempt: int, how: str) -> None:
    plan, task = await going(fabu)
    for _ in range(attempt - 1):
        await reported(fabu, task, "failed", how)
        await execute(fabu, plan, "retry")
        await fabu.until(plan["id"], run_is("running"))
    await reported(fabu, task, "failed", how)
    clone = await fabu.zadig.clone(task)
    await reported(fabu, clone, "running", how)
    again = await fabu.plan(plan["id"])
    assert (again["items"][0]["status"], again["items"][0]["run"]["status"]) == ("running", "running")
    assert again["items"][0]["run"]["url"] != plan["items"][0]["run"]["url"]
    path = f"/api/v1/plans/{plan['id']}/items/{plan['items'][0]['id']}/skip"
    status, _ = await fabu.ask("POST", path, body={"reason": "never mind"})
    assert (status, (await fabu.plan(plan["id"]))["status"]) == (409, "executing")
    await reported(fabu, clone, "passed", how)
    assert (await fabu.plan(plan["id"]))["status"] == "success"


async def test_a_retry_takes_the_clone_of_a_task_and_starts_no_other(fabu: Case) -> None:
    plan, task = await going(fabu)
    await reported(fabu, task, "failed", "poll")
    clone = await fabu.zadig.clone(task)
    await execute(fabu, plan, "retry")
    await fabu.until(plan["id"], run_is("running"))
    assert (len(fabu.zadig.tasks), fabu.zadig.calls_to("retry"), task.status) == (2, [], "failed")
    await reported(fabu, clone, "passed", "poll")
    assert (await fabu.plan(plan["id"]))["status"] == "success"


async def test_a_clone_beside_a_task_that_goes_on_or_of_another_plan_is_left_alone(fabu: Case) -> None:
    plan, task = await going(fabu)
    other = await fabu.zadig.clone(task)
    await reported(fabu, other, "failed", "push")
    assert run_is("running")(await fabu.plan(plan["id"]))
    await reported(fabu, task, "failed", "poll")
    stranger = await fabu.zadig.clone(task)
    stranger.workflow["params"][2]["value"] = "fabu-99-nothing-1"
    await reported(fabu, stranger, "passed", "push")
    await fabu.services.runs.poll()
    read = len(fabu.zadig.calls_to("task"))
    await fabu.services.runs.poll()
    assert len(fabu.zadig.calls_to("task")) == read + 1, "a task of others is read once"
    assert run_is("failed")(await fabu.plan(plan["id"]))


async def test_a_failure_is_known_although_zadig_lists_no_tasks(fabu: Case) -> None:
    plan, task = await going(fabu)
    fabu.zadig.refused_actions = frozenset({"tasks"})
    await reported(fabu, task, "failed", "poll")
    assert run_is("failed")(await fabu.plan(plan["id"]))


async def reported(fabu: Case, task: Task, status: str, how: str) -> None:
    """Bring a task to a status of which Fabu hears by a push or the next poll."""
    await fabu.zadig.move(task, status)
    if how == "push":
        assert await fabu.push(told(task, status, "workflow")) == 200
    else:
        await fabu.services.runs.poll()


async def test_a_task_that_is_run_again_and_passes_between_two_polls_is_done(fabu: Case) -> None:
    plan, task = await going(fabu)
    await reported(fabu, task, "failed", "poll")
    await fabu.zadig.run_again(task)
    await reported(fabu, task, "passed", "poll")
    assert (await fabu.plan(plan["id"]))["status"] == "success"


async def test_a_retry_that_could_not_start_keeps_its_reason_while_the_task_stays_failed(fabu: Case) -> None:
    plan, task = await going(fabu)
    await reported(fabu, task, "failed", "poll")
    fabu.zadig.refused_actions = frozenset({"retry"})
    del fabu.zadig.workflows["shop-release"]
    await execute(fabu, plan, "retry")
    failed = await fabu.until(plan["id"], lambda now: run_is("failed")(now) and now["items"][0]["run"]["attempt"] == 2)
    assert "no documents in result" in failed["items"][0]["run"]["message"]
    await fabu.services.runs.poll()
    assert await fabu.plan(plan["id"]) == failed
