"""Runs of scripts: order, outcome, environment, cancellation, queueing, shutdown."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.local import runner as runner_module
from adapters.local.isolation.base import Isolation
from adapters.local.runner import LocalRunner
from adapters.local.sessions import ProcessId
from adapters.local.settings import LocalSettings
from core.errors import DeliveryError, Unavailable
from core.messages import Message
from core.ports.runner import RunReport
from core.status import RunStatus
from core.workflow import Workflow
from tests.scenario.mounts import mounted
from tests.unit.adapters.local.conftest import Desk, gone, order, pid_in, script, workflow
from tests.waiting import PATIENCE, eventually, until


async def test_stages_and_jobs_run_in_order_in_one_folder(desk: Desk) -> None:
    jobs = [{"name": "one", "jobs": [script("echo 1 >> f"), script("echo 2 >> f")]}]
    jobs += [{"name": "two", "jobs": [script("echo 3 >> f; cat f", name="last")]}]
    await desk.runner.start(order(Workflow.model_validate({"stages": jobs})))
    assert await desk.end() == (RunStatus.PASSED, "")
    assert desk.runner.output("r1").endswith("== two/last\n1\n2\n3\n== passed\n")
    assert await desk.status() is RunStatus.PASSED


async def test_nothing_runs_after_a_failure(desk: Desk) -> None:
    end = await desk.run(script("echo before; exit 3", name="bad"), script("echo after"))
    assert end == (RunStatus.FAILED, "stage/bad: exit code 3")
    assert desk.runner.output("r1") == "== stage/bad\nbefore\n== failed: stage/bad: exit code 3\n"


async def test_a_script_stops_at_its_first_failing_command(desk: Desk) -> None:
    assert await desk.run(script("false\necho unreached")) == (RunStatus.FAILED, "stage/job: exit code 1")
    assert "unreached" not in desk.runner.output("r1")


async def test_a_script_that_kills_itself_fails_with_the_signal(desk: Desk) -> None:
    assert await desk.run(script("kill -KILL $$")) == (RunStatus.FAILED, "stage/job: ended by SIGKILL")


@pytest.mark.parametrize("policy", ["skip", "default_not_run"])
async def test_a_job_that_is_not_to_run_is_left_out(desk: Desk, policy: str) -> None:
    assert await desk.run(script("exit 1", run_policy=policy), script("echo ran", run_policy="force_run")) == (
        RunStatus.PASSED,
        "",
    )


async def test_the_environment_holds_what_was_declared_and_nothing_of_the_server(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FABU__SLACK__BOT_TOKEN", "of-the-server")
    params = [{"name": "VERSION", "type": "string", "value": "1.2"}, {"name": "REGION", "value": "eu"}]
    envs = [{"key": "REGION", "value": "cn"}, {"key": "ON", "type": "multi-select", "choice_value": ["a", "b"]}]
    await desk.run(script("env", envs=envs), params=params)
    lines = {line for line in desk.runner.output("r1").splitlines() if "=" in line and not line.startswith("==")}
    own = {"PWD", "SHLVL", "_", "OLDPWD"}  # bash sets these
    names = {line.partition("=")[0] for line in lines}
    about = {"FABU_PLAN", "FABU_PLAN_ID", "FABU_ITEM", "FABU_ATTEMPT", "FABU_ACTOR"}
    assert names - own - about == {"PATH", "HOME", "LANG", "VERSION", "REGION", "ON"}
    assert about <= names
    assert {"VERSION=1.2", "REGION=cn", "ON=a,b"} <= lines


async def test_stdin_is_empty_and_only_the_standard_files_are_open(desk: Desk) -> None:
    assert await desk.run(script("cat; for f in /proc/self/fd/*; do echo ${f##*/}; done")) == (RunStatus.PASSED, "")
    opened = [int(line) for line in desk.runner.output("r1").splitlines() if line.isdigit()]
    assert [fd for fd in opened if fd < 3] == [0, 1, 2]
    assert len(opened) <= 5  # the folder that lists them, and the script itself


async def test_a_run_is_started_once(desk: Desk) -> None:
    count = desk.work_dir.parent / "count"
    await desk.run(script(f"echo x >> {count}"))
    again = await desk.start(script(f"echo x >> {count}"))
    assert again.status is RunStatus.PASSED
    assert count.read_text() == "x\n"
    assert len(desk.told) == 1


async def test_the_folder_that_scripts_worked_in_is_removed(desk: Desk) -> None:
    await desk.run(script("echo secret > file"))
    assert not (desk.work_dir / "r1" / "work").exists()


async def test_what_a_run_writes_is_for_the_owner_alone(desk: Desk) -> None:
    before = os.umask(0)
    try:
        await desk.start(script("echo begun; sleep 1000"))
        await desk.output_with("begun\n")
        written = {path.name: path.stat().st_mode & 0o777 for path in (desk.work_dir, *desk.work_dir.rglob("*"))}
    finally:
        os.umask(before)
    folders = {name for name, mode in written.items() if mode == 0o700}
    assert folders == {"runs", "r1", "work"}
    assert {mode for name, mode in written.items() if name not in folders} == {0o600}
    assert {"output.0", "record.json", "script.1.sh"} <= {*written}


async def test_time_limit(desk: Desk) -> None:
    end = await desk.run(script("echo begun; sleep 1000", timeout="1s"))
    assert end == (RunStatus.TIMEOUT, "stage/job: not done within 1s")


async def test_cancel_ends_every_process_even_those_that_ignore_it(desk: Desk) -> None:
    pids = [desk.work_dir.parent / name for name in ("parent", "child", "job")]
    text = f"""
        trap '' TERM
        (trap '' TERM; echo $BASHPID > {pids[1]}; while :; do sleep 1; done) &
        set -m
        sleep 1000 & echo $! > {pids[2]}
        echo $$ > {pids[0]}
        while :; do sleep 1; done
    """
    await desk.start(script(text))
    numbers = [await pid_in(file) for file in pids]
    await desk.cancel()
    await desk.cancel()
    assert await desk.end() == (RunStatus.CANCELLED, "cancelled with its plan")
    for number in numbers:
        await gone(number)


async def test_a_cancelled_script_may_clean_up(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs", grace=PATIENCE)
    text = "trap 'echo unlocking; sleep 0.1; echo unlocked; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    await desk.start(script(text))
    await desk.output_with("ready\n")
    await desk.cancel()
    assert (await desk.end())[0] is RunStatus.CANCELLED
    assert "unlocking\nunlocked\n" in desk.runner.output("r1")
    await desk.runner.close()


async def test_cancel_before_the_first_step(desk: Desk) -> None:
    await desk.start(script("echo ran"))
    await desk.cancel()
    assert await desk.end() == (RunStatus.CANCELLED, "cancelled with its plan")
    assert "ran" not in desk.runner.output("r1")


async def test_a_background_process_does_not_outlive_its_script(desk: Desk) -> None:
    pid = desk.work_dir.parent / "pid"
    assert await desk.run(script(f"sleep 1000 & echo $! > {pid}")) == (RunStatus.PASSED, "")
    await gone(await pid_in(pid))


async def test_a_daemon_that_keeps_the_output_open_does_not_hold_up_the_run(desk: Desk) -> None:
    pid = desk.work_dir.parent / "pid"
    waits = f"until [ -s {pid} ]; do sleep 0.02; done"
    assert await desk.run(script(f"setsid bash -c 'echo $$ > {pid}; exec sleep 1000' & {waits}")) == (
        RunStatus.PASSED,
        "",
    )
    daemon = await pid_in(pid)
    assert ProcessId.of(daemon) is not None
    os.kill(daemon, 9)


async def test_a_script_that_closes_its_output_runs_on(desk: Desk) -> None:
    file = desk.work_dir.parent / "file"
    assert await desk.run(script(f"exec >&- 2>&-; sleep 0.2; touch {file}")) == (RunStatus.PASSED, "")
    assert file.exists()


async def test_a_script_that_removes_the_folder_of_its_run_still_ends(desk: Desk) -> None:
    assert await desk.run(script('rm -rf "$(realpath ..)"; seq 200000')) == (
        RunStatus.FAILED,
        f"this server has a problem: [Errno 2] No such file or directory: '{desk.work_dir}/r1/output.1'",
    )


async def test_the_end_of_a_run_is_saved_when_a_full_disk_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runner_module, "_SAVE_AGAIN", 0.05)
    go = tmp_path / "go"
    with mounted(tmp_path / "disk", 1) as disk:
        desk = Desk(disk.folder / "runs")
        await desk.start(script(f"until [ -e {go} ]; do sleep 0.05; done"))
        await desk.output_with("== stage/job\n")
        disk.fill()
        go.touch()
        await until(lambda: "the end of run r1 cannot be saved" in caplog.text)
        assert await desk.status() is RunStatus.RUNNING
        disk.free()
        await eventually(desk.status, wanted=lambda status: status.ended)
        await desk.runner.close()
    assert "Traceback" not in caplog.text


async def test_only_some_runs_go_on_at_a_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs", LocalSettings(max_parallel=1))
    go = tmp_path / "go"
    await desk.start(script(f"until [ -e {go} ]; do sleep 0.05; done"), run_id="first")
    await desk.output_with("== stage/job\n", "first")
    await desk.start(script(f"echo second; [ -e {go} ]"), run_id="second")
    await desk.output_with("== waiting for other runs to end\n", "second")
    assert await desk.status("second") is RunStatus.RUNNING
    go.touch()
    assert [await desk.end(run_id) for run_id in ("first", "second")] == [(RunStatus.PASSED, "")] * 2
    await desk.runner.close()


async def test_close_lets_runs_end_then_cancels_and_leaves_what_waits(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs", LocalSettings(max_parallel=2), drain=2)
    go = tmp_path / "go"
    await desk.start(script(f"until [ -e {go} ]; do sleep 0.05; done"), run_id="quick")
    await desk.start(script("sleep 1000"), run_id="slow")
    await desk.start(script("echo never"), run_id="queued")
    await desk.output_with("== stage/job\n", "slow")
    await desk.output_with("waiting", "queued")
    closing = asyncio.create_task(desk.runner.close())
    await asyncio.sleep(0)
    with pytest.raises(DeliveryError, match="the server is stopping"):
        await desk.start(script("echo never"), run_id="late")
    go.touch()
    await closing
    assert {report.run_id: (report.status, str(report.message)) for report in desk.told} == {
        "quick": (RunStatus.PASSED, ""),
        "slow": (RunStatus.CANCELLED, "server stopped"),
    }


@pytest.mark.parametrize("error", [ConnectionError("the database is away"), Unavailable()])
async def test_a_failing_listener_does_not_harm_the_record(
    tmp_path: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    called = asyncio.Event()

    async def fail(plan_id: str, item_id: str, report: RunReport) -> None:
        called.set()
        raise error

    runner = LocalRunner(LocalSettings(), tmp_path, fail, Isolation(tmp_path))
    await runner.start(order(workflow(script("true"))))
    await called.wait()
    await runner.close()
    report = await runner.status("r1", "", order(workflow()))
    assert report
    assert report.status is RunStatus.PASSED
    [record] = caplog.records
    assert "the end of run r1 could not be reported" in record.getMessage()
    assert bool(record.exc_info) is not isinstance(error, Unavailable), "an outage needs no traceback"


async def test_what_cannot_run_is_not_started(desk: Desk) -> None:
    report = await desk.start(script(""))
    assert report.status is RunStatus.FAILED
    assert "stages[0].jobs[0].spec.script: write the bash script to run" in str(report.message)
    assert await desk.runner.find(order(workflow())) is None
    assert await desk.status() is RunStatus.UNKNOWN


async def test_a_disk_that_cannot_be_written_is_tried_again(desk: Desk) -> None:
    desk.work_dir.write_text("not a folder")
    with pytest.raises(DeliveryError) as raised:
        await desk.start(script("true"))
    assert raised.value.retryable
    desk.work_dir.unlink()
    assert (await desk.start(script("true"))).status is RunStatus.RUNNING


async def test_a_report_names_the_run_and_its_page(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs", public_url="http://fabu")
    await desk.run(script("exit 2"))
    name = f"r1@{(desk.work_dir / 'home').read_text()}"
    message = Message("{place}: {what}", {"place": "stage/job", "what": Message("exit code {code}", {"code": 2})})
    report = RunReport("r1", RunStatus.FAILED, name, "http://fabu/runs/r1", message)
    assert desk.told == [report]
    assert await desk.runner.find(order(workflow())) == report


async def test_a_run_of_another_server_is_its_affair(tmp_path: Path) -> None:
    there, here = Desk(tmp_path / "there"), Desk(tmp_path / "here")
    started = await there.start(script("sleep 1000"))
    assert there.runner.active_runs() == [("plan", "item-r1", "r1")]
    assert here.runner.home_of(started.external_id) == there.runner.home() != here.runner.home()
    asked = order(workflow(script("sleep 1000")))
    assert await here.runner.status("r1", started.external_id, asked) is None
    nowhere = await here.runner.status("r1", "", asked)
    assert nowhere
    assert nowhere.status is RunStatus.UNKNOWN
    await there.runner.close()


async def test_a_step_is_not_begun_for_a_run_that_was_given_up(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    async def is_wanted(*run: str) -> bool:
        asked.append(run)
        return len(asked) == 1

    desk = Desk(tmp_path / "runs", is_wanted=is_wanted)
    status, reason = await desk.run(script("echo one"), script("echo two", "second"))
    assert (status, reason) == (
        RunStatus.CANCELLED,
        "stage/second: not begun: the plan does not wait for this run any more",
    )
    assert asked == [("plan", "item-r1", "r1")] * 2
    assert "two" not in desk.runner.output("r1")


async def test_a_folder_that_cannot_be_made_is_no_home(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs")
    desk.work_dir.write_text("not a folder")
    assert desk.runner.home() == ""


async def test_what_ended_long_ago_is_removed(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "runs", LocalSettings(keep_outputs=timedelta(hours=1)))
    for run_id in ("old", "new", "going"):
        await desk.start(script("sleep 1000" if run_id == "going" else "echo shown"), run_id=run_id)
    for run_id in ("old", "new"):
        await desk.end(run_id)
    await desk.output_with("== stage/job\n", "going")
    long_ago = time.time() - 3601
    for run_id in ("old", "going"):
        os.utime(desk.work_dir / run_id / "record.json", (long_ago, long_ago))
    await desk.runner.prune()
    assert sorted(path.name for path in desk.work_dir.iterdir()) == ["going", "home", "new"]
    assert desk.runner.output("old") == ""
    await desk.runner.close()


@pytest.mark.parametrize("run_id", ["../r", "", "a/b", ".", "x" * 65])
async def test_an_identifier_cannot_leave_the_folder(desk: Desk, run_id: str) -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        desk.runner.output(run_id)
