"""The files of an installation, when the umask would let everybody read and change them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings
from tests.scenario.office import opened, script, written_for
from tests.scenario.process import run_fabu


@pytest.fixture(autouse=True)
def _lax_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """The permissions of all that is in a folder, by its name."""
    return {path.name: path.stat().st_mode & 0o777 for path in folder.rglob("*")}


async def test_all_that_a_server_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "srv" / "data"
    written = written_for(data, {})
    async with opened(Settings.model_validate(written)) as running:
        await running.submitted(script("deploy", "echo done > file"))
        await running.api("POST", "/plans/1/items/deploy/execute", {})
        await running.until_status("success")
        run = (await running.item("deploy"))["run"]["id"]
        found = modes(data.parent)
    folders = {name for name, mode in found.items() if mode == 0o700}
    assert folders == {"data", "runs", run}
    assert {name for name, mode in found.items() if mode == 0o600} == found.keys() - folders
    kinds = {"fabu.db", "fabu.db-wal", "fabu.db-shm", "fabu.db.lock", "fabu.key", "record.json", "output.0"}
    assert kinds <= found.keys()

    copy = tmp_path / "log.jsonl"
    code, _ = await run_fabu("audit", "export", "--output", str(copy), written=written, variables={})
    assert (code, modes(tmp_path)["log.jsonl"]) == (0, 0o600)
