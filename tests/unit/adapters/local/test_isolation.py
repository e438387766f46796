"""What a script reaches: nothing of the server and of other runs, unless nothing keeps it from them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.common.settings import UnusableSetting
from adapters.local.isolation.choose import choose_isolation
from adapters.local.settings import LocalSettings
from core.status import RunStatus
from tests.unit.adapters.local.confined import KINDS, Machine, machine
from tests.unit.adapters.local.conftest import Desk, script
from tests.waiting import until

SECRET = "hidden-from-scripts"
FABU = Path(sys.executable).with_name("fabu")
SETTINGS = """
[[people]]
id = "alice"
[database]
url = "sqlite:///{data}/fabu.db"
"""

READS = {
    "the key": "cat {data}/fabu.key",
    "the database": "cat {data}/fabu.db-copy",
    "the key by any name": "find / -name fabu.key -exec cat {{}} + 2>/dev/null",
    "the output of another run": "cat {runs}/other/output.0",
    "the script of another run": "cat {runs}/other/script.1.sh",
    "the environment of the server": "tr '\\0' '\\n' < /proc/{server}/environ",
    "the memory maps of the server": "head -1 /proc/{server}/maps && echo " + SECRET,
    "the folder of the server": "cat /proc/{server}/cwd/fabu.key",
    "a token for anybody": "{fabu} token create --as alice --config {data}/fabu.toml && echo " + SECRET,
}
REACHED = {"user": {"the script of another run"}}
"""What an isolation does not keep from scripts: all of them belong to one user."""


@pytest.fixture
def there() -> Iterator[Machine]:
    with machine() as made:
        for name in ("fabu.key", "fabu.db-copy"):
            (made.data / name).write_text(SECRET)
        (made.data / "fabu.toml").write_text(SETTINGS.format(data=made.data))
        yield made


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def desk(there: Machine, kind: str) -> AsyncIterator[Desk]:
    desk = Desk(there.runs, isolation=there.isolation(kind))
    await desk.start(script(f"echo {SECRET}; echo {SECRET} > kept; sleep 1000"), run_id="other")
    await desk.output_with(SECRET, "other")
    yield desk
    await desk.runner.close()


@pytest.mark.parametrize("what", READS)
async def test_a_script_cannot_read(desk: Desk, there: Machine, kind: str, what: str) -> None:
    """Without isolation it can: the tries are real."""
    server = await asyncio.create_subprocess_exec("sleep", "1000", env={"FABU_SECRET": SECRET}, cwd=there.data)
    text = READS[what].format(data=there.data, runs=there.runs, server=server.pid, fabu=FABU)
    try:
        await desk.run(script(text))
    finally:
        server.kill()
        await server.wait()
    assert (SECRET in desk.runner.output("r1")) is (kind == "none" or what in REACHED.get(kind, ()))


async def test_a_script_writes_in_the_folder_of_its_run_alone(desk: Desk, there: Machine, kind: str) -> None:
    places = [there.data, there.outside, there.runs / "other", Path("/usr"), Path("/etc")]
    names = [place / f"fabu-written-{os.getpid()}" for place in places]
    text = "; ".join(f"touch {name} || true" for name in names)
    try:
        assert await desk.run(script(f'{text}; echo mine > file; cat "$PWD/file"')) == (RunStatus.PASSED, "")
        assert [name for name in names if name.exists()] == (names if kind == "none" else [])
    finally:
        for name in names:
            name.unlink(missing_ok=True)
    assert "\nmine\n" in desk.runner.output("r1")


async def test_a_script_gets_no_descriptor(desk: Desk) -> None:
    await desk.run(script("for f in /proc/self/fd/*; do echo ${f##*/}; done"))
    opened = [int(line) for line in desk.runner.output("r1").splitlines() if line.isdigit()]
    assert [number for number in opened if number < 3] == [0, 1, 2]
    assert len(opened) <= 5


async def test_credentials_of_a_run_are_in_no_command_line(desk: Desk) -> None:
    envs = [{"key": "TOKEN", "value": "pa55-of-run", "is_credential": True}]
    await desk.start(script('[ "$TOKEN" ] && echo given; sleep 1000', envs=envs))
    await desk.output_with("given\n")
    assert processes("pa55-of-run") == []


@pytest.mark.parametrize("cancelled", [False, True])
async def test_no_process_is_left_behind(there: Machine, cancelled: bool) -> None:
    """Another user, or none, lets a process leave its session: this is what bubblewrap alone does."""
    desk = Desk(there.runs, isolation=there.isolation("bwrap"))
    mark = f"fabu-left-{os.getpid()}"
    leave = f"setsid bash -c 'exec -a {mark} sleep 1000' & until pgrep -f '^{mark}'; do sleep 0.02; done"
    await desk.start(script(f"{leave}; echo left; {'sleep 1000' if cancelled else 'true'}"))
    await desk.output_with("left\n")
    if cancelled:
        assert processes(mark) != []
        await desk.cancel()
    await desk.end()
    await until(lambda: not processes(mark))


async def test_a_cancelled_script_may_clean_up(there: Machine, kind: str) -> None:
    desk = Desk(there.runs, isolation=there.isolation(kind), grace=10)
    text = "trap 'echo unlocking; sleep 0.1; echo unlocked; exit 0' TERM; echo ready; while :; do sleep 0.1; done"
    await desk.start(script(text))
    await desk.output_with("ready\n")
    await desk.cancel()
    assert (await desk.end())[0] is RunStatus.CANCELLED
    assert "unlocking\nunlocked\n" in desk.runner.output("r1")


async def test_an_exit_code_is_that_of_the_script(there: Machine, kind: str) -> None:
    desk = Desk(there.runs, isolation=there.isolation(kind))
    assert await desk.run(script("exit 3")) == (RunStatus.FAILED, "stage/job: exit code 3")


async def test_a_server_that_is_killed_takes_its_scripts_with_it(there: Machine) -> None:
    isolation = there.isolation("bwrap")
    mark = f"fabu-orphan-{os.getpid()}"
    server = os.fork()
    if not server:
        asyncio.run(_serve(Desk(there.runs, isolation=isolation), f"exec -a {mark} sleep 1000"))
    await until(lambda: processes(mark))
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)  # noqa: ASYNC222 - it is killed
    await until(lambda: not processes(mark))


async def _serve(desk: Desk, text: str) -> None:
    await desk.start(script(text))
    await asyncio.sleep(1000)


async def test_what_the_settings_show_is_seen_and_not_written(there: Machine) -> None:
    tools = there.folder / "tools"
    tools.mkdir()
    (tools / "version").write_text("1.2")
    desk = Desk(there.runs, isolation=there.isolation("bwrap", paths=(str(tools),)))
    await desk.run(script(f"cat {tools}/version; touch {tools}/mine"))
    assert "1.2" in desk.runner.output("r1")
    assert "Read-only file system" in desk.runner.output("r1")


async def test_what_is_private_stays_hidden_in_what_the_settings_show(there: Machine) -> None:
    link = there.folder / "link"
    link.symlink_to(there.data)
    for shown in (there.folder, there.data, link):
        desk = Desk(there.runs, isolation=there.isolation("bwrap", paths=(str(shown),)))
        run_id = f"r{shown.name}"
        await desk.start(script(f"ls {there.folder}; cat {there.data}/* {link}/*"), run_id=run_id)
        await desk.end(run_id)
        assert SECRET not in desk.runner.output(run_id)


async def test_home_has_what_the_settings_show_of_it(there: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(there.data))
    (there.data / ".kube").mkdir()
    (there.data / ".kube" / "config").write_text("cluster")
    desk = Desk(there.runs, isolation=there.isolation("bwrap", paths=(f"{there.data}/.kube",)))
    await desk.run(script("cat ~/.kube/config; touch ~/.cache; cat ~/fabu.key"))
    output = desk.runner.output("r1")
    assert "cluster" in output
    assert SECRET not in output
    assert not (there.data / ".cache").exists()


@pytest.mark.parametrize("network", [True, False])
async def test_the_network_is_that_of_the_settings(there: Machine, network: bool) -> None:
    desk = Desk(there.runs, isolation=there.isolation("bwrap", network=network))
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await desk.run(script(f"exec 3<> /dev/tcp/127.0.0.1/{port} && echo connected"))
    assert ("\nconnected\n" in desk.runner.output("r1")) is network


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (LocalSettings(isolation="bwrap"), "local.isolation is bwrap, but bubblewrap does not work here"),
        (LocalSettings(network=False), "local.network is false, but bubblewrap does not work here"),
        (LocalSettings(user="nobody-here"), "local.user: this machine has no user nobody-here"),
        (LocalSettings(user="root"), "local.user: root can read what the server can"),
    ],
)
def test_what_does_not_work_here_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: LocalSettings, found: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnusableSetting, match=found):
        choose_isolation(settings, tmp_path, ())


def test_a_user_must_reach_the_folder_of_its_runs(there: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    there.isolation("user")
    monkeypatch.setenv("PATH", str(there.folder))
    with pytest.raises(UnusableSetting, match=f"nobody may not enter {there.data}; set local.work_dir"):
        choose_isolation(LocalSettings(user="nobody"), there.data / "runs", ())


def test_without_bubblewrap_nothing_confines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not choose_isolation(LocalSettings(), tmp_path, ()).confines
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2; exit 1")
    (tmp_path / "bwrap").chmod(0o755)
    found = choose_isolation(LocalSettings(), tmp_path, ())
    assert not found.confines
    assert found.reason == "bubblewrap does not work here (No permissions to create new namespace)"


def processes(mark: str) -> list[str]:
    """Return the command lines of all processes that have a text in theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_text(errors="replace")
        except OSError:  # it has ended
            continue
        if mark in text:
            found.append(text)
    return found
