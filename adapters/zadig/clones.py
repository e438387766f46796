"""Finds clones of tasks: new tasks that somebody starts on Zadig's page with the parameters of an earlier one.

A clone has the parameter with the reference of the attempt (`REF_PARAM`) as well, by which it is known. Zadig does not
say of a task that it is a clone (`aslan/core/workflow/service/workflow/workflow_task_v4.go`, `CloneWorkflowTaskV4`).
"""

from __future__ import annotations

from typing import Final

from adapters.zadig.client import REF_PARAM, ZadigClient
from adapters.zadig.models import Task
from adapters.zadig.status import RETRYABLE

_REMEMBERED: Final = 1000
"""How many references are remembered, so that a task is read once, not by every poll."""


class Clones:
    """Finds clones of tasks in one Zadig."""

    def __init__(self, client: ZadigClient) -> None:
        self._client = client
        self._references: dict[tuple[str, int], str] = {}

    async def find(self, project: str, workflow: str, task: Task) -> Task | None:
        """Return the newest clone that goes on or has passed, of a task that has failed; None when there is none.

        Raises DeliveryError when it cannot be known.
        """
        reference = task.param(REF_PARAM)
        if not reference or task.status.lower() not in RETRYABLE:
            return None
        for summary in await self._client.list_tasks(project, workflow):
            newer = summary.task_id > task.task_id and summary.status.lower() not in RETRYABLE
            if newer and await self._reference_of(workflow, summary.task_id) == reference:
                return await self._client.get_task(workflow, summary.task_id)
        return None

    async def _reference_of(self, workflow: str, task_id: int) -> str:
        """Return the reference in a task, which never changes."""
        key = workflow, task_id
        if key not in self._references:
            reference = (await self._client.get_task(workflow, task_id)).param(REF_PARAM)
            if len(self._references) == _REMEMBERED:
                del self._references[next(iter(self._references))]
            self._references[key] = reference
        return self._references[key]
