"""What Zadig's task statuses mean for a run.

Source: Zadig `pkg/microservice/aslan/config/consts.go`, `Status` and its groups.
"""

from __future__ import annotations

from core.messages import Message
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

RETRYABLE = frozenset({"failed", "timeout", "cancelled", "reject"})
"""The statuses from which Zadig runs a task again under the same number."""

NEEDED = {
    "pause": Message("somebody has to start this stage in Zadig"),
    "wait_for_approval": Message("somebody has to approve this in Zadig"),
    "wait_for_manual_error_handling": Message("this failed; somebody has to say in Zadig whether to go on"),
    "debug_before": Message("stopped at a breakpoint; somebody has to go on in Zadig"),
    "debug_after": Message("stopped at a breakpoint; somebody has to go on in Zadig"),
}
"""What a person has to do in Zadig before a task goes on."""


def run_status(status: str) -> RunStatus:
    """Return what a task's status means, in whatever case; a new or empty one counts as running, never as an end.

    An end is not for ever: a retry reopens the same task.
    """
    return _MEANING.get(status.lower(), RunStatus.RUNNING)
