"""Models of Zadig's answers, with the fields that Fabu uses. Others are ignored; a null list is an empty one.

Source: Zadig `aslan/core/workflow/service/workflow/types.go` and `workflow_task_v4.go`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from adapters.zadig.status import run_status
from core.status import RunStatus
from core.workflow import AnyJson, Param
from core.workflow.base import Int64, Many, Text


class Answer(BaseModel):
    """The base of all models of Zadig's answers."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")


class DetailJob(Answer):
    """One job of a stored workflow."""

    name: Text = ""
    type: Text = ""
    spec: AnyJson = None


def options_of(spec: dict[str, Any], key: str) -> list[Any]:
    """Return the options for a list in a stored spec; empty where Zadig stores none.

    Their key is that of the list and a suffix: `service_and_builds_options`, but `target_options` for `targets`. The
    services that can be deployed are listed by environment.
    """
    environments = spec.get("env_options") or [] if key == "services" else []
    deployable = [one for each in environments if each.get("env") == spec.get("env") for one in each["services"] or []]
    return spec.get(f"{key}_options") or spec.get(f"{key.removesuffix('s')}_options") or deployable


class DetailStage(Answer):
    """One stage of a stored workflow."""

    jobs: Many[DetailJob] = ()


class WorkflowDetail(Answer):
    """A stored workflow: the jobs it can run, and the parameters it takes."""

    workflow_key: Text
    workflow_name: Text = ""
    project_key: Text = ""
    params: Many[Param] = ()
    stages: Many[DetailStage] = ()

    @property
    def jobs(self) -> dict[str, DetailJob]:
        """All jobs by name, which is unique in a workflow."""
        return {job.name: job for stage in self.stages for job in stage.jobs}


class StartedTask(Answer):
    """The answer to a start."""

    task_id: Int64


class TaskJob(Answer):
    """One job of a task."""

    name: Text = ""
    display_name: Text = ""
    type: Text = ""
    status: Text = ""
    error: Text = ""


class TaskStage(Answer):
    """One stage of a task."""

    name: Text = ""
    status: Text = ""
    jobs: Many[TaskJob] = ()
    error: Text = ""


def faults(error: str, stages: Iterable[TaskStage]) -> list[str]:
    """Return the errors of a task, one line for each place: `stage / job: error`."""
    lines = [error] if error else []
    for stage in stages:
        lines += [f"{stage.name}: {stage.error}"] if stage.error else []
        lines += [f"{stage.name} / {job.display_name or job.name}: {job.error}" for job in stage.jobs if job.error]
    return lines


class Task(Answer):
    """One run of a workflow. Times are unix seconds, 0 for none. Zadig omits an empty status."""

    task_id: Int64
    workflow_key: Text = ""
    workflow_name: Text = ""
    status: Text = ""
    params: Many[Param] = ()
    stages: Many[TaskStage] = ()
    start_time: Int64 = 0
    end_time: Int64 = 0
    error: Text = ""

    @property
    def run_status(self) -> RunStatus:
        """The status of the run."""
        return run_status(self.status)

    @property
    def faults(self) -> list[str]:
        """The errors, one line for each place."""
        return faults(self.error, self.stages)

    @property
    def waiting(self) -> tuple[TaskStage | None, TaskJob | None]:
        """The stage and the job at which the task waits for a person; None where unknown."""
        for stage in self.stages:
            if self.status == stage.status == "pause":
                return stage, None
            for job in stage.jobs:
                if job.status == self.status and (job.type == "approval" or self.status != "wait_for_approval"):
                    return stage, job
        return None, None

    @property
    def waits_at(self) -> str:
        """The place at which the task waits for a person, such as `deploy / sign-off`; empty when unknown."""
        stage, job = self.waiting
        parts = (stage.name if stage else "", (job.display_name or job.name) if job else "")
        return " / ".join(filter(None, parts))

    def param(self, name: str) -> str:
        """Return the value of a workflow parameter; empty when there is none."""
        return next((param.value for param in self.params if param.name == name), "")


class TaskSummary(Answer):
    """An entry of the list of tasks, which has no parameters."""

    task_id: Int64
    status: Text = ""
    create_time: Int64 = 0


class TaskList(Answer):
    """One page of tasks."""

    workflow_tasks: Many[TaskSummary] = ()


class ReleasePlan(Answer):
    """One of Zadig's own release plans, with the fields that the answer to its hook depends on."""

    status: Text = ""
    instance_code: Text = ""


class Failure(Answer):
    """An error of Zadig. `code` is 6xxx or 7xxx; 500 for any error without a code of its own."""

    type: Text = ""
    message: Text = ""
    code: Int64
    description: Text = ""

    def __str__(self) -> str:
        return f"{self.message} ({self.code}): {self.description}".removesuffix(": ")
