from __future__ import annotations

import pytest

from adapters.zadig.status import run_status
from core.status import RunStatus


@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        (["passed", "unstable"], RunStatus.PASSED),
        (["failed", "reject"], RunStatus.FAILED),
        (["timeout"], RunStatus.TIMEOUT),
        (["cancelled"], RunStatus.CANCELLED),
        (
            ["pause", "wait_for_approval", "wait_for_manual_error_handling", "debug_before", "debug_after"],
            RunStatus.WAITING,
        ),
        (["created", "running", "waiting", "queued", "blocked", "pending", "prepare", ""], RunStatus.RUNNING),
        (["PASSED", "Passed"], RunStatus.PASSED),
        (["notRun", "a status of the future"], RunStatus.RUNNING),
    ],
)
def test_what_a_status_means(statuses: list[str], meaning: RunStatus) -> None:
    assert {run_status(status) for status in statuses} == {meaning}
