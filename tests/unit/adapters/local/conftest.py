"""A runner with real processes, in a folder of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.local.isolation.base import Isolation
from adapters.local.runner import LocalRunner
from adapters.local.settings import LocalSettings
from core.ports.runner import RunOrder, RunReport
from core.status import RunStatus
from core.workflow import Workflow
from tests.waiting import until

End = tuple[RunStatus, str]


def script(text: str, name: str = "job", **job: Any) -> dict[str, Any]:
    """A freestyle job; `timeout` and `envs` belong to its spec, the rest to the job."""
    spec = {"script": text, "timeout": job.pop("timeout", ""), "envs": job.pop("envs", [])}
    return {"name": name, "type": "freestyle", "spec": spec, **job}


def sql(text: str, database: str = "shop", **spec: Any) -> dict[str, Any]:
    """A SQL job."""
    return {"name": "sql", "type": "sql", "spec": {"id": database, "type": "mariadb", "sql": text, **spec}}


def workflow(*jobs: dict[str, Any], params: list[dict[str, Any]] | None = None) -> Workflow:
    """A workflow of one stage."""
    return Workflow.model_validate({"name": "w", "params": params or [], "stages": [{"name": "stage", "jobs": jobs}]})


def order(workflow: Workflow, run_id: str = "r1") -> RunOrder:
    """The order to run a workflow as the first item of a plan."""
    return RunOrder(
        run_id=run_id,
        plan_id="plan",
        plan_number=1,
        plan_name="Release",
        item_id=f"item-{run_id}",
        item_name="Item",
        attempt=1,
        project="",
        workflow=workflow,
        actor="alice",
    )


def shop_at(url: str) -> LocalSettings:
    """The settings of a runner that knows one database, `shop`."""
    return LocalSettings(databases={"shop": SecretStr(url)})


async def gone(pid: int) -> None:
    """Wait for the end of a process; one that nobody collected yet has ended as well."""

    def ended() -> bool:
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"

    await until(ended)


async def pid_in(file: Path) -> int:
    """Wait until a script has written a process id, and return it."""
    return int(await until(lambda: (text := file.read_text() if file.exists() else "").endswith("\n") and text))


class Desk:
    """A runner, and what it told."""

    def __init__(self, work_dir: Path, settings: LocalSettings | None = None, **options: Any) -> None:
        self.work_dir = work_dir
        self.told: list[RunReport] = []
        self._news = asyncio.Condition()
        options = {"grace": 0.5, "drain": 0.0, **options}
        isolation = options.pop("isolation", Isolation(Path("/")))
        self.runner = LocalRunner(settings or LocalSettings(), work_dir, self._tell, isolation, **options)

    async def _tell(self, plan_id: str, item_id: str, report: RunReport) -> None:
        assert (plan_id, item_id) == ("plan", f"item-{report.run_id}")
        async with self._news:
            self.told.append(report)
            self._news.notify_all()

    async def start(self, *jobs: dict[str, Any], run_id: str = "r1") -> RunReport:
        """Start a workflow of one stage."""
        return await self.runner.start(order(workflow(*jobs), run_id))

    async def end(self, run_id: str = "r1") -> End:
        """Wait until the end of a run is told."""
        async with self._news:
            await self._news.wait_for(lambda: run_id in [report.run_id for report in self.told])
        return next((report.status, str(report.message)) for report in self.told if report.run_id == run_id)

    async def run(self, *jobs: dict[str, Any], params: list[dict[str, Any]] | None = None) -> End:
        """Start a workflow of one stage and wait for its end."""
        await self.runner.start(order(workflow(*jobs, params=params)))
        return await self.end()

    async def cancel(self, run_id: str = "r1") -> None:
        """Cancel a run."""
        await self.runner.cancel(run_id, run_id)

    async def status(self, run_id: str = "r1") -> RunStatus:
        """Return the status of a run."""
        report = await self.runner.status(run_id, run_id, order(workflow(), run_id))
        assert report
        return report.status

    async def output_with(self, text: str, run_id: str = "r1") -> None:
        """Wait until the output of a run holds a text."""
        await until(lambda: text in self.runner.output(run_id))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A runner with the usual settings, but for a short grace."""
    desk = Desk(tmp_path / "runs")
    yield desk
    await desk.runner.close()
