"""Runs that are started, resumed, cancelled and reported on late, twice, or after they are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.outbox import runs as runs_module
from bot.outbox import worker as workers
from bot.outbox.runs import report_run
from core import commands as c
from core.draft import PlanPatch
from core.effects import RunCancel, RunResume, RunStart
from core.errors import DeliveryError
from core.messages import Message
from core.ports.outbox import DeliveryState
from core.ports.runner import RunReport
from core.status import ItemStatus, RunStatus
from tests.contract.store.offices import item_of
from tests.unit.bot.outbox.machine import Machine
from tests.waiting import eventually
from tests.worlds import text_item

BUSY = DeliveryError("local", Message("busy"), retryable=True, sent=False)
LOST = DeliveryError("local", Message("no answer"), retryable=True)
REFUSED = DeliveryError("local", Message("no such project"), retryable=False)


@pytest.fixture
async def machine(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Machine]:
    monkeypatch.setattr(workers, "POLL_INTERVAL", 0.02)
    monkeypatch.setattr(runs_module, "_RECORD_AGAIN", 0.02)
    machine = Machine()
    yield machine
    machine.store.writable.set()
    if machine.worker:
        await machine.worker.stop()


async def test_a_run_whose_start_cannot_be_recorded_is_not_started_again(machine: Machine) -> None:
    await machine.execute()
    machine.runner.meanwhile = machine.store.writable.clear
    machine.open()
    await machine.until_refused(3)
    machine.store.writable.set()
    run = await machine.until_run(RunStatus.RUNNING)
    assert run.external_id == "task/1"
    await machine.until_ended(RunStart)
    assert machine.runner.calls == ["start 1"]


async def test_a_start_that_a_stopping_server_cannot_record_is_looked_for_by_the_next(machine: Machine) -> None:
    await machine.execute()
    machine.runner.meanwhile = machine.store.writable.clear
    machine.open()
    await machine.until_refused()
    await machine.stop_and_forget()
    machine.runner.found = RunStatus.RUNNING
    machine.open()
    await machine.until_run(RunStatus.RUNNING)
    assert machine.runner.calls == ["start 1", "find"]


async def test_an_interrupted_start_that_is_not_found_is_unknown(machine: Machine) -> None:
    await machine.execute()
    machine.runner.meanwhile = machine.store.writable.clear
    machine.open()
    await machine.until_refused()
    await machine.stop_and_forget()
    machine.open()
    run = await machine.until_run(RunStatus.UNKNOWN)
    assert str(run.message) == "the start was interrupted"
    assert machine.runner.calls == ["start 1", "find"]


async def test_a_start_whose_answer_is_lost_is_looked_for(machine: Machine) -> None:
    await machine.execute()
    machine.runner.failures, machine.runner.found = [LOST], RunStatus.RUNNING
    machine.open()
    await machine.until_run(RunStatus.RUNNING)
    assert machine.runner.calls == ["start 1", "find"]


async def test_a_start_whose_answer_is_lost_and_that_cannot_be_looked_for_is_unknown(machine: Machine) -> None:
    await machine.execute()
    machine.runner.failures = [LOST, LOST]
    machine.open()
    await machine.until_run(RunStatus.UNKNOWN)
    assert machine.runner.calls == ["start 1", "find"]


async def test_an_order_says_whose_and_which_attempt_it_is_and_what_it_repeats(machine: Machine) -> None:
    await machine.execute()
    machine.open()
    await machine.until_run(RunStatus.RUNNING)
    machine.plan = await machine.office.stored(machine.plan)
    await machine.report(RunStatus.FAILED)
    await machine.do(c.Retry, "root")
    machine.wake()
    await machine.until_run(RunStatus.RUNNING)
    first, again = machine.runner.orders
    assert (first.attempt, first.previous, first.actor) == (1, "", "alice")
    assert (again.attempt, again.previous, again.actor) == (2, "task/1", "root")
    item = item_of(await machine.office.stored(machine.plan), "deploy")
    assert (again.item_id, again.item_name, again.requested_at) == (item.id, "Deploy", machine.clock.now())
    assert (again.plan_id, again.plan_number, again.run_id) == (machine.plan.id, 1, item.run.id if item.run else "")


async def test_a_start_that_is_refused_fails(machine: Machine) -> None:
    await machine.execute()
    machine.runner.failures = [REFUSED]
    machine.open()
    assert str((await machine.until_run(RunStatus.FAILED)).message) == "no such project"
    assert machine.runner.calls == ["start 1"]


async def test_a_start_that_was_not_sent_is_tried_again(machine: Machine) -> None:
    await machine.execute()
    machine.runner.failures = [BUSY]
    machine.open()
    await eventually(machine.tried, RunStart, wanted=bool)
    machine.clock.advance(timedelta(seconds=1))
    machine.wake()
    await machine.until_run(RunStatus.RUNNING)
    assert machine.runner.calls == ["start 1", "start 1"]


@pytest.mark.parametrize("command", [c.Replan, c.Cancel])
async def test_a_start_that_comes_after_its_plan_was_withdrawn_starts_nothing(
    machine: Machine, command: type[c.Command]
) -> None:
    await machine.execute()
    await machine.do(command)
    machine.open()
    await machine.until_ended(RunStart)
    await machine.until_ended(RunCancel)
    assert machine.runner.calls == ["cancel "]


async def test_a_deleted_plan_starts_nothing_and_stops_what_runs(machine: Machine) -> None:
    await machine.execute()
    await machine.do(c.Cancel)
    await machine.do(c.Delete)
    machine.open()
    await machine.until_ended(RunStart)
    await machine.until_ended(RunCancel)
    assert machine.runner.calls == ["cancel "]


async def test_a_run_of_an_item_that_was_taken_out_is_cancelled_by_its_own_id(machine: Machine) -> None:
    await machine.execute()
    await machine.report(RunStatus.RUNNING)
    await machine.do(c.Replan)
    await machine.do(c.Edit, patch=PlanPatch.model_validate({"items": [text_item("notes")]}))
    machine.open()
    await machine.until_ended(RunStart)
    await machine.until_ended(RunCancel)
    assert machine.runner.calls == ["cancel task/1"]


@pytest.mark.parametrize("gone", [False, True])
async def test_a_runner_that_is_not_enabled_any_more_fails_the_run_with_the_reason(
    machine: Machine, gone: bool
) -> None:
    await machine.execute()
    machine.runs.runners = {}
    if gone:
        await machine.do(c.Cancel)
        await machine.do(c.Delete)
    machine.open()
    start = await machine.until_ended(RunStart, DeliveryState.DEAD)
    assert start.attempts == 1
    assert str(start.error) == "local did not accept the request: this runner is not enabled in the settings"
    if gone:
        assert (await machine.until_ended(RunCancel, DeliveryState.DEAD)).attempts == 1
    else:
        run = await machine.until_run(RunStatus.FAILED)
        assert str(run.message) == "this runner is not enabled in the settings"
        assert item_of(await machine.office.stored(machine.plan), "deploy").status is ItemStatus.FAILED


async def test_a_run_of_a_runner_that_is_not_enabled_any_more_is_left_as_it_is_and_named_once(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    await machine.execute()
    await machine.report(RunStatus.RUNNING)
    machine.runs.runners = {}
    for _ in range(2):
        await machine.runs.poll()
    [record] = caplog.records
    assert "run task/1 of “Deploy” is not followed: the runner local is not enabled" in record.getMessage()
    assert (await machine.run()).status is RunStatus.RUNNING
    await machine.do(c.Cancel)
    machine.open()
    await machine.until_ended(RunCancel, DeliveryState.DEAD)


async def test_a_run_is_resumed_once_with_the_name_and_the_comment(machine: Machine) -> None:
    await machine.waiting()
    await machine.do(c.Execute, "bob", remark="go on")
    machine.open()
    resume = await machine.until_ended(RunResume)
    await machine.replay(resume)
    assert machine.runner.calls == ["resume task/1 bob: go on"]


async def test_a_run_that_waits_again_after_a_failed_try_is_not_resumed_at_a_step_that_nobody_saw(
    machine: Machine,
) -> None:
    await machine.waiting()
    await machine.do(c.Execute, "bob")
    machine.runner.failures = [LOST]
    machine.open()
    await eventually(machine.tried, RunResume, wanted=bool)
    await machine.report(RunStatus.WAITING)
    machine.clock.advance(timedelta(seconds=1))
    machine.wake()
    await machine.until_ended(RunResume)
    assert machine.runner.calls == ["resume task/1 bob"]


async def test_a_resume_that_is_refused_waits_with_the_reason(machine: Machine) -> None:
    await machine.waiting()
    await machine.do(c.Execute, "bob")
    machine.runner.failures = [REFUSED]
    machine.open()
    await machine.until_ended(RunResume, DeliveryState.DEAD)
    run = await machine.until_run(RunStatus.WAITING)
    assert str(run.message) == "no such project"
    assert item_of(await machine.office.stored(machine.plan), "deploy").status is ItemStatus.RUNNING


@pytest.mark.parametrize("then", ["retried", "replanned"])
async def test_a_resume_of_a_run_that_is_over_does_nothing(machine: Machine, then: str) -> None:
    await machine.waiting()
    await machine.do(c.Execute, "bob")
    if then == "retried":
        await machine.report(RunStatus.FAILED)
        await machine.do(c.Retry)
    else:
        await machine.do(c.Replan)
        await machine.do(c.Edit, patch=PlanPatch.model_validate({"items": [text_item("notes")]}))
    machine.open()
    await machine.until_ended(RunResume)
    assert not [call for call in machine.runner.calls if call.startswith("resume")]


async def test_a_cancellation_is_repeated_until_it_is_accepted(machine: Machine) -> None:
    await machine.execute()
    await machine.report(RunStatus.RUNNING)
    await machine.do(c.Cancel)
    machine.runner.failures = [LOST]
    machine.open()
    await eventually(machine.tried, RunCancel, wanted=bool)
    machine.clock.advance(timedelta(seconds=1))
    machine.wake()
    await machine.until_ended(RunCancel)
    assert machine.runner.calls == ["cancel task/1", "cancel task/1"]


async def test_the_status_of_a_run_is_not_asked_before_its_start_is_recorded(machine: Machine) -> None:
    await machine.execute()
    await machine.runs.poll()
    assert machine.runner.calls == []
    await machine.report(RunStatus.RUNNING)
    machine.runner.now = RunStatus.PASSED
    await machine.runs.poll()
    assert machine.runner.calls == ["status task/1"]
    assert (await machine.run()).status is RunStatus.PASSED
    await machine.runs.poll()
    assert machine.runner.calls == ["status task/1"], "a run that has passed is not asked for again"


@pytest.mark.parametrize("now", [RunStatus.FAILED, RunStatus.UNKNOWN, RunStatus.CANCELLED, RunStatus.TIMEOUT])
async def test_a_failed_run_stays_failed_unless_it_runs_again(machine: Machine, now: RunStatus) -> None:
    await machine.execute()
    await machine.report(RunStatus.FAILED)
    machine.runner.now = now
    await machine.runs.poll()
    assert (await machine.run()).status is RunStatus.FAILED
    machine.runner.now = RunStatus.RUNNING
    await machine.runs.poll()
    assert (await machine.run()).status is RunStatus.RUNNING


@pytest.mark.parametrize("now", [RunStatus.WAITING, RunStatus.FAILED, RunStatus.UNKNOWN, RunStatus.TIMEOUT])
async def test_what_has_become_of_a_run_is_recorded(machine: Machine, now: RunStatus) -> None:
    await machine.execute()
    await machine.report(RunStatus.RUNNING)
    machine.runner.now = now
    await machine.runs.poll()
    assert (await machine.run()).status is now


async def test_a_run_that_cannot_be_asked_for_holds_up_no_other(machine: Machine) -> None:
    await machine.execute()
    await machine.report(RunStatus.RUNNING)
    first = machine.plan
    await machine.execute()
    await machine.report(RunStatus.RUNNING)
    machine.runner.failures, machine.runner.now = [LOST], RunStatus.PASSED
    await machine.runs.poll()
    statuses = {item_of(await machine.office.stored(plan), "deploy").status for plan in (first, machine.plan)}
    assert statuses == {ItemStatus.RUNNING, ItemStatus.DONE}


async def test_a_status_that_was_asked_for_an_item_that_is_gone_is_left_out(machine: Machine) -> None:
    await machine.execute()
    await machine.report(RunStatus.RUNNING)
    item = item_of(machine.plan, "deploy")
    await machine.do(c.Replan)
    await machine.do(c.Edit, patch=PlanPatch.model_validate({"items": [text_item("notes")]}))
    await machine.runs.follow(machine.plan.id, item)
    assert machine.runner.calls == []


@pytest.mark.parametrize("how", ["cancelled", "deleted", "retried", "goes on"])
async def test_a_run_in_this_process_that_its_plan_does_not_want_is_cancelled(machine: Machine, how: str) -> None:
    await machine.execute()
    await machine.report(RunStatus.RUNNING)
    run, item = await machine.run(), item_of(machine.plan, "deploy")
    machine.runner.active = [(machine.plan.id, item.id, run.id)]
    if how == "retried":
        await machine.report(RunStatus.FAILED)
        await machine.do(c.Retry)
    if how in ("cancelled", "deleted"):
        await machine.do(c.Cancel)
    if how == "deleted":
        await machine.do(c.Delete)
    await machine.runs.poll()
    assert ("cancel " in machine.runner.calls) is (how != "goes on")


async def test_a_report_on_a_run_of_a_deleted_plan_is_left_out(machine: Machine) -> None:
    await machine.execute()
    run, item = await machine.run(), item_of(machine.plan, "deploy")
    await machine.do(c.Cancel)
    await machine.do(c.Delete)
    await report_run(machine.office.engine, machine.plan.id, item.id, RunReport(run.id, RunStatus.CANCELLED))
    assert [entry.event for entry in await machine.office.log(machine.plan)][-1] == "deleted"


async def test_outputs_are_deleted_by_their_runner(machine: Machine) -> None:
    await machine.runs.prune()
    assert machine.runner.calls == ["prune"]
