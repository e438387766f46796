"""Two processes on one PostgreSQL database, one of which is killed, or stopped for a while."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, SIGTERM, Signals
from typing import Any

import pytest
from aiohttp import web

from adapters.store.migrate import upgrade
from core.status import RunStatus
from tests.scenario.office import Json, stage, step, written_for
from tests.scenario.process import HASTY, Person, Server, people, serving
from tests.services import fresh_postgres
from tests.waiting import eventually, until


class Receiver:
    """Receives hooks, and leaves the first without an answer until it may have one."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.may_answer = asyncio.Event()

    async def receive(self, request: web.Request) -> web.Response:
        self.ids.append(request.headers["webhook-id"])
        if len(self.ids) == 1:
            await self.may_answer.wait()
        return web.json_response({"message": "success"})


@dataclass
class Case:
    """A database, with what happens beside its servers. Alice is the manager, Bob approves."""

    folder: Path
    written: Json
    receiver: Receiver
    alice: Person
    bob: Person

    @asynccontextmanager
    async def server(self, name: str) -> AsyncIterator[Server]:
        """Run a server with a folder of its own for runs."""
        local = {**self.written["local"], "work_dir": f"{self.folder}/{name}"}
        async with serving({**self.written, "local": local}, program=HASTY) as server:
            yield server

    async def start(self, server: Server, *scripts: str) -> str:
        """Have a workflow of scripts executed; return its item's id."""
        jobs = [
            {"name": f"j{number}", "type": "freestyle", "spec": {"script": text}} for number, text in enumerate(scripts)
        ]
        workflow = {"name": "w", "stages": [{"name": "all", "jobs": jobs}]}
        item = {"key": "w", "name": "W", "type": "workflow", "runner": "local", "workflow": workflow}
        approval = {"stages": [stage("QA", "bob", channel="native")]}
        plan = await self.alice.api(server, "POST", "/plans", {"name": "P", "items": [item], "approval": approval})
        await self.alice.api(server, "POST", "/plans/1/submit", {})
        await self.bob.api(server, "GET", "/plans/1")
        await self.bob.api(server, "POST", "/plans/1/approve", {})
        item_id = str(plan["items"][0]["id"])
        await self.alice.api(server, "POST", f"/plans/1/items/{item_id}/execute", {})
        return item_id

    async def run(self, server: Server) -> tuple[int, str]:
        """Return the attempt and the status of the present run."""
        run = (await self.alice.api(server, "GET", "/plans/1"))["items"][0]["run"] or {}
        return run.get("attempt", 0), run.get("status", "")

    async def until_run(self, server: Server, attempt: int, status: RunStatus) -> None:
        await eventually(self.run, server, wanted=lambda run: run == (attempt, status))

    async def log(self, server: Server) -> list[str]:
        return [entry["event"] for entry in (await self.alice.api(server, "GET", "/plans/1/log"))["items"]]

    async def hooks(self, server: Server) -> list[Json]:
        found: list[Json] = (await self.alice.api(server, "GET", "/deliveries"))["items"]
        return [each for each in found if each["kind"] == "hook"]

    async def delivered(self, server: Server) -> Json:
        """Wait until the hook is delivered; return its delivery."""
        [hook] = await eventually(
            self.hooks, server, wanted=lambda found: [each["state"] for each in found] == ["done"]
        )
        return hook

    def lines(self) -> list[str]:
        """Return what scripts have written."""
        file = self.folder / "lines"
        return file.read_text().splitlines() if file.exists() else []

    def script(self, name: str, *, waits: bool = False) -> str:
        """Return a script that writes its attempt and its name, and may wait until there is a file `go`."""
        wait = f"; until [ -e {self.folder}/go ]; do sleep 0.05; done" if waits else ""
        return f"echo $FABU_ATTEMPT {name} >> {self.folder}/lines{wait}"

    def has_ended(self, name: str) -> bool:
        """Return whether the first run of a server has ended by its own record."""
        [record] = (self.folder / name).glob("*/record.json")
        return RunStatus(json.loads(record.read_text())["status"]).ended

    def go(self) -> None:
        """Let the scripts go on that wait."""
        (self.folder / "go").touch()


@pytest.fixture
def shared_url() -> Iterator[str]:
    with fresh_postgres() as url:
        upgrade(url)
        yield url


@pytest.fixture
async def case(shared_url: str, tmp_path: Path) -> AsyncIterator[Case]:
    async with AsyncExitStack() as stack:
        receiver, app = Receiver(), web.Application()
        app.router.add_post("/", receiver.receive)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        hooks: dict[str, Any] = {
            "endpoints": [
                {"name": "ci", "url": f"http://127.0.0.1:{runner.addresses[0][1]}/", "events": ["finish_planning"]}
            ],
            "allow_internal": ["127.0.0.0/8"],
            "wait_for_callback": False,
        }
        written = written_for(tmp_path, {}, database={"url": shared_url}, hooks=hooks)
        written["server"]["secret_key"] = "shared"
        written["approval"] = {"required": "none", "self_approval": True}
        alice, bob = await stack.enter_async_context(people(written, "alice", "bob"))
        case = Case(tmp_path, written, receiver, alice, bob)
        stack.callback(case.go)
        yield case
        receiver.may_answer.set()


async def test_the_run_of_a_killed_server_is_unknown_and_a_person_goes_on(case: Case) -> None:
    async with case.server("one") as one:
        item = await case.start(one, case.script("only", waits=True))
        await case.until_run(one, 1, RunStatus.RUNNING)
        async with case.server("two") as two:
            await one.end()
            status, answer = await case.alice.request(two, "POST", f"/plans/1/items/{item}/retry", {})
            assert status == 409, answer
            await case.until_run(two, 1, RunStatus.UNKNOWN)
            await case.alice.api(two, "POST", f"/plans/1/items/{item}/retry", {})
            await case.until_run(two, 2, RunStatus.RUNNING)
            case.go()
            await case.until_run(two, 2, RunStatus.PASSED)
            assert (await case.log(two)).count("run_requested") == 2
    assert case.lines() == ["1 only", "2 only"]


async def test_a_server_that_was_stopped_goes_on_with_no_run_that_another_has(case: Case) -> None:
    scripts = [case.script("first", waits=True), case.script("second")]
    async with case.server("one") as one:
        item = await case.start(one, *scripts)
        await case.until_run(one, 1, RunStatus.RUNNING)
        await until(lambda: case.lines() == ["1 first"])
        async with case.server("two") as two:
            one.send(SIGSTOP)
            await case.until_run(two, 1, RunStatus.UNKNOWN)
            await case.alice.api(two, "POST", f"/plans/1/items/{item}/retry", {})
            await until(lambda: case.lines() == ["1 first", "2 first"])
            case.go()
            one.send(SIGCONT)
            await until(lambda: case.has_ended("one"))
            await case.until_run(two, 2, RunStatus.PASSED)
    assert case.lines() == ["1 first", "2 first", "2 second"]


async def test_a_server_that_was_stopped_for_a_while_goes_on_with_what_nobody_took(case: Case) -> None:
    async with case.server("one") as one:
        await case.start(one, case.script("first", waits=True), case.script("second"))
        await case.until_run(one, 1, RunStatus.RUNNING)
        async with case.server("two") as two:
            one.send(SIGSTOP)
            await case.until_run(two, 1, RunStatus.UNKNOWN)
            one.send(SIGCONT)
            await case.until_run(two, 1, RunStatus.RUNNING)
            case.go()
            await case.until_run(two, 1, RunStatus.PASSED)
    assert case.lines() == ["1 first", "1 second"]


@pytest.mark.parametrize("end", [SIGKILL, SIGSTOP])
async def test_what_a_server_was_delivering_is_delivered_by_the_other(case: Case, end: Signals) -> None:
    async with case.server("one") as one:
        await case.alice.api(one, "POST", "/plans", {"name": "P", "items": [step("notes")]})
        await case.alice.api(one, "POST", "/plans/1/submit", {})
        await until(lambda: case.receiver.ids)
        async with case.server("two") as two:
            one.send(end)
            [hook] = await eventually(
                case.hooks, two, wanted=lambda hooks: [each["state"] for each in hooks] == ["done"]
            )
            assert case.receiver.ids == [hook["id"]] * 2, "the receiver knows the second by its id"
            assert hook["attempts"] == 2
            if end is SIGSTOP:
                case.receiver.may_answer.set()
                one.send(SIGCONT)
                await until(lambda: "1 deliveries were taken over by another server" in one.said)
                assert await case.hooks(two) == [hook]
    assert one.said.count("were taken over") == (end is SIGSTOP)


async def test_what_a_server_is_delivering_when_it_is_told_to_stop_is_left_to_the_other_at_once(case: Case) -> None:
    async with case.server("one") as one:
        await case.alice.api(one, "POST", "/plans", {"name": "P", "items": [step("notes")]})
        await case.alice.api(one, "POST", "/plans/1/submit", {})
        await until(lambda: case.receiver.ids)
        async with case.server("two") as two:
            assert await one.end(SIGTERM) == 0
            await case.delivered(two)
