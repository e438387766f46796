"""The statuses of plans, items and runs.

The names are those of the release-plan document ("发布计划状态说明"); where the document's tables and the real wire
differ (`finished_planning`, `wait_for_success_external_check`), the wire's name is ours and the other one is read too.
"""

from __future__ import annotations

from enum import StrEnum


class HookEvent(StrEnum):
    """The events of a plan of which external systems are notified; the plan may wait until they call back."""

    FINISH_PLANNING = "finish_planning"
    START_EXECUTE = "start_execute"
    ALL_JOB_DONE = "all_job_done"


class PlanStatus(StrEnum):
    """The status of a plan."""

    PLANNING = "planning"
    FINISH_PLANNING = "finish_planning"
    WAIT_FOR_APPROVAL = "wait_for_approval"
    EXECUTING = "executing"
    DENIED = "denied"
    TIMEOUT = "timeout"
    SUCCESS = "success"
    CANCEL = "cancel"
    FINISH_CHECK = "wait_for_finish_planning_external_check"
    EXECUTE_CHECK = "wait_for_execute_external_check"
    ALL_DONE_CHECK = "wait_for_all_done_external_check"
    FINISH_CHECK_FAILED = "wait_for_finish_planning_external_check_failed"
    EXECUTE_CHECK_FAILED = "wait_for_execute_external_check_failed"
    ALL_DONE_CHECK_FAILED = "wait_for_all_done_external_check_failed"

    @classmethod
    def _missing_(cls, value: object) -> PlanStatus | None:
        return _ALIASES.get(str(value))


_ALIASES = {
    "finished_planning": PlanStatus.FINISH_PLANNING,
    "wait_for_success_external_check": PlanStatus.ALL_DONE_CHECK,
    "wait_for_success_external_check_failed": PlanStatus.ALL_DONE_CHECK_FAILED,
}


def canonical_status(status: str) -> str:
    """Return Zadig's spelling of a plan status that may be spelled as in the document's table or example.

    A status that is not known stays as it is.
    """
    return _ALIASES.get(status, status)


class ItemStatus(StrEnum):
    """The status of an item ("发布计划任务状态说明")."""

    TODO = "todo"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"

    @property
    def complete(self) -> bool:
        """Whether the item no longer holds up the plan or the items that need it."""
        return self in (ItemStatus.DONE, ItemStatus.SKIPPED)


class RunStatus(StrEnum):
    """The status of one attempt of a workflow.

    `starting` is the stored intent before the runner is called; `waiting` needs a person in the runner's own system;
    `unknown` was lost between the call and its answer, and is never restarted automatically.
    """

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    PASSED = "passed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        """Whether the attempt has ended: no further report is expected."""
        return self not in (RunStatus.STARTING, RunStatus.RUNNING, RunStatus.WAITING)


ENDED = frozenset({PlanStatus.SUCCESS, PlanStatus.CANCEL})
UNENDED = frozenset(PlanStatus) - ENDED

WAITING_CHECK = {
    HookEvent.FINISH_PLANNING: PlanStatus.FINISH_CHECK,
    HookEvent.START_EXECUTE: PlanStatus.EXECUTE_CHECK,
    HookEvent.ALL_JOB_DONE: PlanStatus.ALL_DONE_CHECK,
}
CHECK_BEFORE = {
    PlanStatus.FINISH_PLANNING: HookEvent.FINISH_PLANNING,
    PlanStatus.WAIT_FOR_APPROVAL: HookEvent.FINISH_PLANNING,
    PlanStatus.EXECUTING: HookEvent.START_EXECUTE,
    PlanStatus.SUCCESS: HookEvent.ALL_JOB_DONE,
}
"""The external check that precedes a status, in plans that wait for it."""
FAILED_CHECK = {
    HookEvent.FINISH_PLANNING: PlanStatus.FINISH_CHECK_FAILED,
    HookEvent.START_EXECUTE: PlanStatus.EXECUTE_CHECK_FAILED,
    HookEvent.ALL_JOB_DONE: PlanStatus.ALL_DONE_CHECK_FAILED,
}
REOPENABLE = frozenset({PlanStatus.WAIT_FOR_APPROVAL, PlanStatus.EXECUTE_CHECK, PlanStatus.EXECUTE_CHECK_FAILED})
"""The statuses, before the execution, in which a stage that was passed can be opened again."""
