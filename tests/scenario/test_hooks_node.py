"""Hooks and callbacks with a receiver in Node, whose signatures are the npm library's."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from core.ports.outbox import DeliveryState
from tests.environment import DEVELOPERS_OWN
from tests.scenario.hooked import NEXT_SECRET, SECRET, Fabu, fabu, values_for
from tests.services import leave_out
from tests.waiting import PATIENCE

LIBRARY = "standardwebhooks@1.1.1"
SCRIPT = Path(__file__).parents[1] / "simulators" / "receiver_node.mjs"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the npm library."""
    folder = tmp_path_factory.mktemp("node")
    if not (shutil.which("node") and shutil.which("npm")):
        leave_out("Node", "node or npm is not installed")
    command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", LIBRARY]
    done = subprocess.run(command, cwd=folder, env=DEVELOPERS_OWN, capture_output=True, text=True, check=False)
    if done.returncode:
        leave_out("Node", f"{LIBRARY} cannot be installed")
    return folder


class Node:
    """The receiver: where it listens, and what it read."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process, self.url = process, url

    async def read(self) -> dict[str, Any]:
        """Return what was made of the next hook."""
        assert self._process.stdout
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)
        read: dict[str, Any] = json.loads(line)
        return read


@asynccontextmanager
async def node(library: Path, secret: str) -> AsyncIterator[Node]:
    process = await asyncio.create_subprocess_exec(
        "node", str(SCRIPT), str(library), secret, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), PATIENCE))
        yield Node(process, f"http://127.0.0.1:{port}/")
    finally:
        process.kill()
        await process.wait()


def settings(folder: Path, url: str, **secrets: str) -> Settings:
    values = values_for(folder, callback={"auth": "signature", "secret": SECRET})
    values["hooks"] |= {"endpoints": [{"name": "node", "url": url, **secrets}]}
    return Settings.model_validate(values)


async def called_back(running: Fabu, hook: dict[str, Any]) -> int:
    url = f"{running.url}/api/callback/release_plan"
    async with running.session.post(url, data=hook["body"], headers=hook["headers"]) as response:
        return response.status


async def test_a_plan_waits_three_times_for_a_receiver_in_node(tmp_path: Path, library: Path) -> None:
    async with node(library, SECRET) as receiver, fabu(settings(tmp_path, receiver.url, secret=SECRET)) as running:
        plan = await running.submitted(name="发布 1")
        for event in ("finish_planning", "start_execute", "all_job_done"):
            if event == "all_job_done":
                await running.complete(plan)
            hook = await receiver.read()
            delivery, _ = await running.settled(plan)
            assert (hook.get("event"), hook["id"]) == (event, delivery.effect.id), hook
            assert await called_back(running, hook | {"body": hook["body"] + " "}) == 401
            assert await called_back(running, hook) == 200
        assert await running.status(plan) == "success"


async def test_the_npm_library_accepts_either_secret_of_a_rotation_and_no_other(tmp_path: Path, library: Path) -> None:
    rotating = {"secret": NEXT_SECRET, "previous_secret": SECRET}
    for number, secret in enumerate((SECRET, NEXT_SECRET)):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with node(library, secret) as receiver, fabu(settings(folder, receiver.url, **rotating)) as running:
            await running.finished()
            assert (await receiver.read())["event"] == "finish_planning"
    async with node(library, SECRET) as receiver, fabu(settings(tmp_path, receiver.url, secret=NEXT_SECRET)) as running:
        plan = await running.finished()
        assert "No matching signature found" in (await receiver.read())["error"]
        delivery, [attempt] = await running.settled(plan)
        assert (delivery.state, attempt.status) == (DeliveryState.PENDING, 401)
