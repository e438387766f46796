"""What every `Runner` does alike: a run is started once, found, followed, cancelled and left alone."""

from __future__ import annotations

import re

import pytest

from bot.adapters import RUNNERS
from bot.i18n import Locale
from core.ports.runner import RunReport
from core.status import RunStatus
from tests.contract.runner.conftest import Subject
from tests.contract.runner.systems import SYSTEMS


def test_every_runner_is_held_to_the_contract() -> None:
    assert SYSTEMS.keys() == RUNNERS.keys()


async def test_a_start_says_where_the_run_is(subject: Subject) -> None:
    report = await subject.started()
    assert (report.run_id, report.status) == ("r1", RunStatus.RUNNING)
    assert report.external_id
    assert report.url.startswith("http")
    assert await subject.status(report) is RunStatus.RUNNING


async def test_a_run_is_started_once(subject: Subject) -> None:
    report = await subject.started()
    assert await subject.runner.start(subject.order()) == report
    await subject.system.end(well=True)
    await subject.until(report, RunStatus.PASSED)
    assert (await subject.runner.start(subject.order())).status is RunStatus.PASSED
    assert subject.system.starts == 1


async def test_a_run_is_found_by_its_order(subject: Subject) -> None:
    assert await subject.runner.find(subject.order()) is None
    report = await subject.started()
    assert await subject.runner.find(subject.order()) == report
    assert await subject.runner.find(subject.order("r2", attempt=2)) is None


@pytest.mark.parametrize(("well", "status"), [(True, RunStatus.PASSED), (False, RunStatus.FAILED)])
async def test_a_run_is_followed_to_its_end(subject: Subject, well: bool, status: RunStatus) -> None:
    report = await subject.started()
    await subject.system.end(well=well)
    await subject.until(report, status)
    ended = await subject.runner.status(report.run_id, report.external_id, subject.order())
    assert ended is not None
    assert ("exit code 3" in str(ended.message)) is not well


async def test_a_run_that_nobody_knows_is_unknown(subject: Subject) -> None:
    report = await subject.started()
    lost = RunReport("r9", RunStatus.RUNNING, re.sub("1(?=@|$)", "9", report.external_id, count=1))
    assert await subject.status(lost) is RunStatus.UNKNOWN
    await subject.runner.cancel(lost.run_id, lost.external_id)
    assert await subject.status(report) is RunStatus.RUNNING


async def test_a_run_that_is_gone_is_not_resumed(subject: Subject) -> None:
    report = await subject.started()
    known, _, _ = report.external_id.rpartition("1")
    for _ in range(2):
        await subject.runner.resume("r9", f"{known}9", subject.order("r9"), "go on")
    assert await subject.status(report) is RunStatus.RUNNING
    assert subject.system.starts == 1


async def test_an_attempt_after_one_that_is_gone_is_a_new_run(subject: Subject) -> None:
    report = await subject.started()
    known, _, _ = report.external_id.rpartition("1")
    await subject.system.end(well=False)
    await subject.until(report, RunStatus.FAILED)
    again = await subject.started(run_id="r2", attempt=2, previous=f"{known}9")
    assert (again.status, subject.system.starts) == (RunStatus.RUNNING, 2)


async def test_a_run_is_cancelled_once(subject: Subject) -> None:
    report = await subject.started()
    for _ in range(2):
        await subject.runner.cancel(report.run_id, report.external_id)
    await subject.until(report, RunStatus.CANCELLED)
    await subject.runner.cancel(report.run_id, report.external_id)
    assert await subject.status(report) is RunStatus.CANCELLED


async def test_a_run_that_has_ended_is_not_cancelled(subject: Subject) -> None:
    report = await subject.started()
    await subject.system.end(well=True)
    await subject.until(report, RunStatus.PASSED)
    await subject.runner.cancel(report.run_id, report.external_id)
    assert await subject.status(report) is RunStatus.PASSED


async def test_a_run_that_waits_for_nobody_is_not_resumed(subject: Subject) -> None:
    report = await subject.started()
    await subject.runner.resume(report.run_id, report.external_id, subject.order(), "go on")
    assert await subject.status(report) is RunStatus.RUNNING
    await subject.system.end(well=True)
    await subject.until(report, RunStatus.PASSED)
    await subject.runner.resume(report.run_id, report.external_id, subject.order(), "go on")
    assert await subject.status(report) is RunStatus.PASSED


async def test_a_failed_run_is_repeated_by_the_next_attempt(subject: Subject) -> None:
    report = await subject.started()
    await subject.system.end(well=False)
    await subject.until(report, RunStatus.FAILED)
    again = await subject.started(run_id="r2", attempt=2, previous=report.external_id)
    assert (again.run_id, again.status) == ("r2", RunStatus.RUNNING)
    await subject.system.end(well=True)
    await subject.until(again, RunStatus.PASSED)
    assert subject.system.starts == 2


async def test_what_cannot_run_fails_at_its_start_and_is_not_started(subject: Subject) -> None:
    report = await subject.runner.start(subject.order(workflow=subject.system.refused))
    assert report.status is RunStatus.FAILED
    assert "stages[0].jobs[0]" in str(report.message)
    assert subject.system.starts == 0
    assert await subject.runner.find(subject.order(workflow=subject.system.refused)) is None


async def test_problems_are_found_without_the_system(subject: Subject) -> None:
    await subject.runner.close()
    assert subject.runner.problems(subject.system.workflow) == []
    found = subject.runner.problems(subject.system.unfit)
    assert [problem.path.partition("[")[0] for problem in found] == ["stages"]
    nothing = subject.system.workflow.model_copy(update={"stages": []})
    assert [problem.path for problem in subject.runner.problems(nothing)] == ["stages"]


async def test_problems_are_explained_in_the_readers_language(subject: Subject) -> None:
    nothing = subject.system.workflow.model_copy(update={"stages": []})
    found = [*subject.runner.problems(subject.system.unfit), *subject.runner.problems(nothing)]
    explained = [Locale("zh_CN", "UTC").problem(problem) for problem in found]
    assert explained
    assert [text for text in explained if not re.search("[一-龥]", text)] == []


async def test_closing_twice_is_closing_once(subject: Subject) -> None:
    report = await subject.started()
    await subject.system.end(well=True)
    await subject.until(report, RunStatus.PASSED)
    await subject.runner.close()
    await subject.runner.close()
