"""Starts of workflows that come late: the attempt may have been taken back meanwhile."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.office import Fabu, Json, script
from tests.waiting import eventually


@dataclass(frozen=True)
class Disk:
    """The disk of the local runner. It is full at first: in the place of the runner's folder is a file."""

    folder: Path
    count: Path

    def mend(self) -> None:
        """Let runs be started."""
        self.folder.unlink()

    def lose_runs(self) -> None:
        """Remove what is kept of runs, as is done after some time."""
        shutil.rmtree(self.folder)

    @property
    def starts(self) -> int:
        """How often the workflow ran."""
        return len(self.count.read_text().splitlines())


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    disk = Disk(tmp_path / "runs", tmp_path / "count")
    disk.folder.touch()
    disk.count.touch()
    return disk


@pytest.fixture
def sections(disk: Disk) -> dict[str, Any]:
    return {"local": {"work_dir": str(disk.folder)}}


async def execute(fabu: Fabu, disk: Disk) -> None:
    await fabu.submitted(script("deploy", f"echo x >> {disk.count}"))
    await fabu.api("POST", "/plans/1/items/deploy/execute", {})


async def starts(fabu: Fabu, state: str) -> list[Json]:
    found = (await fabu.api("GET", "/plans/1/deliveries"))["items"]
    return [each for each in found if each["kind"] == "run_start" and each["state"] == state]


async def tried(fabu: Fabu) -> bool:
    return any(each["error"] for each in await starts(fabu, "pending"))


async def test_a_start_that_comes_late_is_made(fabu: Fabu, disk: Disk) -> None:
    await execute(fabu, disk)
    await eventually(tried, fabu, wanted=bool)
    disk.mend()
    await fabu.until_status("success")
    assert disk.starts == 1


@pytest.mark.parametrize("verb", ["replan", "cancel"])
async def test_what_was_taken_back_before_its_start_is_not_started(fabu: Fabu, disk: Disk, verb: str) -> None:
    await execute(fabu, disk)
    await eventually(tried, fabu, wanted=bool)
    await fabu.api("POST", f"/plans/1/{verb}", {"reason": "not tonight"})
    disk.mend()
    await eventually(starts, fabu, "done", wanted=bool)
    assert not disk.folder.exists()
    assert disk.starts == 0


async def test_a_start_that_is_replayed_starts_nothing_again(fabu: Fabu, disk: Disk) -> None:
    disk.mend()
    await execute(fabu, disk)
    await fabu.until_status("success")
    [start] = await eventually(starts, fabu, "done", wanted=bool)
    disk.lose_runs()
    await fabu.api("POST", f"/deliveries/{start['id']}/replay", {}, by="dave")
    await eventually(starts, fabu, "done", wanted=lambda found: found and found[0]["attempts"] == 2)
    assert disk.starts == 1
