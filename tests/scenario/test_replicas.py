"""Two servers on one PostgreSQL database, each of which runs workflows on its own machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from adapters.store.migrate import upgrade
from config.settings import Settings
from tests.scenario.office import Fabu, opened, script, written_for
from tests.services import fresh_postgres
from tests.waiting import eventually


@pytest.fixture(scope="module")
def shared_url() -> Iterator[str]:
    """A database of these servers' own: elsewhere what they leave behind would be found."""
    with fresh_postgres() as url:
        upgrade(url)
        yield url


@pytest.fixture
async def servers(shared_url: str, tmp_path: Path) -> AsyncIterator[list[Fabu]]:
    async with AsyncExitStack() as stack:
        found = []
        for name in ("one", "two"):
            written = written_for(tmp_path, {}, database={"url": shared_url}, local={"work_dir": f"{tmp_path}/{name}"})
            written["server"]["secret_key"] = "shared"
            found.append(await stack.enter_async_context(opened(Settings.model_validate(written))))
        yield found


async def poll(servers: list[Fabu]) -> None:
    for server in servers:
        await server.services.runs.poll()


async def executed(servers: list[Fabu], *scripts: str) -> int:
    """Start a plan with workflows, and see them run; return its number."""
    items = [script(f"s{number}", text) for number, text in enumerate(scripts)]
    plan = await servers[0].submitted(*items)
    for item in plan["items"]:
        await servers[0].api("POST", f"/plans/{plan['id']}/items/{item['id']}/execute", {})
    for item in plan["items"]:
        await eventually(run_of, servers[0], plan["number"], item["key"], wanted=lambda status: status == "running")
    return int(plan["number"])


async def run_of(fabu: Fabu, number: int, key: str) -> str:
    return str(((await fabu.item(key, number))["run"] or {}).get("status"))


async def test_no_server_judges_the_runs_of_another(servers: list[Fabu], tmp_path: Path) -> None:
    go = tmp_path / "go"
    number = await executed(servers, *[f"until [ -e {go} ]; do sleep 0.05; done"] * 3)
    await poll(servers)
    assert {await run_of(servers[1], number, f"s{each}") for each in range(3)} == {"running"}
    go.write_text("")
    await servers[1].until_status("success", number)
    events = await servers[0].events(number)
    assert [events.count(name) for name in ("run_changed", "run_ended")] == [3, 3]


async def test_runs_stop_with_their_plan_whichever_server_runs_them(servers: list[Fabu], tmp_path: Path) -> None:
    number = await executed(servers, *[f"trap 'echo x >> {tmp_path}/stopped; exit 1' TERM; sleep 60 & wait"] * 3)
    await servers[1].api("POST", f"/plans/{number}/cancel", {})
    await eventually(stops, servers, wanted=bool)
    await poll(servers)
    await eventually(stopped, tmp_path / "stopped", wanted=lambda count: count == 3)


async def stops(servers: list[Fabu]) -> bool:
    """Tell whether every word to stop a run was taken by somebody."""
    found = (await servers[0].api("GET", "/deliveries"))["items"]
    return not [each for each in found if each["kind"] == "run_cancel" and each["state"] != "done"]


async def stopped(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0  # noqa: ASYNC240 - a few bytes
