"""Every runner, opened in the way of the program, and the system in which it starts workflows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.common.system import SystemClock
from bot.adapters import host_of, open_runners
from config.settings import Settings
from core.ports.runner import Runner, RunOrder, RunReport
from core.status import RunStatus
from tests.adapters import ignore
from tests.contract.runner.systems import SYSTEMS, System
from tests.waiting import eventually


@dataclass(frozen=True)
class Subject:
    """A runner and its system."""

    runner: Runner
    system: System

    def order(self, run_id: str = "r1", **changes: Any) -> RunOrder:
        """Return the order to run the workflow of the system."""
        fields: dict[str, Any] = {
            "run_id": run_id, "plan_id": "p1", "plan_number": 7, "plan_name": "Release 7", "item_id": "i1",
            "item_name": "Deploy", "attempt": 1, "project": self.system.project, "workflow": self.system.workflow,
            "actor": "alice", "requested_at": datetime.now(UTC),
        }  # fmt: skip
        return RunOrder(**fields | changes)

    async def status(self, report: RunReport) -> RunStatus:
        """Return the status of a run."""
        found = await self.runner.status(report.run_id, report.external_id, self.order(report.run_id))
        assert found is not None
        assert found.run_id == report.run_id
        return found.status

    async def until(self, report: RunReport, status: RunStatus) -> None:
        """Wait until a run has a status."""
        await eventually(self.status, report, wanted=lambda found: found is status)

    async def started(self, **changes: Any) -> RunReport:
        """Start a run and wait until the system runs it."""
        before = self.system.starts
        report = await self.runner.start(self.order(**changes))

        async def starts() -> int:
            return self.system.starts

        await eventually(starts, wanted=lambda count: count > before)
        return report


@pytest.fixture(params=SYSTEMS)
async def subject(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with SYSTEMS[request.param](tmp_path) as system:
        sections: dict[str, Any] = {"local": {"enabled": False}, request.param: system.section}
        settings = Settings.model_validate(
            {"database": {"url": f"sqlite:///{tmp_path}/fabu.db"}, "approval": {"required": "none"}, **sections}
        )
        opened = open_runners(settings, host_of(settings, SystemClock(), ignore))[request.param]
        await opened.start()
        yield Subject(opened.runner, system)
        if system.starts:
            await system.end(well=True)
        await opened.runner.close()
