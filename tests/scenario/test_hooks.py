"""Hooks from the plan to the external system, on a running server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fixtures import hook_example, missing
from tests.scenario.hooked import NEXT_SECRET, SECRET, TEXT, endpoint, fabu, settings_for
from tests.simulators.receiver import Hook, Receiver

EXAMPLE = hook_example()["release_plan"]


async def hooks_of(receiver: Receiver, count: int) -> list[Hook]:
    return await receiver.until(lambda: receiver.hooks if len(receiver.hooks) == count else None)


async def test_the_three_events_are_told_with_the_status_of_their_moment(tmp_path: Path) -> None:
    async with (
        Receiver(SECRET, token="zadig") as receiver,
        fabu(settings_for(tmp_path, receiver, wait_for_callback=False)) as running,
    ):
        plan = await running.submitted()
        await running.complete(plan)
        hooks = await hooks_of(receiver, 3)

        assert [(hook.event, hook.plan["status"]) for hook in hooks] == [
            ("finish_planning", "finish_planning"),
            ("start_execute", "executing"),
            ("all_job_done", "success"),
        ]
        assert [hook.problems for hook in hooks] == [[], [], []]
        assert len({hook.id for hook in hooks}) == 3
        assert await running.status(plan) == "success"


async def test_a_plan_waits_three_times_and_goes_on_when_it_is_answered(tmp_path: Path) -> None:
    waits = {
        "finish_planning": "wait_for_finish_planning_external_check",
        "start_execute": "wait_for_execute_external_check",
        "all_job_done": "wait_for_all_done_external_check",
    }
    async with Receiver(SECRET) as receiver, fabu(settings_for(tmp_path, receiver)) as running:
        plan = await running.submitted()
        for number, (event, waiting) in enumerate(waits.items(), 1):
            if event == "all_job_done":
                await running.complete(plan)
            hook = (await hooks_of(receiver, number))[-1]
            assert (hook.event, hook.plan["status"], hook.problems) == (event, waiting, [])
            assert hook.plan["success_time"] == 0
            assert await running.status(plan) == waiting
            assert await running.answer(receiver, hook) == (200, {"id": plan["id"], "message": "success"})
        assert await running.status(plan) == "success"
        assert len(receiver.hooks) == 3, "a moment that was waited for is told once"


async def test_an_endpoint_is_told_of_its_own_events_only(tmp_path: Path) -> None:
    async with Receiver() as all_of_them, Receiver() as the_end:
        endpoints = [endpoint("all", all_of_them), endpoint("end", the_end, events=["all_job_done"])]
        async with fabu(settings_for(tmp_path, endpoints=endpoints, wait_for_callback=False)) as running:
            await running.complete(await running.submitted())
            told = [hook.event for hook in await hooks_of(all_of_them, 3)]
            assert told == ["finish_planning", "start_execute", "all_job_done"]
            assert [hook.event for hook in await hooks_of(the_end, 1)] == ["all_job_done"]


async def test_both_secrets_are_valid_while_one_replaces_the_other(tmp_path: Path) -> None:
    async with Receiver(SECRET) as behind, Receiver(NEXT_SECRET) as ahead:
        secrets = {"secret": NEXT_SECRET, "previous_secret": SECRET}
        rotating = [endpoint("behind", behind, **secrets), endpoint("ahead", ahead, **secrets)]
        async with fabu(settings_for(tmp_path, endpoints=rotating)) as running:
            await running.submitted()
            assert [(await hooks_of(receiver, 1))[0].problems for receiver in (behind, ahead)] == [[], []]


async def test_the_documents_example_is_told_field_by_field_as_it_was_drafted(tmp_path: Path) -> None:
    before = datetime.fromtimestamp(EXAMPLE["start_time"] - 60, UTC)
    times = {name: datetime.fromtimestamp(EXAMPLE[name], UTC).isoformat() for name in EXAMPLE if name.endswith("_time")}
    items = [drafted(number, job) for number, job in enumerate(EXAMPLE["jobs"])]
    async with Receiver() as receiver, fabu(settings_for(tmp_path, receiver), before) as running:
        plan = await running.draft(
            *items,
            name=EXAMPLE["name"],
            description=EXAMPLE["description"],
            window={"start": times["start_time"], "end": times["end_time"]},
            schedule_at=times["schedule_execute_time"],
        )
        await running.call("POST", f"/plans/{plan['id']}/finish")
        (hook,) = await hooks_of(receiver, 1)

        assert hook.problems == []
        told = ("name", "description", "start_time", "end_time", "schedule_execute_time")
        assert {name: hook.plan[name] for name in told} == {name: EXAMPLE[name] for name in told}
        for job, ours in zip(EXAMPLE["jobs"], hook.plan["jobs"], strict=True):
            assert (ours["name"], ours["type"]) == (job["name"], job["type"])
            if job["type"] == "text":
                assert ours["spec"]["content"] == job["spec"]["content"]
            else:
                there, here = job["spec"]["workflow"], ours["spec"]["workflow"]
                assert list(missing(there, here)) == list(credentials(there)), "only credentials are not told"


def drafted(number: int, job: dict[str, Any]) -> dict[str, Any]:
    """An item of a draft that is to become a job of the example."""
    item = {"key": f"job{number}", "name": job["name"], "type": job["type"]}
    if job["type"] == "text":
        return item | {"content": job["spec"]["content"]}
    return item | {"runner": "zadig", "workflow": job["spec"]["workflow"]}


def credentials(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every credential."""
    if isinstance(value, list):
        for index, member in enumerate(value):
            yield from credentials(member, f"{path}/{index}")
    elif isinstance(value, dict):
        for key, member in value.items():
            if value.get("is_credential") and key == "value" and member:
                yield f"{path}/{key}"
            yield from credentials(member, f"{path}/{key}")


async def test_a_credential_stays_here(tmp_path: Path) -> None:
    workflow = {
        "name": "deploy",
        "params": [{"name": "password", "type": "string", "value": "hunter2", "is_credential": True}],
        "stages": [{"name": "s", "jobs": [{"name": "j", "type": "freestyle", "spec": {"script": "true"}}]}],
    }
    item = {"key": "deploy", "name": "Deploy", "type": "workflow", "workflow": workflow}
    async with Receiver() as receiver, fabu(settings_for(tmp_path, receiver)) as running:
        await running.submitted(item)
        (hook,) = await hooks_of(receiver, 1)
        assert b"hunter2" not in hook.raw
        assert hook.plan["jobs"][0]["spec"]["workflow"]["params"][0]["value"] == "********"


async def test_the_body_bears_witness_to_the_operation_log(tmp_path: Path) -> None:
    async with Receiver() as receiver, fabu(settings_for(tmp_path, receiver)) as running:
        plan = await running.submitted(TEXT, jira_sprints=[{"sprint_id": 7, "sprint_name": "Sprint 7"}])
        (hook,) = await hooks_of(receiver, 1)
        entries = await running.services.store.read(lambda reading: reading.log.of_plan(plan["id"]))
        head = hook.plan["audit"]
        assert entries[head["seq"] - 1].hash == head["hash"]
        assert hook.plan["revision"] == 1
        assert hook.plan["jira_sprints"] == [{"sprint_id": 7, "sprint_name": "Sprint 7"}]


async def test_the_documents_names_stand_beside_those_of_zadig_if_wanted(tmp_path: Path) -> None:
    job = {"name": "j", "type": "zadig-test", "spec": {"test_type": "service_test"}}
    workflow = {"name": "test", "stages": [{"name": "s", "jobs": [job]}]}
    item = {"key": "test", "name": "Test", "type": "workflow", "runner": "zadig", "workflow": workflow}
    async with Receiver() as receiver, fabu(settings_for(tmp_path, receiver, document_aliases=True)) as running:
        await running.submitted(item)
        (hook,) = await hooks_of(receiver, 1)
        spec = hook.plan["jobs"][0]["spec"]["workflow"]["stages"][0]["jobs"][0]["spec"]
        assert spec["test_type"] == spec["testing_type"] == "service_test"


async def test_a_hook_that_is_late_carries_the_code_of_its_own_revision(tmp_path: Path) -> None:
    async with Receiver() as receiver, fabu(settings_for(tmp_path, receiver)) as running:
        with receiver.outage():
            plan = await running.submitted()
            await running.settled(plan)
            first_code = (await running.call("GET", f"/plans/{plan['id']}", by="root"))["instance_code"]
            await running.call("POST", f"/plans/{plan['id']}/replan")
            await running.call("POST", f"/plans/{plan['id']}/submit")
        await running.pass_time(seconds=10)
        late, present = await hooks_of(receiver, 2)
        assert late.plan["instance_code"] == first_code != present.plan["instance_code"]
        assert (await running.answer(receiver, late))[0] == 410
        assert (await running.answer(receiver, present))[0] == 200
