"""Approval forms of the DingTalk simulator: start, decide, withdraw, look up, and the events that follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from .base import Clock
from .dingtalk_api import Json, Refused
from .dingtalk_schema import CommentProcess, ListProcesses, StartProcess, Step, TerminateProcess

Emit = Callable[[str, Json], Awaitable[Any]]


@dataclass
class Process:
    """One approval form and how far it has come."""

    instance_id: str
    process_code: str
    originator: str
    form: dict[str, str]
    steps: list[Step]
    created: int
    status: str = "RUNNING"
    result: str = ""
    step: int = 0
    tasks: list[Json] = field(default_factory=list)
    records: list[Json] = field(default_factory=list)
    attached: list[str] = field(default_factory=list)
    biz_action: str = "NONE"
    main: str = ""

    def open_task(self, user: str) -> Json:
        """Return the task that waits for this user; raise LookupError if there is none."""
        return next(t for t in self.tasks if t["userId"] == user and t["status"] == "RUNNING")


class Workflow:
    """The forms of one organisation; `emit` receives an event type and its fields."""

    def __init__(self, clock: Clock, users: Callable[[], set[str]], emit: Emit) -> None:
        self.processes: dict[str, Process] = {}
        self.silent = False
        """Whether the app is told of nothing that happens to forms."""
        self._clock = clock
        self._users = users
        self._emit = emit
        self._codes: dict[str, set[str]] = {}
        self._numbers = count(1)

    def add_form(self, process_code: str, *fields: str) -> None:
        """Let a kind of form exist, with these fields."""
        self._codes[process_code] = set(fields)

    async def start(self, body: Json) -> Json:
        """`POST /v1.0/workflow/processInstances`."""
        asked = StartProcess.model_validate(body)
        form = {value.name: value.value for value in asked.form_component_values}
        if form.keys() != self._codes.get(asked.process_code):
            raise Refused("processCode.error", "no such form, or other fields")
        people = {asked.originator_user_id, *(user for step in asked.approvers for user in step.user_ids)}
        if people - self._users():
            raise Refused("userNotExist", "员工不存在")
        number = next(self._numbers)
        created = int(self._clock.now() * 1000)
        process = Process(
            f"proc-{number}", asked.process_code, asked.originator_user_id, form, asked.approvers, created
        )
        self.processes[process.instance_id] = process
        self._open_step(process)
        return {"instanceId": process.instance_id}

    async def get(self, body: Json) -> Json:
        """`GET /v1.0/workflow/processInstances`."""
        process = self._find(body.get("processInstanceId", ""))
        result = {
            "title": f"{process.originator}提交的发布审批",
            "status": process.status,
            "result": process.result,
            "originatorUserId": process.originator,
            "bizAction": process.biz_action,
            "mainProcessInstanceId": process.main,
            "attachedProcessInstanceIds": process.attached,
            "tasks": process.tasks,
            "operationRecords": process.records,
            "formComponentValues": [{"name": name, "value": value} for name, value in process.form.items()],
        }
        return {"success": "true", "result": result}

    async def comment(self, body: Json) -> Json:
        """`POST /v1.0/workflow/processInstances/comments`."""
        asked = CommentProcess.model_validate(body)
        process = self._find(asked.process_instance_id)
        self._record(process, asked.comment_user_id, "ADD_REMARK", "NONE", asked.text)
        return {"success": True, "result": True}

    async def terminate(self, body: Json) -> Json:
        """`POST /v1.0/workflow/processInstances/terminate`."""
        asked = TerminateProcess.model_validate(body)
        process = self._find(asked.process_instance_id)
        if process.status != "RUNNING":
            raise Refused("processInstance.finished", "流程已结束")
        if not asked.is_system and asked.operating_user_id != process.originator:
            raise Refused("processInstance.noPermission", "只有发起人可以撤销")
        self._stop(process)
        return {"success": True, "result": True}

    async def list_ids(self, body: Json) -> Json:
        """`POST /v1.0/workflow/processes/instanceIds/query`."""
        asked = ListProcesses.model_validate(body)
        ids = [
            process.instance_id
            for process in self.processes.values()
            if process.process_code == asked.process_code
            and process.status != "DELETED"
            and asked.start_time <= process.created <= (asked.end_time or process.created)
            and (not asked.user_ids or process.originator in asked.user_ids)
        ]
        end = asked.next_token + asked.max_results
        following = {"nextToken": str(end)} if end < len(ids) else {}
        return {"success": True, "result": {"list": ids[asked.next_token : end], **following}}

    async def decide(self, instance_id: str, user: str, result: str, remark: str = "") -> list[Any]:
        """Let an approver agree or refuse in DingTalk's own form; return the app's answers to the events."""
        process = self._find(instance_id)
        task = process.open_task(user)
        task |= {"status": "COMPLETED", "result": result.upper(), "finishTime": self._minute()}
        self._record(process, user, "EXECUTE_TASK_NORMAL", result.upper(), remark)
        fields = {"type": "finish", "result": result, "staffId": user, "taskId": task["taskId"], "remark": remark}
        answers = [await self._tell("bpms_task_change", self._fields(process) | fields)]
        self._advance(process, refused=result == "refuse")
        if process.status == "COMPLETED":
            fields = {"type": "finish", "result": process.result, "staffId": process.originator}
            answers.append(await self._tell("bpms_instance_change", self._fields(process) | fields))
        return answers

    async def redirect(self, instance_id: str, user: str, to: str) -> Any:
        """Let an approver hand the task to somebody else; return the app's answer to the event."""
        process = self._find(instance_id)
        task = process.open_task(user)
        task |= {"status": "COMPLETED", "result": "REDIRECTED", "finishTime": self._minute()}
        self._ask(process, to, task["activityId"])
        self._record(process, user, "REDIRECT_TASK", "NONE")
        fields = {"type": "finish", "result": "redirect", "staffId": user, "taskId": task["taskId"]}
        return await self._tell("bpms_task_change", self._fields(process) | fields)

    async def append(self, instance_id: str, user: str, added: str, kind: str = "APPEND_TASK_BEFORE") -> Any:
        """Let an approver add another one before or after themselves; return the app's answer to the event."""
        process = self._find(instance_id)
        task = process.open_task(user)
        if kind == "APPEND_TASK_AFTER":
            task |= {"status": "COMPLETED", "result": "AGREE", "finishTime": self._minute()}
            self._record(process, user, "EXECUTE_TASK_NORMAL", "AGREE")
        self._ask(process, added, task["activityId"])
        self._record(process, user, kind, "NONE")
        fields = {"type": "start", "staffId": added, "taskId": process.tasks[-1]["taskId"]}
        return await self._tell("bpms_task_change", self._fields(process) | fields)

    async def send_back(self, instance_id: str, user: str, remark: str = "") -> Any:
        """Let an approver return the form to its submitter; return the app's answer to the event."""
        process = self._find(instance_id)
        task = process.open_task(user)
        task |= {"status": "CANCELED", "finishTime": self._minute()}
        self._record(process, user, "REDIRECT_PROCESS", "NONE", remark)
        fields = {"type": "cancel", "staffId": user, "taskId": task["taskId"]}
        return await self._tell("bpms_task_change", self._fields(process) | fields)

    async def revoke(self, instance_id: str) -> Any:
        """Let the submitter revoke an approved form by another one; return the app's answer to the event."""
        process = self._find(instance_id)
        assert (process.status, process.result) == ("COMPLETED", "agree")
        number = next(self._numbers)
        blank: Json = {"tasks": [], "records": [], "attached": []}
        other = replace(process, instance_id=f"proc-{number}", biz_action="REVOKE", main=instance_id, **blank)
        self.processes[other.instance_id] = other
        process.attached.append(other.instance_id)
        fields = {"type": "finish", "result": "agree", "staffId": process.originator}
        return await self._tell("bpms_instance_change", self._fields(other) | fields)

    async def withdraw(self, instance_id: str) -> Any:
        """Let who opened a form withdraw it in DingTalk; return the app's answer to the event."""
        process = self._find(instance_id)
        self._stop(process)
        return await self._tell("bpms_instance_change", self._fields(process) | {"type": "terminate"})

    async def delete(self, instance_id: str) -> Any:
        """Let an administrator delete a form; return the app's answer to the event."""
        process = self._find(instance_id)
        process.status = "DELETED"
        return await self._tell("bpms_instance_change", self._fields(process) | {"type": "delete"})

    @staticmethod
    def _stop(process: Process) -> None:
        process.status = "TERMINATED"
        for task in process.tasks:
            task["status"] = "CANCELED" if task["status"] == "RUNNING" else task["status"]

    def _advance(self, process: Process, *, refused: bool) -> None:
        step = process.steps[process.step]
        open_tasks = [task for task in process.tasks if task["status"] == "RUNNING"]
        if refused:
            process.status, process.result = "COMPLETED", "refuse"
        elif step.action_type == "AND" and open_tasks:
            return
        for task in open_tasks:
            task["status"] = "CANCELED"
        process.step += 1
        if process.status == "RUNNING" and not self._open_step(process):
            process.status, process.result = "COMPLETED", "agree"

    def _open_step(self, process: Process) -> bool:
        if process.step >= len(process.steps):
            return False
        for user in process.steps[process.step].user_ids:
            self._ask(process, user, f"step-{process.step}")
        return True

    def _ask(self, process: Process, user: str, activity: str) -> None:
        task_id = str(1000 + next(self._numbers))
        task = {"taskId": task_id, "userId": user, "status": "RUNNING", "result": "NONE", "activityId": activity}
        process.tasks.append(task | {"createTime": self._minute()})

    def _record(self, process: Process, user: str, kind: str, result: str, remark: str = "") -> None:
        record = {"userId": user, "type": kind, "result": result, "remark": remark, "date": self._minute()}
        process.records.append(record)

    def _minute(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y-%m-%dT%H:%MZ")

    async def _tell(self, event_type: str, fields: Json) -> Any:
        return None if self.silent else await self._emit(event_type, fields)

    def _fields(self, process: Process) -> Json:
        return {"processInstanceId": process.instance_id, "processCode": process.process_code, "title": "发布审批"}

    def _find(self, instance_id: str) -> Process:
        process = self.processes.get(instance_id)
        if process is None or process.status == "DELETED":
            raise Refused("processInstance.notExist", "流程实例不存在")
        return process
