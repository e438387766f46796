"""What is stored differently from what was approved is not started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

import bot.outbox.worker as workers
from core import commands as c
from core.audit import LogEntry
from core.draft import PlanPatch
from core.effects import DestinationKind
from core.plan import Plan, Window
from core.status import ItemStatus, RunStatus
from tests.contract.store.offices import item_of
from tests.unit.bot.outbox.machine import Machine
from tests.waiting import eventually
from tests.worlds import START


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(workers, "POLL_INTERVAL", 0.02)
    return Machine()


async def tamper(machine: Machine, change: Callable[[Plan], Plan]) -> None:
    """Change a stored plan as nobody may."""

    def work(writing: Any) -> None:
        state = writing.plans._state
        state.plans[machine.plan.id] = change(state.plans[machine.plan.id])

    await machine.plain.write(work)


async def tamper_log(machine: Machine, event: str, change: Callable[[LogEntry], LogEntry]) -> None:
    def work(writing: Any) -> None:
        log = writing.plans._state.log
        for number, entry in list(log.items()):
            if entry.event == event:
                log[number] = change(entry)

    await machine.plain.write(work)


def on_item(key: str, **fields: Any) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        item = item_of(plan, key)
        return replace(plan, items=MappingProxyType({**plan.items, item.id: replace(item, **fields)}))

    return change


def on_stage(**fields: Any) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        stages = tuple(replace(stage, **fields) for stage in plan.approval.stages)
        return replace(plan, approval=replace(plan.approval, stages=stages))

    return change


OTHER = {"name": "other", "stages": []}
CHANGES: dict[str, Callable[[Plan], Plan]] = {
    "spec": on_item("deploy", spec=OTHER),
    "runner's project": on_item("deploy", project="other"),
    "digest": on_item("deploy", sha256="0" * 64),
    "digest of another item": on_item("notes", sha256="0" * 64),
    "needs": on_item("deploy", needs=("none",)),
    "window": lambda plan: replace(plan, window=Window(None, START + timedelta(days=9))),
    "description": lambda plan: replace(plan, content=replace(plan.content, description="other")),  # type: ignore[type-var]
    "approvers": on_stage(approvers=("erin",)),
    "no stage": lambda plan: replace(plan, approval=replace(plan.approval, stages=())),
    "no item": lambda plan: replace(
        plan, items=MappingProxyType({i: item for i, item in plan.items.items() if item.key != "notes"})
    ),
}


async def refused(machine: Machine) -> None:
    machine.open()
    run = await machine.until_run(RunStatus.FAILED)
    assert "audit verify" in str(run.message)
    assert machine.runner.orders == []
    events = [entry.event for entry in await machine.office.log(machine.plan)]
    assert events[-2:] == ["content_mismatch", "run_ended"]


async def alarms(machine: Machine) -> int:
    page = await machine.plain.read(lambda reading: reading.deliveries.page(machine.plan.id))
    return sum(found.effect.destination.kind is DestinationKind.ADMINS for found in page.items)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_nothing_starts_when_the_stored_plan_was_changed(
    machine: Machine, change: Callable[[Plan], Plan]
) -> None:
    await machine.execute()
    await tamper(machine, change)
    await refused(machine)
    assert machine.worker
    await machine.worker.stop()


@pytest.mark.parametrize("event", ["finished", "execution_started"])
@pytest.mark.parametrize(
    "change",
    [
        lambda entry: replace(entry, details={**entry.details, "content_sha256": "0" * 64}),
        lambda entry: replace(entry, plan_id="gone"),
    ],
    ids=["changed", "removed"],
)
async def test_nothing_starts_when_the_log_of_the_approval_was_changed(
    machine: Machine, event: str, change: Callable[[LogEntry], LogEntry]
) -> None:
    await machine.execute()
    await tamper_log(machine, event, change)
    await refused(machine)
    assert machine.worker
    await machine.worker.stop()


async def test_a_retry_is_checked_again_and_alarms_nobody_again(machine: Machine) -> None:
    await machine.execute()
    await tamper(machine, on_item("deploy", spec=OTHER))
    await refused(machine)
    assert await alarms(machine) == 1
    await machine.do(c.Retry)
    await machine.until_run(RunStatus.FAILED)
    assert machine.runner.orders == []
    assert await alarms(machine) == 1
    assert machine.worker
    await machine.worker.stop()


async def test_a_plan_that_was_approved_again_runs(machine: Machine) -> None:
    await machine.execute()
    await tamper(machine, on_item("deploy", spec=OTHER))
    await refused(machine)
    await machine.do(c.Replan, reason="it was changed")
    await machine.do(c.Edit, patch=PlanPatch(description="looked at again"))
    await machine.do(c.Submit)
    await machine.do(c.Approve, "bob")
    await machine.do(c.Execute)
    await eventually(lambda: _orders(machine), wanted=lambda orders: len(orders) == 1)
    assert machine.runner.orders[0].workflow.name == "other"
    assert machine.worker
    await machine.worker.stop()


async def _orders(machine: Machine) -> list[Any]:
    return machine.runner.orders


async def test_a_run_that_waits_is_not_resumed(machine: Machine) -> None:
    await machine.execute()
    machine.runner.now = RunStatus.WAITING
    machine.open()
    await machine.until_run(RunStatus.RUNNING)
    await machine.office.report(machine.plan, "deploy", RunStatus.WAITING)
    await tamper(machine, on_item("deploy", spec=OTHER))
    await machine.do(c.Execute, "bob")
    await machine.until_run(RunStatus.FAILED)
    assert not [call for call in machine.runner.calls if call.startswith("resume")]
    assert machine.worker
    await machine.worker.stop()


async def test_a_queued_run_of_a_server_that_stopped_is_not_begun(machine: Machine) -> None:
    await machine.execute()
    machine.open()
    await machine.until_run(RunStatus.RUNNING)
    await tamper(machine, on_item("deploy", spec=OTHER))
    await machine.runs.poll()
    assert (await machine.run()).status is RunStatus.FAILED
    assert not [call for call in machine.runner.calls if call.startswith("status")]
    stored = await machine.office.stored(machine.plan)
    assert item_of(stored, "deploy").status is ItemStatus.FAILED
    assert machine.worker
    await machine.worker.stop()
