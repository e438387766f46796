"""The timers of a plan, derived from its state. The store keeps exactly the timers that `timers_of` returns."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from core.plan import Check, Plan
from core.status import WAITING_CHECK, PlanStatus


class TimerKind(StrEnum):
    """What a timer is for. A plan has at most one of each kind."""

    SCHEDULE = "schedule"
    WINDOW_START = "window_start"
    WINDOW_END = "window_end"
    APPROVAL_DEADLINE = "approval_deadline"
    APPROVAL_REMINDER = "approval_reminder"
    CHECK_DEADLINE = "check_deadline"
    CHECK_REMINDER = "check_reminder"


_JUST_AFTER = timedelta(milliseconds=1)
"""The window includes its end: it has closed just after."""
_REMINDER = timedelta(hours=1)
"""How long after a request approvers are reminded first, if the plan does not say."""
_CHECK_REMINDER = timedelta(minutes=10)
"""How long after the start of a check people are reminded first."""


def timers_of(plan: Plan) -> dict[TimerKind, datetime]:
    """Return the timers that a plan in this state has, each with the time when it is due.

    A plan can be deleted only in planning and after its end, when it has none.
    """
    due: dict[TimerKind, datetime | None] = {}
    if plan.status is PlanStatus.EXECUTING:
        due = _execution_timers(plan)
    elif plan.status is PlanStatus.WAIT_FOR_APPROVAL:
        due = _approval_timers(plan)
    elif plan.status in WAITING_CHECK.values() and plan.check:
        due = _check_timers(plan.check)
    return {kind: moment for kind, moment in due.items() if moment is not None}


def _execution_timers(plan: Plan) -> dict[TimerKind, datetime | None]:
    """Return the timers of an executing plan; the window's end has none while runs last: the last one settles it."""
    start, end = plan.window.start, plan.window.end
    opens = None if plan.window_open else start
    schedule = None if plan.reverted_stages else plan.next_schedule
    return {
        TimerKind.SCHEDULE: max(schedule, start or schedule) if schedule else None,
        TimerKind.WINDOW_START: opens,
        TimerKind.WINDOW_END: end + _JUST_AFTER if end and not plan.tally.running else None,
    }


def _approval_timers(plan: Plan) -> dict[TimerKind, datetime | None]:
    """Return the timers of an approval. Reminders come after growing intervals: every, 2 x every, 4 x every."""
    approval = plan.approval
    requested, every = approval.asked_at, approval.remind_every or _REMINDER
    if requested is None:
        return {}
    return {
        TimerKind.APPROVAL_DEADLINE: approval.deadline,
        TimerKind.APPROVAL_REMINDER: requested + every * (2 ** (approval.reminders + 1) - 1),
    }


def _check_timers(check: Check) -> dict[TimerKind, datetime | None]:
    """Return the timers of a check. Reminders come after growing intervals as well, until the deadline."""
    reminder = check.since + _CHECK_REMINDER * (2 ** (check.reminders + 1) - 1)
    return {
        TimerKind.CHECK_DEADLINE: check.deadline,
        TimerKind.CHECK_REMINDER: reminder if reminder < check.deadline else None,
    }
