"""The runner of Zadig's workflows (`core.ports.runner.Runner`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from aiohttp import ClientSession

from adapters.zadig.client import REF_PARAM, ZadigClient
from adapters.zadig.clones import Clones
from adapters.zadig.internal_request import make_internal_request
from adapters.zadig.models import StartedTask, Task, WorkflowDetail
from adapters.zadig.openapi_request import jobs_to_run, make_openapi_request
from adapters.zadig.push import WorkflowPush, parse_push
from adapters.zadig.settings import ZadigSettings
from adapters.zadig.status import NEEDED, RETRYABLE
from adapters.zadig.validate import find_problems
from core.errors import DeliveryError, Invalid, Problem
from core.messages import NO_MESSAGE, Message
from core.ports.runner import RunOrder, RunPush, RunReport
from core.status import RunStatus
from core.workflow import ReleasePlanHook, Workflow

log = logging.getLogger(__name__)

_SKEW = timedelta(minutes=5)
"""How far Zadig's clock may be behind ours, when tasks are searched for by time."""


class ZadigRunner:
    """Runs workflows in Zadig. The `external_id` of a run is `<workflow>/<task>`: Zadig numbers tasks per workflow."""

    name = "zadig"

    def __init__(self, settings: ZadigSettings, session: ClientSession) -> None:
        """Use a session from `client.open_session`; the runner closes it."""
        self._session = session
        self._hook_token = settings.hook_token.get_secret_value()
        self.client = ZadigClient(session, settings.url, settings.token.get_secret_value())
        self._clones = Clones(self.client)

    def problems(self, workflow: Workflow) -> list[Problem]:
        """Return the problems that are known without Zadig, since drafting does not need it; `start` finds the rest."""
        found = []
        if not workflow.name:
            found.append(Problem("name", "write the key of the workflow in Zadig"))
        if workflow.enable_approval_ticket:
            found.append(Problem("enable_approval_ticket", "Zadig starts this workflow only by an approval ticket"))
        if not any(jobs_to_run(workflow)):
            found.append(Problem("stages", "name at least one job to run; Zadig skips those that are not named"))
        return found

    async def start(self, order: RunOrder) -> RunReport:
        """Run the failed task of the previous attempt again, or else start a new task; at most once for an attempt.

        A workflow with problems fails at once, with all of them.
        """
        if known := await self.find(order) or await self._reopen(order):
            return known
        workflow = order.workflow
        detail = await self.client.get_workflow(_project(order), workflow.name)
        if problems := find_problems(workflow, detail):
            return RunReport(order.run_id, RunStatus.FAILED, message=Invalid(*problems).as_message())
        started = await self._start(order, detail)
        return self._report(order, RunStatus.RUNNING, started.task_id, detail.workflow_name)

    async def find(self, order: RunOrder) -> RunReport | None:
        """Return the report on the reopened task, or on the task with the reference of the attempt.

        A workflow without `REF_PARAM` has no references. A task that somebody has run again in Zadig, or cloned, counts
        as reopened: a second one would release twice.
        """
        task = await self._task(order.previous)
        if task:
            task = await self._clones.find(_project(order), order.workflow.name, task) or task
        if task and task.status.lower() not in RETRYABLE:
            return self._report_task(order, task)
        since = order.requested_at - _SKEW if order.requested_at else None
        found = await self.client.find_task_by_reference(_project(order), order.workflow.name, order.reference, since)
        return self._report_task(order, found) if found else None

    async def status(self, run_id: str, external_id: str, order: RunOrder) -> RunReport:
        """Return the report on a task, or on its clone once it has failed and somebody has cloned it in Zadig.

        It is `unknown` when Zadig does not have the task any more.
        """
        task = await self._task(external_id)
        if task is None:
            return RunReport(run_id, RunStatus.UNKNOWN, message=Message("Zadig has no such task any more"))
        try:
            clone = await self._clones.find(_project(order), order.workflow.name, task)
        except DeliveryError as error:
            log.info("whether Zadig's task %s was cloned cannot be known now: %s", external_id, error)
            clone = None
        return self._report_task(order, clone or task)

    async def cancel(self, run_id: str, external_id: str) -> None:
        """Cancel a task; one that has ended, or that Zadig does not have any more, stays as it is."""
        task = await self._task(external_id)
        if task and not task.run_status.ended:
            await self.client.cancel(external_id.rpartition("/")[0], task.task_id)

    async def resume(self, run_id: str, external_id: str, order: RunOrder, comment: str) -> None:
        """Approve the job or start the stage that a task waits for. Zadig requires a permission for both."""
        task = await self._task(external_id)
        if task is None or task.run_status is not RunStatus.WAITING:
            return
        workflow, (stage, job) = external_id.rpartition("/")[0], task.waiting
        match task.status:
            case "pause" if stage:
                await self.client.run_stage(_project(order), workflow, task.task_id, stage.name)
            case "wait_for_approval" if job:
                await self.client.approve(workflow, task.task_id, job.name, approve=True, comment=comment)
            case status:
                raise DeliveryError("Zadig", NEEDED[status], retryable=False)

    def parse_push(self, body: bytes, headers: Mapping[str, str]) -> RunPush | ReleasePlanHook:
        """Parse a push: the progress of a task, or the hook of one of Zadig's own release plans."""
        push = parse_push(body, headers, self._hook_token)
        return RunPush(external_id(push.workflow, push.task_id)) if isinstance(push, WorkflowPush) else push

    async def reference_of(self, external_id: str) -> str:
        """Return the reference of the attempt in a task; empty when it has none."""
        task = await self._task(external_id)
        return task.param(REF_PARAM) if task else ""

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def _reopen(self, order: RunOrder) -> RunReport | None:
        """Run a failed task again, with the same id; None when Zadig does not have it, or refuses."""
        task = await self._task(order.previous)
        if task is None:
            return None
        try:
            await self.client.retry(_project(order), order.workflow.name, task.task_id)
        except DeliveryError as error:
            if error.sent or error.retryable:
                raise
            return None
        return self._report(order, RunStatus.RUNNING, task.task_id, task.workflow_name)

    async def _start(self, order: RunOrder, detail: WorkflowDetail) -> StartedTask:
        """Start a task by the OpenAPI, or by the internal API when the OpenAPI has no inputs for the workflow."""
        if request := make_openapi_request(order.workflow, detail, order.reference):
            return await self.client.start(request)
        preset = await self.client.get_preset(order.workflow.name)
        return await self.client.start_internal(make_internal_request(order.workflow, preset, order.reference))

    async def _task(self, external_id: str) -> Task | None:
        workflow, _, number = external_id.rpartition("/")
        return await self.client.find_task(workflow, int(number)) if workflow else None

    def _report_task(self, order: RunOrder, task: Task) -> RunReport:
        message = Message.verbatim("; ".join(task.faults))
        if needed := NEEDED.get(task.status):
            place = task.waits_at
            message = Message("{place}: {what}", {"place": place, "what": needed}) if place else needed
        return self._report(order, task.run_status, task.task_id, task.workflow_name, message)

    def _report(
        self, order: RunOrder, status: RunStatus, task_id: int, display_name: str, message: Message = NO_MESSAGE
    ) -> RunReport:
        workflow = order.workflow.name
        url = self.client.page_url(_project(order), workflow, task_id, display_name or workflow)
        return RunReport(order.run_id, status, external_id(workflow, task_id), url, message)


def external_id(workflow: str, task_id: int) -> str:
    """Return the id by which plans refer to a task."""
    return f"{workflow}/{task_id}"


def _project(order: RunOrder) -> str:
    return order.project or order.workflow.project
