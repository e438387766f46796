"""The statuses of runs for Zadig's statuses of tasks.

Source: Zadig `pkg/microservice/aslan/config/consts.go`, `Status` and its groups.
"""

from __future__ import annotations

from core.messages import Message
from core.status import RunStatus

_STATUSES = {
    "passed": RunStatus.PASSED,
    "unstable": RunStatus.PASSED,  # Zadig reports a whole workflow of this status as passed
    "failed": RunStatus.FAILED,
    "reject": RunStatus.FAILED,
    "timeout": RunStatus.TIMEOUT,
    "cancelled": RunStatus.CANCELLED,
    "pause": RunStatus.WAITING,
    "wait_for_approval": RunStatus.WAITING,
    "wait_for_manual_error_handling": RunStatus.WAITING,
    "debug_before": RunStatus.WAITING,
    "debug_after": RunStatus.WAITING,
}

RETRYABLE = frozenset({"failed", "timeout", "cancelled", "reject"})
"""The statuses from which Zadig can run a task again, with the same id."""

NEEDED = {
    "pause": Message("somebody has to start this stage in Zadig"),
    "wait_for_approval": Message("somebody has to approve this in Zadig"),
    "wait_for_manual_error_handling": Message("this failed; somebody has to say in Zadig whether to go on"),
    "debug_before": Message("stopped at a breakpoint; somebody has to go on in Zadig"),
    "debug_after": Message("stopped at a breakpoint; somebody has to go on in Zadig"),
}
"""What a person has to do in Zadig before a task goes on."""


def run_status(status: str) -> RunStatus:
    """Return the run's status for a task's status, in any case; a new or empty one is running, never an end.

    A task that has ended may run again: a retry reopens it.
    """
    return _STATUSES.get(status.lower(), RunStatus.RUNNING)
