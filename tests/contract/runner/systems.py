"""The systems in which runners start workflows: processes of this machine, or a simulator. One row for each runner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from core.workflow import Workflow
from tests.simulators.base import Simulator
from tests.simulators.zadig import Zadig

Json = dict[str, Any]


class System(ABC):
    """A system that runs workflows. `section` are its settings; `project` and `workflow` are what it can run."""

    section: Json
    project = ""
    workflow: Workflow
    unfit: Workflow
    """A workflow that `problems` rejects in every state of the system."""
    refused: Workflow
    """A workflow that a start rejects."""
    simulator: Simulator | None = None
    """The simulator, if there is one."""

    @property
    @abstractmethod
    def starts(self) -> int:
        """The number of starts of the workflow, with those that started it again."""

    @abstractmethod
    async def end(self, *, well: bool) -> None:
        """End the run that was started last, with success or not."""


def _workflow(name: str, *jobs: Json) -> Workflow:
    return Workflow.model_validate({"name": name, "stages": [{"name": "build", "jobs": list(jobs)}]})


class Machine(System):
    """This machine: the workflow is a script that waits for a file with the exit code of its attempt."""

    def __init__(self, folder: Path) -> None:
        self._count, self._end = folder / "count", folder / "end"
        self._count.touch()
        end = f"{self._end}.$FABU_ATTEMPT"
        text = f'echo x >> {self._count}; until [ -s {end} ]; do sleep 0.02; done; exit "$(cat {end})"'
        self.section = {"work_dir": str(folder / "runs"), "isolation": "none"}  # the script writes where tests read
        self.workflow = _workflow("deploy", {"name": "script", "type": "freestyle", "spec": {"script": text}})
        self.unfit = _workflow("deploy", {"name": "script", "type": "freestyle", "spec": {"script": ""}})
        self.refused = self.unfit

    @property
    def starts(self) -> int:
        """The number of runs of the script."""
        return len(self._count.read_text().splitlines())

    async def end(self, *, well: bool) -> None:
        """End the script."""
        self._end.with_suffix(f".{self.starts}").write_text("0" if well else "3")


class SimulatedZadig(System):
    """A Zadig with one workflow in its project."""

    project = "shop"

    def __init__(self, zadig: Zadig) -> None:
        self._zadig = self.simulator = zadig
        self.section = {"url": zadig.url, "token": zadig.token}
        job = {"name": "script", "type": "freestyle", "spec": {}}
        self.workflow = _workflow("shop-release", job)
        self.unfit = _workflow("shop-release", job | {"run_policy": "skip"})
        self.refused = _workflow("shop-release", job | {"name": "scirpt"})

    @property
    def starts(self) -> int:
        """The number of tasks that were created or reopened."""
        return len(self._zadig.tasks) + sum(task.restarted for task in self._zadig.tasks.values())

    async def end(self, *, well: bool) -> None:
        """End the task that was created last."""
        task = list(self._zadig.tasks.values())[-1]
        await self._zadig.move(task, "passed" if well else "failed", job="script", error="" if well else "exit code 3")


@asynccontextmanager
async def machine(folder: Path) -> AsyncIterator[System]:
    """Yield this machine."""
    yield Machine(folder)


@asynccontextmanager
async def zadig(folder: Path) -> AsyncIterator[System]:
    """Run a simulated Zadig, which must have no complaints at the end."""
    async with Zadig() as simulator:
        yield SimulatedZadig(simulator)
        assert simulator.complaints == []


SYSTEMS: dict[str, Callable[[Path], AbstractAsyncContextManager[System]]] = {"local": machine, "zadig": zadig}
"""The systems by the name of the runner, which is its section of the settings."""
