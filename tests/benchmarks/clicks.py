"""Clicks: signed approvals from Slack, on Fabu and on the peers of `tests.benchmarks.peers`, in turns.

Fabu's server has its deliveries on: they go to a sink in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.app import listening, running
from bot.services import SERVICES, Services
from config.settings import Settings
from core import commands as c
from core.draft import ApprovalDraft, PlanDraft, StageDraft, TextItemDraft
from tests.benchmarks import load
from tests.benchmarks.requests import SECRET, slack

_FEW = 100
"""Requests over one connection, before the others over sixteen."""


def settings_for(folder: Path, api: str) -> Settings:
    """Return settings with Slack on and SQLite in a folder."""
    return Settings.model_validate(
        {
            "server": {"language": "en"},
            "database": {"url": f"sqlite:///{folder / 'fabu.db'}"},
            "people": [{"id": person, "slack": f"U{person}"} for person in ("alice", "bob", "carol")],
            "slack": {
                "bot_token": "xoxb-x",
                "signing_secret": SECRET,
                "api_url": f"{api}/api/",
                "response_hosts": ["127.0.0.1"],
            },
        }
    )


async def prepare(services: Services, count: int) -> list[str]:
    """Make plans that wait for two approvals and return what their buttons carry."""
    stage = StageDraft(name="QA", approvers=("bob", "carol"))
    item = TextItemDraft(type="text", key="notes", name="Notes")
    content = PlanDraft(name="Release", approval=ApprovalDraft(stages=(stage,)), items=(item,))
    alice = services.engine.directory.actor("alice", "api")

    async def one() -> str:
        plan_id = services.ids.new()
        await services.engine.execute(c.Create(plan_id=plan_id, draft=content), alice)
        return (await services.engine.execute(c.Submit(plan_id=plan_id), alice)).plan.ref

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def serve(folder: Path, count: int, api: str) -> None:
    """Serve Fabu and print the address with the references, until the process is ended."""
    async with running(settings_for(folder, api)) as app, listening(app, "127.0.0.1", 0) as url:
        refs = await prepare(app[SERVICES], count)
        print(json.dumps({"port": int(url.rpartition(":")[2]), "refs": refs}), flush=True)
        await asyncio.Event().wait()


@asynccontextmanager
async def started(*arguments: str) -> AsyncIterator[str]:
    """Run a module in a process of its own; give the line that it prints when it is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=1 << 24,
    )
    try:
        assert process.stdout
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def measure(name: str, count: int, api: str) -> tuple[load.Figures, load.Figures]:
    """Return the figures over one connection and over sixteen."""
    module = ["tests.benchmarks.clicks"] if name == "fabu" else ["tests.benchmarks.peers", name]
    with tempfile.TemporaryDirectory() as folder:
        async with started(*module, folder, str(count), api) as line:
            ready = json.loads(line)
            requests = [slack(ref, api) for ref in ready["refs"]]
            port = ready["port"]
            return await load.run(port, requests[:_FEW], 1), await load.run(port, requests[_FEW:], 16)


async def run(quick: bool) -> list[tuple[str, float, str]]:
    """Return Fabu's rate and median wait as shares of the peers'."""
    rounds, count = (1, 600) if quick else (3, 2500)
    found: dict[str, list[tuple[load.Figures, load.Figures]]] = {"fabu": [], "usual": [], "noop": []}
    async with started("tests.benchmarks.sink") as api:
        for name in list(found) * rounds:
            found[name].append(await measure(name, count, api))
    rate = {name: statistics.median(many.rate for _, many in runs) for name, runs in found.items()}
    wait = {name: statistics.median(one.p50 for one, _ in runs) for name, runs in found.items()}
    note = ", ".join(f"{name} {value:.0f}/s" for name, value in rate.items())
    return [
        ("click, against the usual way, 16 connections", rate["fabu"] / rate["usual"], note),
        ("click, against slack-bolt doing nothing", rate["fabu"] / rate["noop"], ""),
        ("median wait, 1 connection, against the usual way", wait["fabu"] / wait["usual"], f"{wait['fabu']:.2f} ms"),
    ]


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
