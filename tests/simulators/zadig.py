"""A Zadig to test against: workflows, tasks, pushes and release plans, with Zadig's own errors and oddities.

Source: Zadig `aslan/core/workflow/handler`, `pkg/tool/errors`, `user/server/grpc/server.go` (the token).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.simulators import zadig_workflows
from tests.simulators.base import Simulator
from tests.simulators.zadig_plans import HookSetting, Plan, push
from tests.simulators.zadig_tasks import ENDED, RETRYABLE, Json, Task

Handler = Callable[[web.Request], Awaitable[Any]]

_CUSTOM = "/openapi/workflows/custom"
_INTERNAL = "/api/aslan/workflow/v4"


class ZadigFailure(Exception):
    """One of Zadig's numbered errors: HTTP 400, whoever is at fault."""

    def __init__(self, code: int, message: str, description: str) -> None:
        super().__init__(description)
        self.code, self.message, self.description = code, message, description

    def answer(self) -> web.Response:
        """Return the answer, in Zadig's shape."""
        body = {"type": "error", "message": self.message, "code": self.code, "description": self.description}
        return web.json_response(body | {"extra": None}, status=500 if self.code == 500 else 400)


class Zadig(Simulator):
    """Serves one project, `shop`; operations are named start, detail, task, tasks, cancel, retry, approve, …

    `complaints` collects what Zadig silently ignores; a test of our own requests wants it empty.
    """

    def __init__(self, token: str = "zadig-api-token") -> None:
        super().__init__()
        self.token = token
        self.workflows = {"shop-release": zadig_workflows.stored_workflow()}
        self.tasks: dict[tuple[str, int], Task] = {}
        self.plans: dict[str, Plan] = {}
        self.complaints: list[str] = []
        self.approvals: list[Json] = []
        self.refused_actions: frozenset[str] = frozenset()
        self.notification: HookSetting | None = None
        """The `notify_ctls` of each workflow: `events` holds statuses."""
        self.workflow_hook: HookSetting | None = None
        """The hook of the whole system: `events` holds `start_execute` and `complete_execute`."""
        self.plan_hook: HookSetting | None = None
        self.pushes: list[tuple[str, int]] = []

    def routes(self) -> list[web.RouteDef]:
        task = f"{_CUSTOM}/{{workflow}}/task/{{id}}"
        return [
            self._route("GET", f"{_CUSTOM}/{{workflow}}/detail", "detail", self._detail),
            self._route("GET", f"{_CUSTOM}/{{workflow}}/tasks", "tasks", self._tasks),
            self._route("POST", f"{_CUSTOM}/task", "start", self._start),
            self._route("GET", f"{_CUSTOM}/task", "task", self._task),
            self._route("DELETE", f"{_CUSTOM}/task", "cancel", self._cancel),
            self._route("POST", f"{_CUSTOM}/task/approve", "approve", self._approve),
            self._route("POST", task, "retry", self._retry),
            self._route("POST", f"{task}/manual-exec", "manual-exec", self._manual_exec),
            self._route("GET", f"{_INTERNAL}/preset/{{workflow}}", "preset", self._preset),
            self._route("POST", f"{_INTERNAL}/workflowtask", "start-full", self._start_full),
            self._route("POST", "/api/callback/release_plan", "callback", self._callback),
            self._route("GET", "/openapi/release_plan/v1/{id}", "plan", self._plan),
        ]

    def operation(self, request: web.Request) -> str:
        return request.match_info.route.name or request.path

    def only_task(self) -> Task:
        """Return the task, when there is exactly one."""
        (task,) = self.tasks.values()
        return task

    async def move(self, task: Task, status: str, *, job: str = "", error: str = "") -> None:
        """Bring a task to a status, and push it as Zadig would: no `complete_execute` for a rejected one."""
        task.move(status, int(self.clock.now()), job=job, error=error)
        if self.notification and status in self.notification.events:
            await self._push_task(self.notification, "workflow", task)
        if status in ENDED and status != "reject":
            await self._push_system("complete_execute", task)

    async def send_plan_hook(self, plan: Plan, event: str) -> int:
        """Let a plan reach an event and send its hook; return the receiver's status."""
        if self.plan_hook is None or event not in self.plan_hook.events:
            raise ValueError(f"no hook is set for {event}")
        self.plans[plan.id] = plan
        plan.wait(event)
        return await push(self.plan_hook, plan.body(event), self.url)

    def _route(self, method: str, path: str, name: str, handler: Handler) -> web.RouteDef:
        async def answer(request: web.Request) -> web.Response:
            if not self._authentic(request):
                return web.Response(status=401)
            if name in self.refused_actions:
                return web.Response(status=403)
            try:
                result = await handler(request)
            except ZadigFailure as failure:
                return failure.answer()
            except (ValueError, KeyError, TypeError) as error:
                return ZadigFailure(500, "Internal Error", str(error)).answer()
            return web.json_response({"message": "success"} if result is None else result)

        return web.RouteDef(method, path, answer, {"name": name})

    def _authentic(self, request: web.Request) -> bool:
        """The token of the query wins over the header, which must have exactly two parts."""
        parts = request.headers.get("Authorization", "").split(" ")
        given = request.query.get("token") or (parts[1] if len(parts) == 2 and parts[0] == "Bearer" else "")
        return given == self.token

    def _stored(self, key: str) -> Json:
        if key not in self.workflows:
            raise ZadigFailure(6542, "failed to find workflow", f"{key}: mongo: no documents in result")
        return copy.deepcopy(self.workflows[key])

    def _found(self, key: str, number: str) -> Task:
        task = self.tasks.get((key, int(number)))
        if task is None:
            raise ZadigFailure(6161, "failed to get task", "mongo: no documents in result")
        return task

    async def _detail(self, request: web.Request) -> Json:
        stored = self._stored(request.match_info["workflow"])
        if request.query["projectKey"] != stored["project"]:
            raise ValueError("workflow does not belong to the specified project")
        return {
            "workflow_key": stored["name"],
            "workflow_name": stored["display_name"],
            "project_key": stored["project"],
            "description": "",
            "params": stored["params"],
            "stages": stored["stages"],
            "notify_ctls": [],
        }

    async def _start(self, request: web.Request) -> Json:
        given = await request.json()
        workflow = self._stored(given["workflow_key"])
        if workflow["project"] != given["project_key"]:
            raise ValueError("workflow does not belong to the specified project")
        if workflow.get("enable_approval_ticket"):
            raise ZadigFailure(6160, "failed to create task", "workflow need approval ticket to run")
        self.complaints += zadig_workflows.complaints(given)
        names = {job["name"] for stage in workflow["stages"] for job in stage["jobs"]}
        self.complaints += [f"no job {one['job_name']}" for one in given["inputs"] if one["job_name"] not in names]
        zadig_workflows.set_params(workflow, given["parameters"])
        zadig_workflows.set_jobs(workflow, given["inputs"])
        return await self._run(workflow)

    async def _preset(self, request: web.Request) -> Json:
        return self._stored(request.match_info["workflow"])

    async def _start_full(self, request: web.Request) -> Json:
        """Take a whole workflow, which must still be the stored one apart from values."""
        given = await request.json()
        stored = self._stored(given["name"])
        for key in ("id", "hash", "project", "display_name"):
            if given.get(key) != stored[key]:
                raise ZadigFailure(6160, "failed to create task", f"{key} of the workflow was changed")
        if _outline(given) != _outline(stored):
            raise ZadigFailure(6160, "failed to create task", "stages or jobs of the workflow were changed")
        return await self._run(given)

    async def _run(self, workflow: Json) -> Json:
        number = 1 + max((number for key, number in self.tasks if key == workflow["name"]), default=0)
        task = Task(number, workflow, int(self.clock.now()))
        await self._push_system("start_execute", task)  # before it is stored, as Zadig does
        self.tasks[task.key, number] = task
        return {"project_name": workflow["project"], "workflow_name": task.key, "task_id": number}

    async def _task(self, request: web.Request) -> Json:
        return self._found(request.query["workflowKey"], request.query["taskId"]).preview()

    async def _tasks(self, request: web.Request) -> Json:
        key, size, page = request.match_info["workflow"], int(request.query["pageSize"]), int(request.query["pageNum"])
        found = sorted((task for task in self.tasks.values() if task.key == key), key=lambda task: -task.id)
        lines = [task.summary() for task in found[(page - 1) * size : page * size]]
        return {"total": len(found), "workflow_tasks": lines}

    async def _cancel(self, request: web.Request) -> None:
        task = self._found(request.query["workflowKey"], request.query["taskId"])
        if task.status == "passed":
            raise ZadigFailure(6163, "failed to cancel task", "task is already passed")
        await self.move(task, "cancelled")

    async def run_again(self, task: Task) -> None:
        """Run the failed jobs of a task again, under the same number, as from Zadig's page."""
        if task.status not in RETRYABLE:
            raise ValueError(f"工作流任务状态无法重试: {task.status}")
        task.status, task.ended, task.error, task.restarted, task.jobs = "created", 0, "", True, {}

    async def clone(self, task: Task) -> Task:
        """Start a new task with what a task was started with, as from Zadig's page."""
        started = await self._run(copy.deepcopy(task.workflow))
        return self.tasks[task.key, started["task_id"]]

    async def _retry(self, request: web.Request) -> None:
        await self.run_again(self._found(request.match_info["workflow"], request.match_info["id"]))

    async def _approve(self, request: web.Request) -> None:
        """The field is called `stage_name` and holds the name of the approval job."""
        given = await request.json()
        task = self._found(given["workflow_key"], str(given["task_id"]))
        waiting = task.status == "wait_for_approval"
        if not waiting or given["stage_name"] not in task.ran():
            raise ZadigFailure(6169, "failed to approve task", f"job {given['stage_name']} is not waiting for approval")
        self.approvals.append(given)
        await self.move(task, "running" if given["approve"] else "reject")

    async def _manual_exec(self, request: web.Request) -> None:
        given = await request.json()
        task = self._found(request.match_info["workflow"], request.match_info["id"])
        if task.status != "pause" or given["stage_name"] not in [stage["name"] for stage in task.stages()]:
            raise ValueError(f"stage {given['stage_name']} is not paused")
        await self.move(task, "running")

    async def _plan(self, request: web.Request) -> Json:
        plan = self.plans.get(request.match_info["id"])
        if plan is None:
            raise ValueError("mongo: no documents in result")
        return plan.stored()

    async def _callback(self, request: web.Request) -> None:
        try:
            given = await request.json()
        except json.JSONDecodeError as error:
            raise ZadigFailure(6000, "invalid parameter", str(error)) from error
        if self.plan_hook is None or not self.plan_hook.callback:
            return  # Zadig says success and does nothing
        plan = self.plans.get(given["release_plan_id"])
        if plan is None:
            raise ValueError("mongo: no documents in result")
        plan.answer(given, self.plan_hook)

    async def _push_system(self, event: str, task: Task) -> None:
        if self.workflow_hook and event in self.workflow_hook.events:
            await self._push_task(self.workflow_hook, event, task)

    async def _push_task(self, setting: HookSetting, event: str, task: Task) -> None:
        body = {"object_kind": "workflow", "event": event, "workflow": task.notice(), "release_plan": None}
        self.pushes.append((event, await push(setting, body, self.url)))


def _outline(workflow: Json) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(stage["name"], [(job["name"], job["type"]) for job in stage["jobs"]]) for stage in workflow["stages"]]
