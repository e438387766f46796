"""What a killed server leaves behind, and what the next one makes of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.local.isolation.base import Isolation
from adapters.local.record import Record, RunFolder
from adapters.local.sessions import ProcessId, end_session
from adapters.local.settings import LocalSettings
from core.messages import NO_MESSAGE, Message
from core.status import RunStatus
from tests.unit.adapters.local.conftest import Desk, gone, order, pid_in, script, sql, workflow
from tests.waiting import until

SERVER = """
import asyncio, sys
from pathlib import Path
from adapters.local.settings import LocalSettings
from tests.unit.adapters.local.conftest import Desk, gone, pid_in, script

async def main():
    desk = Desk(Path(sys.argv[1]), LocalSettings(max_parallel=1))
    await desk.start(script(sys.argv[2]))
    await desk.start(script("echo queued"), run_id="r2")
    await asyncio.sleep(1000)

asyncio.run(main())
"""


@pytest.fixture
async def killed(tmp_path: Path) -> AsyncIterator[int]:
    """The process of a script whose server was killed while it ran."""
    pid = tmp_path / "pid"
    text = f"echo shown; echo x >> {tmp_path}/count; echo $$ > {pid}; sleep 1000"
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, str(tmp_path / "runs"), text)
    number = await pid_in(pid)
    queued = tmp_path / "runs" / "r2" / "output.0"
    await until(lambda: queued.exists() and queued.read_text())
    server.kill()
    await server.wait()
    yield number
    await end_session(number, 0)


async def test_a_run_of_a_killed_server_ends_as_unknown_and_is_not_repeated(killed: int, tmp_path: Path) -> None:
    assert ProcessId.of(killed) is not None
    desk = Desk(tmp_path / "runs")
    await desk.runner.recover()
    await gone(killed)
    assert [(report.run_id, report.status) for report in desk.told] == [("r1", RunStatus.UNKNOWN)]
    assert desk.runner.output("r1") == "== stage/job\nshown\n"
    assert (await desk.start(script("echo again"))).status is RunStatus.UNKNOWN
    assert (tmp_path / "count").read_text() == "x\n"
    await desk.runner.recover()
    assert len(desk.told) == 1


async def test_a_server_beside_a_killed_one_ends_its_run_when_it_is_asked_about_it(killed: int, tmp_path: Path) -> None:
    beside = Desk(tmp_path / "runs")
    report = await beside.runner.status("r1", "", order(workflow(script("sleep 1000"))))
    assert report
    assert report.status is RunStatus.UNKNOWN
    await gone(killed)


async def test_what_waited_at_a_killed_server_is_run_once_somebody_asks_for_it(killed: int, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs")
    await desk.runner.recover()
    assert desk.runner.output("r2") == "== waiting for other runs to end\n"
    queued = order(workflow(script("echo queued")), "r2")
    reports = [await desk.runner.status("r2", "r2", queued), await desk.runner.find(queued)]
    assert [report and report.status for report in reports] == [RunStatus.RUNNING] * 2
    assert await desk.end("r2") == (RunStatus.PASSED, "")
    assert desk.runner.output("r2") == "== stage/job\nqueued\n== passed\n"


async def test_what_waited_is_run_by_one_of_two_servers(killed: int, tmp_path: Path) -> None:
    count = tmp_path / "queued"
    queued = order(workflow(script(f"echo x >> {count}; sleep 0.5")), "r2")
    desks = [Desk(tmp_path / "runs") for _ in range(2)]
    for desk in desks:
        await desk.runner.find(queued)
    await until(lambda: any(desk.told for desk in desks))
    assert count.read_text() == "x\n"
    for desk in desks:
        await desk.runner.close()


async def test_what_waited_is_cancelled_with_its_plan(killed: int, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs")
    await desk.cancel("r2")
    report = await desk.start(script("echo never"), run_id="r2")
    assert (report.status, str(report.message)) == (RunStatus.CANCELLED, "cancelled with its plan")


async def test_what_waited_fails_when_its_database_is_gone(killed: int, tmp_path: Path) -> None:
    report = await Desk(tmp_path / "runs").start(sql("SELECT 1"), run_id="r2")
    assert report.status is RunStatus.FAILED
    assert "there is no database shop" in str(report.message)


async def test_what_waited_when_a_server_stopped_is_left_to_the_next(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs", LocalSettings(max_parallel=1))
    await desk.start(script("sleep 1000"))
    await desk.output_with("== stage/job\n")
    await desk.start(script("echo queued"), run_id="r2")
    await desk.output_with("waiting", "r2")
    await desk.runner.close()
    assert [(report.run_id, report.status) for report in desk.told] == [("r1", RunStatus.CANCELLED)]
    assert await desk.status("r2") is RunStatus.RUNNING
    folder = RunFolder(desk.work_dir, "r2")
    folder.save(replace(folder.load(), server=None))  # this process lives on
    after = Desk(desk.work_dir)
    await after.runner.recover()
    await after.start(script("echo queued"), run_id="r2")
    assert await after.end("r2") == (RunStatus.PASSED, "")


async def test_a_later_process_with_the_same_number_is_left_alone(killed: int, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs", "r1")
    record = folder.load()
    assert record.session is not None
    assert record.session.pid == killed
    folder.save(replace(record, session=ProcessId(killed, record.session.started + 1)))
    desk = Desk(tmp_path / "runs")
    await desk.runner.recover()
    assert await desk.status() is RunStatus.UNKNOWN
    assert ProcessId.of(killed) is not None
    os.killpg(killed, signal.SIGKILL)


async def test_a_run_of_a_server_that_lives_is_left_alone(desk: Desk) -> None:
    await desk.start(script("sleep 1000"))
    await desk.output_with("== stage/job\n")
    other = Desk(desk.work_dir)
    await other.runner.recover()
    assert other.told == []
    assert await other.status() is RunStatus.RUNNING


@pytest.mark.parametrize("text", [None, "", "{", '{"status": "odd"}'])
async def test_a_run_without_a_readable_record_is_unknown(desk: Desk, text: str | None) -> None:
    folder = desk.work_dir / "r1"
    folder.mkdir(parents=True)
    if text is not None:
        (folder / "record.json").write_text(text)
    assert await desk.status() is RunStatus.UNKNOWN
    assert (await desk.start(script("echo again"))).status is RunStatus.UNKNOWN
    await desk.runner.recover()
    assert desk.told == []


def test_a_record_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "r1")
    folder.create(Record(RunStatus.RUNNING))
    (folder.path / "record.json").write_text('{"status": "failed", "detail": "stage/job: exit code 2"}')
    assert folder.load() == Record(RunStatus.FAILED, Message.verbatim("stage/job: exit code 2"))


@pytest.mark.parametrize("detail", [Message("exit code {code}", {"code": 2}), Message.verbatim("{"), NO_MESSAGE])
def test_a_record_keeps_why_a_run_ended(tmp_path: Path, detail: Message) -> None:
    folder, record = RunFolder(tmp_path, "r1"), Record(RunStatus.FAILED, detail)
    folder.create(record)
    assert folder.load() == record


def test_of_two_starts_one_creates(tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path, "r1"), RunFolder(tmp_path, "r1")
    assert first.create(Record(RunStatus.RUNNING))
    assert not second.create(Record(RunStatus.PASSED))
    assert second.load().status is RunStatus.RUNNING


async def test_a_script_does_not_begin_without_its_gate(tmp_path: Path) -> None:
    from adapters.local.script import run_script

    path = tmp_path / "script.sh"
    path.write_text(f"touch {tmp_path}/begun")

    def fail(session: ProcessId | None) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await run_script(
            path,
            folder=tmp_path,
            variables={},
            grace=1,
            on_start=fail,
            write=lambda data: None,
            isolation=Isolation(tmp_path),
        )
    assert not (tmp_path / "begun").exists()
