"""Tasks of the Zadig simulator: they move when a test says so. Source: Zadig `workflow_task_v4.go`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

RETRYABLE = ("failed", "timeout", "cancelled", "reject")
ENDED = ("passed", *RETRYABLE)


@dataclass
class Task:
    """One run of a workflow, in memory; `workflow` is the whole workflow as it was started."""

    id: int
    workflow: Json
    created: int
    status: str = "created"
    error: str = ""
    started: int = 0
    ended: int = 0
    restarted: bool = False
    jobs: dict[str, Json] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The workflow's key."""
        key: str = self.workflow["name"]
        return key

    def spec_of(self, job: str) -> Json:
        """Return the spec that a job was started with."""
        return next(one["spec"] for stage in self.workflow["stages"] for one in stage["jobs"] if one["name"] == job)

    def ran(self) -> list[str]:
        """Return the names of the jobs that were not skipped."""
        return [job["name"] for stage in self.workflow["stages"] for job in stage["jobs"] if not job["skipped"]]

    def move(self, status: str, now: int, *, job: str = "", error: str = "") -> None:
        """Bring the task to a status; with `job` the fault is told there."""
        self.status = status
        self.started = self.started or now
        self.ended = now if status in ENDED else 0
        if job:
            self.jobs[job] = {"status": status, "error": error}
        else:
            self.error = error

    def stages(self) -> list[Json]:
        """Return stages and jobs with their statuses; skipped jobs are left out."""
        return [
            {
                "name": stage["name"],
                "status": self.status,
                "start_time": self.started,
                "end_time": self.ended,
                "jobs": [self._job(job) for job in stage["jobs"] if not job["skipped"]],
                "error": "",
            }
            for stage in self.workflow["stages"]
        ]

    def _job(self, job: Json) -> Json:
        told = {"name": job["name"], "display_name": job["name"], "type": job["type"], "spec": job["spec"]}
        state = {"status": self.status, "start_time": self.started, "end_time": self.ended, "error": ""}
        return told | state | self.jobs.get(job["name"], {})

    def preview(self) -> Json:
        """Return the task's detail; an empty status is left out."""
        return {
            "task_id": self.id,
            "workflow_key": self.key,
            "workflow_name": self.workflow["display_name"],
            "params": self.workflow["params"],
            **({"status": self.status} if self.status else {}),
            "reverted": False,
            "remark": self.workflow.get("remark", ""),
            "task_creator": "fabu",
            "task_revoker": "",
            "create_time": self.created,
            "start_time": self.started,
            "end_time": self.ended,
            "stages": self.stages(),
            "project_key": self.workflow["project"],
            "error": self.error,
            "is_restart": self.restarted,
        }

    def summary(self) -> Json:
        """Return the task's line in a list: the status in lower case, no parameters."""
        return {
            "workflow_key": self.key,
            "workflow_name": self.workflow["display_name"],
            "project_key": self.workflow["project"],
            "task_id": self.id,
            "create_time": self.created,
            "task_creator": "fabu",
            "start_time": self.started,
            "end_time": self.ended,
            "status": self.status.lower(),
        }

    def notice(self) -> Json:
        """Return the `workflow` of a push; its address lacks the task's number, as Zadig's does."""
        return {
            "task_id": self.id,
            "project_name": self.workflow["project"],
            "project_display_name": self.workflow["project"],
            "workflow_name": self.key,
            "workflow_display_name": self.workflow["display_name"],
            "status": self.status,
            "remark": self.workflow.get("remark", ""),
            "detail_url": f"https://zadig.example/v1/projects/detail/{self.workflow['project']}/pipelines/custom/{self.key}",
            "error": self.error,
            "create_time": self.created,
            "start_time": self.started,
            "end_time": self.ended,
            "stages": self.stages(),
            "task_creator": "fabu",
            "task_creator_id": "u1",
            "task_creator_email": "",
            "task_type": "workflow",
        }
