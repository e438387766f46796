"""The steps by which a plan proceeds from finished to its end, with an external check at each of three events."""

from __future__ import annotations

from core import events as e
from core.commands import Verb
from core.decide.decision import PendingDecision
from core.errors import WrongStatus
from core.messages import Message
from core.plan import Check
from core.status import HookEvent, PlanStatus


def request_approval_or_start(pending: PendingDecision) -> None:
    """Request approval, or start the execution of a plan that needs none."""
    if pending.plan.approval.stages:
        pending.add(e.Submitted())
    else:
        start_execution(pending)


def start_execution(pending: PendingDecision) -> None:
    """Start the execution, after the external check if there is one."""
    if pending.context.policy.waits_at(HookEvent.START_EXECUTE, pending.plan):
        start_check(pending, HookEvent.START_EXECUTE)
    else:
        _start_now(pending)


def _start_now(pending: PendingDecision) -> None:
    """Start the execution without a check."""
    pending.add(e.ExecutionStarted())
    settle(pending)


def settle(pending: PendingDecision) -> None:
    """End the execution when every item is complete, or when the window has closed and no run is active."""
    plan = pending.plan
    if plan.status is not PlanStatus.EXECUTING:
        return
    if plan.tally.complete:
        if pending.context.policy.waits_at(HookEvent.ALL_JOB_DONE, plan):
            start_check(pending, HookEvent.ALL_JOB_DONE)
        else:
            pending.add(e.Succeeded())
    elif plan.window.has_ended(pending.context.now) and not plan.tally.running:
        pending.add(e.TimedOut())


def start_check(pending: PendingDecision, event: HookEvent) -> None:
    """Start the external check at an event: the plan waits for a callback until the deadline."""
    now = pending.context.now
    pending.add(e.CheckStarted(check=Check(event, now, now + pending.context.policy.check_timeout)))


def pass_check(pending: PendingDecision, event: HookEvent) -> None:
    """Proceed after a check has passed: each of the three events has its own next step."""
    pending.add(e.CheckPassed(event=event))
    match event:
        case HookEvent.FINISH_PLANNING:
            if pending.plan.submitting:
                request_approval_or_start(pending)
        case HookEvent.START_EXECUTE:
            _start_now(pending)
        case HookEvent.ALL_JOB_DONE:
            pending.add(e.Succeeded())


def expire_check(pending: PendingDecision) -> None:
    """Fail the check whose deadline has passed.

    Raises WrongStatus when the plan does not wait.
    """
    pending.add(e.CheckFailed(event=_awaited_event(pending), reason=Message("timeout")))


def remind_of_check(pending: PendingDecision) -> None:
    """Remind people that the external system has not answered.

    Raises WrongStatus when the plan does not wait.
    """
    pending.add(e.CheckReminded(event=_awaited_event(pending)))


def _awaited_event(pending: PendingDecision) -> HookEvent:
    check = pending.plan.check
    if check is None:
        raise WrongStatus(status=pending.plan.status, verb=Verb.RECHECK)
    return check.event
