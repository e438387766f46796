"""The runs of other servers: a server that is gone has lost them, and one that was paused has lost its claims."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from bot.outbox.runs import is_wanted
from bot.outbox.worker import LEASE
from core import commands as c
from core.effects import RunResume, RunStart
from core.ports.outbox import DeliveryState
from core.status import ItemStatus, RunStatus
from tests.contract.store.offices import item_of
from tests.unit.bot.outbox.machine import Machine
from tests.waiting import until

ELSEWHERE = "r1@there"


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    machine = Machine()
    yield machine
    if machine.worker:
        await machine.stop()


async def running_elsewhere(machine: Machine) -> None:
    """Have a run that another server has."""
    await machine.execute()
    machine.plan = await machine.office.report(machine.plan, "deploy", RunStatus.RUNNING, external_id=ELSEWHERE)
    machine.runner.now = None


async def test_the_run_of_a_server_that_lives_is_left_to_it(machine: Machine) -> None:
    await running_elsewhere(machine)
    await machine.runs.poll()
    assert machine.runner.calls == [f"status {ELSEWHERE}"]
    assert (await machine.run()).status is RunStatus.RUNNING


async def test_the_run_of_a_server_that_is_gone_is_unknown_and_can_be_retried(machine: Machine) -> None:
    await running_elsewhere(machine)
    machine.gone.add("there")
    for _ in range(2):
        await machine.runs.poll()
    run = await machine.run()
    assert (run.status, run.external_id) == (RunStatus.UNKNOWN, ELSEWHERE)
    assert "shows no sign of life" in str(run.message)
    machine.plan = await machine.office.stored(machine.plan)
    await machine.do(c.Retry)
    assert ((await machine.run()).attempt, (await machine.run()).status) == (2, RunStatus.STARTING)


async def test_the_run_of_a_server_that_is_gone_can_be_skipped(machine: Machine) -> None:
    await running_elsewhere(machine)
    machine.gone.add("there")
    await machine.runs.poll()
    machine.plan = await machine.office.stored(machine.plan)
    await machine.do(c.Skip, reason="done by hand")
    assert item_of(machine.plan, "deploy").status is ItemStatus.SKIPPED


async def test_the_report_of_a_server_that_comes_back_counts_until_a_person_goes_on(machine: Machine) -> None:
    await running_elsewhere(machine)
    machine.gone.add("there")
    await machine.runs.poll()
    await machine.office.report(await machine.office.stored(machine.plan), "deploy", RunStatus.PASSED)
    assert (await machine.run()).status is RunStatus.PASSED


async def test_a_run_is_not_started_by_who_has_lost_its_claim(machine: Machine) -> None:
    await machine.execute()
    machine.store.meanwhile = partial(take_over, machine)
    machine.open()
    await until(lambda: machine.store.meanwhile is None)
    await machine.stop()
    [delivery] = await machine.deliveries(RunStart)
    assert (delivery.state, delivery.attempts) == (DeliveryState.SENDING, 2)
    assert machine.runner.calls == []
    assert (await machine.run()).status is RunStatus.STARTING


async def test_a_run_is_not_resumed_by_who_has_lost_its_claim(machine: Machine) -> None:
    await machine.waiting()
    await machine.do(c.Execute, "bob")
    machine.store.meanwhile = partial(take_over, machine)
    machine.open()
    await until(lambda: machine.store.meanwhile is None)
    await machine.stop()
    [delivery] = await machine.deliveries(RunResume)
    assert (delivery.state, delivery.attempts) == (DeliveryState.SENDING, 2)
    assert machine.runner.calls == []


async def take_over(machine: Machine) -> None:
    """Claim everything, as another server does while this one stands still after its own claim."""
    later = machine.clock.now() + LEASE
    assert await machine.plain.write(lambda writing: writing.outbox.claim(later, LEASE, 10))


async def test_a_run_is_wanted_until_it_has_ended_or_has_a_successor(machine: Machine) -> None:
    await machine.execute()
    item, first = item_of(machine.plan, "deploy"), await machine.run()
    ask = partial(is_wanted, machine.store, machine.plan.id, item.id, first.id)
    assert await ask()
    await machine.report(RunStatus.RUNNING)
    assert await ask()
    await machine.report(RunStatus.UNKNOWN)
    assert not await ask()
    await machine.do(c.Retry)
    assert not await ask()
    assert not await is_wanted(machine.store, "none", item.id, first.id)


async def test_whether_a_run_is_wanted_is_asked_until_the_database_answers(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.outbox.runs._ASK_AGAIN", 0.01)
    await machine.execute()
    item, run = item_of(machine.plan, "deploy"), await machine.run()
    machine.store.readable.clear()
    asked = asyncio.create_task(is_wanted(machine.store, machine.plan.id, item.id, run.id))
    await machine.until_refused(3)
    machine.store.readable.set()
    assert await asked
    assert len(caplog.records) == 1
