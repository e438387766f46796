"""A process whose clock is set: what waits goes on, and what is due by the new time is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.scenario.office import step, written_for
from tests.scenario.process import Person, Server, people, serving
from tests.services import require_faketime
from tests.waiting import eventually, until

HOUR = timedelta(hours=1)


@dataclass
class Machine:
    """A server, and the file that says by how much its clock is off."""

    server: Server
    file: Path
    alice: Person
    off: timedelta = timedelta()

    def set_clock(self, off: timedelta) -> None:
        """Set the clock, in one step: the process may read the file at any time."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{off.total_seconds():+.0f}\n")
        draft.replace(self.file)
        self.off = off

    async def plan(self, opens_in: timedelta) -> int:
        """Have a plan whose release window opens after some time by the clock; return its number."""
        window = {"start": (datetime.now(UTC) + self.off + opens_in).isoformat()}
        body = {"name": "P", "items": [step("notes")], "window": window}
        plan = await self.alice.api(self.server, "POST", "/plans", body)
        await self.alice.api(self.server, "POST", f"/plans/{plan['id']}/submit", {})
        return int(plan["number"])

    async def log(self, number: int) -> list[str]:
        entries = (await self.alice.api(self.server, "GET", f"/plans/{number}/log"))["items"]
        return [entry["event"] for entry in entries]

    async def until_open(self, number: int) -> None:
        await eventually(self.log, number, wanted=lambda events: "window_opened" in events)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    library, file = require_faketime(), tmp_path / "clock"
    file.write_text("+0\n")
    variables = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",  # seconds: to read the file at each look at the clock takes half a core
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    written = written_for(tmp_path, {})
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(written, variables))
        [alice] = await stack.enter_async_context(people(written, "alice"))
        yield Machine(server, file, alice)


async def test_windows_open_after_the_clock_was_set_back(machine: Machine) -> None:
    machine.set_clock(-HOUR)
    await until(lambda: "the clock was set back by 1:00:00" in machine.server.said)
    await machine.until_open(await machine.plan(timedelta(seconds=10)))
    assert machine.server.said.count("the clock was set") == 1


async def test_what_became_due_by_a_jump_forward_is_done_and_ticks_go_on(machine: Machine) -> None:
    number = await machine.plan(HOUR / 2)
    machine.set_clock(HOUR)
    await machine.until_open(number)
    machine.set_clock(timedelta())
    await until(lambda: "was set back by 1:00:00" in machine.server.said)
    await machine.until_open(await machine.plan(timedelta(seconds=10)))
    said = machine.server.said
    assert (said.count("was set forward by 1:00:00"), said.count("was set back by 1:00:00")) == (1, 1)
