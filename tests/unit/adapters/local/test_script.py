"""A script that is cancelled: its process has ended and is collected when the call returns."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

from adapters.local.script import run_script
from tests.unit.adapters.local.confined import Machine


@pytest.mark.parametrize("kind", ["bwrap", "none"])
@pytest.mark.parametrize("again", [None, 0, 2, 6, 8, 10])
@pytest.mark.parametrize("moment", [0, 1, 2, 3, 4, 8, 16, None])
def test_a_script_can_be_cancelled_at_any_moment(
    tmp_path: Path, moment: int | None, again: int | None, kind: str
) -> None:
    """At a step of its start, or while it runs; also twice, as by a time limit and a stop.

    A process that is not collected fails the test by a warning.
    """

    async def cancel() -> None:
        output = asyncio.Event()
        running = asyncio.create_task(
            run_script(
                file,
                folder=work,
                variables={},
                grace=1,
                on_start=lambda _: None,
                write=lambda _: output.set(),
                isolation=isolation,
            )
        )
        if moment is None:
            await output.wait()
        for _ in range(moment or 0):
            await asyncio.sleep(0)
        running.cancel()
        if again is not None:
            for _ in range(again):
                await asyncio.sleep(0)
            running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()

    isolation = Machine(tmp_path).isolation(kind)
    file, work = tmp_path / "script.sh", tmp_path / "work"
    work.mkdir()
    file.write_text("echo begun; sleep 1000")
    asyncio.run(cancel())
    tasks = Path("/proc/self/task").glob("*/children")
    assert [pid for one in tasks for pid in one.read_text().split()] == []
    gc.collect()
