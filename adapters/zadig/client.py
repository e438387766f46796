"""A client of Zadig's HTTP API: the OpenAPI for custom workflows, and the internal API where the OpenAPI falls short.

Source: Zadig `aslan/core/workflow/handler/router.go`, `handler/openapi.go`. The internal API may change with any
version, so it is used only to start what the OpenAPI cannot start.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
    TCPConnector,
)
from pydantic import TypeAdapter, ValidationError

from adapters.common.connecting import Reachability, connection_failure
from adapters.common.proxies import open_proxied_session
from adapters.zadig.models import Failure, ReleasePlan, StartedTask, Task, TaskList, TaskSummary, WorkflowDetail
from core.errors import DeliveryError
from core.messages import Message

log = logging.getLogger(__name__)

JsonObject = dict[str, Any]
T = TypeVar("T")

REF_PARAM = "release_plan_ref"
"""The workflow parameter for the reference of the attempt that a task belongs to; a workflow may have it or not."""

_CUSTOM = "/openapi/workflows/custom"
_INTERNAL = "/api/aslan/workflow/v4"
_NOT_FOUND = "no documents in result"
"""MongoDB's error, and so Zadig's, for an object that does not exist; Zadig's error code is the same for all errors."""


def open_session(timeout: float = 30) -> ClientSession:
    """Open a session whose calls time out after `timeout` seconds; the caller closes it.

    Each call has a connection of its own. Zadig may close a connection that is kept alive just when it is used again;
    then it would be unknown whether a task was started.
    """
    return open_proxied_session(connector=TCPConnector(force_close=True), timeout=ClientTimeout(total=timeout))


class ZadigClient:
    """Calls one Zadig with one API token.

    Every method raises `DeliveryError`. Its `sent` is true when it is unknown whether Zadig carried out the request:
    search for the task (`find_task_by_reference`) before a start is repeated.
    """

    def __init__(self, session: ClientSession, url: str, token: str) -> None:
        """Use a session from `open_session`, and `url` without a path."""
        self._session = session
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._reachability = Reachability("Zadig", "check zadig.url", log)

    async def get_workflow(self, project: str, workflow: str) -> WorkflowDetail:
        """Return a stored workflow."""
        path = f"{_CUSTOM}/{quote(workflow, safe='')}/detail"
        return _read(WorkflowDetail, await self._call("GET", path, {"projectKey": project}))

    async def start(self, request: JsonObject) -> StartedTask:
        """Start a task with a body of `make_openapi_request`."""
        return _read(StartedTask, await self._call("POST", f"{_CUSTOM}/task", body=request))

    async def get_preset(self, workflow: str) -> JsonObject:
        """Return the whole stored workflow with its defaults, to be changed and started by `start_internal`."""
        return _read(JsonObject, await self._call("GET", f"{_INTERNAL}/preset/{quote(workflow, safe='')}"))

    async def start_internal(self, request: JsonObject) -> StartedTask:
        """Start a task by the internal API, with a body of `make_internal_request`."""
        return _read(StartedTask, await self._call("POST", f"{_INTERNAL}/workflowtask", body=request))

    async def get_task(self, workflow: str, task_id: int) -> Task:
        """Return the present state of a task, whichever API started it."""
        query = {"workflowKey": workflow, "taskId": str(task_id)}
        return _read(Task, await self._call("GET", f"{_CUSTOM}/task", query))

    async def find_task(self, workflow: str, task_id: int) -> Task | None:
        """Return the present state of a task; None when Zadig does not have the task, any more or yet."""
        return await _find(self.get_task(workflow, task_id))

    async def list_tasks(self, project: str, workflow: str, page: int = 1, size: int = 20) -> tuple[TaskSummary, ...]:
        """Return one page of a workflow's tasks, newest first."""
        query = {"projectKey": project, "pageNum": str(page), "pageSize": str(size)}
        path = f"{_CUSTOM}/{quote(workflow, safe='')}/tasks"
        return _read(TaskList, await self._call("GET", path, query)).workflow_tasks

    async def find_task_by_reference(
        self, project: str, workflow: str, reference: str, since: datetime | None
    ) -> Task | None:
        """Return the task with a reference in `REF_PARAM`, among the newest ones that were created since a time."""
        oldest = int(since.timestamp()) if since else 0
        for summary in await self.list_tasks(project, workflow):
            if summary.create_time >= oldest:
                task = await self.get_task(workflow, summary.task_id)
                if task.param(REF_PARAM) == reference:
                    return task
        return None

    async def cancel(self, workflow: str, task_id: int) -> None:
        """Cancel a task. One that has passed cannot be cancelled; one that has failed becomes cancelled."""
        await self._call("DELETE", f"{_CUSTOM}/task", {"workflowKey": workflow, "taskId": str(task_id)})

    async def retry(self, project: str, workflow: str, task_id: int) -> None:
        """Run the failed jobs of a task again, under the same task id."""
        await self._call("POST", _task_path(workflow, task_id), {"projectKey": project})

    async def approve(self, workflow: str, task_id: int, job: str, *, approve: bool, comment: str) -> None:
        """Approve or reject an approval job. Zadig's field `stage_name` is the name of the job."""
        decision = {"workflow_key": workflow, "task_id": task_id, "stage_name": job}
        await self._call("POST", f"{_CUSTOM}/task/approve", body=decision | {"approve": approve, "comment": comment})

    async def run_stage(self, project: str, workflow: str, task_id: int, stage: str) -> None:
        """Start a stage that is run by hand, at which a task is paused."""
        path = f"{_task_path(workflow, task_id)}/manual-exec"
        await self._call("POST", path, {"projectKey": project}, {"stage_name": stage})

    async def answer_check(
        self, plan_id: str, instance_code: str, event: str, result: str, *, reason: str = "", progress: str = ""
    ) -> None:
        """Answer the hook of one of Zadig's own release plans.

        `result` is `success`, `failed` with a `reason`, or `executing` with a `progress` text.
        """
        answer = {"release_plan_id": plan_id, "instance_code": instance_code, "hook_event": event, "result": result}
        texts = {"failed_reason": reason, "description": progress}
        await self._call("POST", "/api/callback/release_plan", body=answer | texts)

    async def get_release_plan(self, plan_id: str) -> ReleasePlan:
        """Return the present state of one of Zadig's own release plans."""
        return _read(ReleasePlan, await self._call("GET", f"/openapi/release_plan/v1/{quote(plan_id, safe='')}"))

    async def find_release_plan(self, plan_id: str) -> ReleasePlan | None:
        """Return the present state of one of Zadig's own release plans; None when Zadig does not have it any more."""
        return await _find(self.get_release_plan(plan_id))

    def page_url(self, project: str, workflow: str, task_id: int, display_name: str) -> str:
        """Return the URL of a task's page in Zadig."""
        path = f"/v1/projects/detail/{quote(project)}/pipelines/custom/{quote(workflow)}/{task_id}"
        return f"{self._url}{path}?{urlencode({'display_name': display_name})}"

    async def _call(
        self, method: str, path: str, query: dict[str, str] | None = None, body: JsonObject | None = None
    ) -> bytes:
        reads = method == "GET"
        try:
            async with self._session.request(
                method,
                self._url + path,
                params=query,
                json=body,
                headers=self._headers,
                allow_redirects=False,
            ) as response:
                raw = await response.read()
        except (ClientError, TimeoutError) as error:
            self._reachability.mark_lost(connection_failure(error) or "no answer in time")
            raise _no_answer(error, reads=reads) from error
        self._reachability.mark_restored()
        if response.status != HTTPStatus.OK:
            raise _read_error(response, raw, reads=reads)
        return raw


_CODE = re.compile(r"\b[0-9a-f]{16}\b")
"""Matches an instance code. Zadig's error for a wrong code contains the right one, and people see the error."""


async def _find(answer: Awaitable[T]) -> T | None:
    """Return an answer; None when Zadig does not have the object."""
    try:
        return await answer
    except DeliveryError as error:
        if _NOT_FOUND in error.answer:
            return None
        raise


def _task_path(workflow: str, task_id: int) -> str:
    return f"{_CUSTOM}/{quote(workflow, safe='')}/task/{task_id}"


def _read(kind: type[T], raw: bytes) -> T:
    try:
        return TypeAdapter(kind).validate_json(raw)
    except ValidationError as error:
        raise _error(Message("its answer is not Zadig's; check zadig.url"), retryable=False, sent=True) from error


def _no_answer(error: Exception, *, reads: bool) -> DeliveryError:
    match error:
        case ClientConnectorError():
            return _error(Message("it cannot be reached: {error}", {"error": str(error)}), retryable=True)
        case TimeoutError():
            return _error(Message("it did not answer in time"), retryable=True, sent=not reads)
        case ServerDisconnectedError():
            return _error(Message("it closed the connection without an answer"), retryable=True, sent=not reads)
        case _:
            reason = Message("the connection broke off: {error}", {"error": str(error)})
            return _error(reason, retryable=True, sent=not reads)


def _read_error(response: ClientResponse, raw: bytes, *, reads: bool) -> DeliveryError:
    """Return the error in an answer.

    Zadig answers 400 for all errors with a code, even when a server is at fault, and 500 for all others, even for a
    wrong name. So code 500 is retryable for requests that only read. An answer without Zadig's error comes from a
    gateway, which may have timed out on a request that Zadig carried out.
    """
    try:
        failure = Failure.model_validate_json(raw)
    except ValidationError:
        pass
    else:
        retryable = reads and failure.code == HTTPStatus.INTERNAL_SERVER_ERROR
        text, answer = (_CODE.sub("…", part) for part in (str(failure), failure.description))
        return _error(Message.verbatim(text), retryable=retryable, status=response.status, answer=answer)
    match response.status:
        case HTTPStatus.UNAUTHORIZED:
            return _error(Message("it does not accept the token; check zadig.token"), retryable=False)
        case HTTPStatus.FORBIDDEN:
            why = response.headers.get("x-zadig-auth-reason") or Message("the token's owner lacks the right")
            return _error(Message("it refused: {why}", {"why": why}), retryable=False)
        case HTTPStatus.TOO_MANY_REQUESTS:
            wait = response.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isdecimal() else None
            return _error(Message("it is busy"), retryable=True, retry_after=seconds)
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            reason = Message("its gateway answered {status}", {"status": status})
            return _error(reason, retryable=True, sent=not reads)
        case status:
            return _error(Message("it answered {status}; check zadig.url", {"status": status}), retryable=False)


def _error(
    reason: Message,
    *,
    retryable: bool,
    sent: bool = False,
    retry_after: float | None = None,
    status: int = 0,
    answer: str = "",
) -> DeliveryError:
    return DeliveryError(
        "Zadig", reason, retryable=retryable, sent=sent, retry_after=retry_after, status=status, answer=answer
    )
