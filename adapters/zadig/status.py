"""What Zadig's task statuses mean for a run.

Source: Zadig `pkg/microservice/aslan/config/consts.go`, `Status` and its groups.
"""

from __future__ import annotations

from core.status import RunStatus

_MEANING = {
    "passed": RunStatus.PASSED,
    "unstable": RunStatus.PASSED,  # Zadig itself turns it into passed for a whole workflow
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


def run_status(status: str) -> RunStatus:
    """Return what a task's status means, in whatever case; a new or empty one counts as running, never as an end.

    An end is not for ever: a retry reopens the same task.
    """
    return _MEANING.get(status.lower(), RunStatus.RUNNING)
