"""Zadig's answers, as far as a run needs them. Unknown fields are ignored; a null list is an empty one.

Source: Zadig `aslan/core/workflow/service/workflow/types.go` and `workflow_task_v4.go`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from adapters.zadig.status import run_status
from core.status import RunStatus
from core.workflow import AnyJson, Param
from core.workflow.base import Flag, Int64, Many, Text


class Answer(BaseModel):
    """A value that Zadig sends."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore")


class DetailJob(Answer):
    """One job of a stored workflow."""

    name: Text = ""
    type: Text = ""
    skipped: Flag = False
    run_policy: Text = ""
    spec: AnyJson = None


def options_of(spec: dict[str, Any], key: str) -> list[Any]:
    """Return what may be chosen for a list in a stored spec, empty where Zadig keeps no such options.

    They stand beside the list: `service_and_builds_options`, but `target_options` for `targets`.
    """
    return spec.get(f"{key}_options") or spec.get(f"{key.removesuffix('s')}_options") or []


class DetailStage(Answer):
    """One stage of a stored workflow."""

    name: Text = ""
    jobs: Many[DetailJob] = ()


class WorkflowDetail(Answer):
    """A stored workflow: what can be run, and what can be set."""

    workflow_key: Text
    workflow_name: Text = ""
    project_key: Text = ""
    params: Many[Param] = ()
    stages: Many[DetailStage] = ()

    @property
    def jobs(self) -> dict[str, DetailJob]:
        """All jobs by name; Zadig keeps names unique in a workflow."""
        return {job.name: job for stage in self.stages for job in stage.jobs}


class StartedTask(Answer):
    """What came of a start."""

    project_name: Text = ""
    workflow_name: Text = ""
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
    """Return what went wrong in a task, one line a place: `stage / job: error`."""
    lines = [error] if error else []
    for stage in stages:
        lines += [f"{stage.name}: {stage.error}"] if stage.error else []
        lines += [f"{stage.name} / {job.display_name or job.name}: {job.error}" for job in stage.jobs if job.error]
    return lines


class Task(Answer):
    """One run of a workflow; times are unix seconds, 0 before. Zadig leaves an empty status out."""

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
        """What the task's status means for the run."""
        return run_status(self.status)

    @property
    def faults(self) -> list[str]:
        """What went wrong, one line a place."""
        return faults(self.error, self.stages)

    @property
    def waiting(self) -> tuple[TaskStage | None, TaskJob | None]:
        """The stage, and the job, at which a task stands still until a person acts; None for what cannot be told."""
        for stage in self.stages:
            if self.status == stage.status == "pause":
                return stage, None
            for job in stage.jobs:
                if job.status == self.status and (job.type == "approval" or self.status != "wait_for_approval"):
                    return stage, job
        return None, None

    @property
    def waits_at(self) -> str:
        """Where a task stands still until a person acts, as `deploy / sign-off`; empty when it cannot be told."""
        stage, job = self.waiting
        parts = (stage.name if stage else "", (job.display_name or job.name) if job else "")
        return " / ".join(filter(None, parts))

    def param(self, name: str) -> str:
        """Return the value of a workflow parameter, empty when there is none."""
        return next((param.value for param in self.params if param.name == name), "")


class TaskSummary(Answer):
    """A line of the list of tasks; its status is in lower case, and its parameters are not told."""

    task_id: Int64
    status: Text = ""
    create_time: Int64 = 0


class TaskList(Answer):
    """One page of tasks."""

    total: Int64 = 0
    workflow_tasks: Many[TaskSummary] = ()


class ReleasePlan(Answer):
    """One of Zadig's own release plans, as far as an answer to its hook needs it."""

    id: Text = ""
    status: Text = ""
    instance_code: Text = ""


class Failure(Answer):
    """An error of Zadig: `code` is 6xxx or 7xxx, or 500 for any error that has no code of its own."""

    type: Text = ""
    message: Text = ""
    code: Int64
    description: Text = ""

    def __str__(self) -> str:
        return f"{self.message} ({self.code}): {self.description}".removesuffix(": ")
