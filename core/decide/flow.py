"""How a plan moves on, from finished to its end, with an external check at each of three moments."""

from __future__ import annotations

from core import events as e
from core.decide.decision import Unfolding
from core.errors import WrongStatus
from core.plan import Check
from core.status import HookEvent, PlanStatus, Verb


def ask_or_start(unfolding: Unfolding) -> None:
    """Ask for approval, or start executing a plan that needs none."""
    if unfolding.plan.approval.stages:
        unfolding.add(e.Submitted())
    else:
        begin(unfolding)


def begin(unfolding: Unfolding) -> None:
    """Start executing, after the external check if there is one."""
    if unfolding.context.policy.waits_at(HookEvent.START_EXECUTE, unfolding.plan):
        wait(unfolding, HookEvent.START_EXECUTE)
    else:
        run(unfolding)


def run(unfolding: Unfolding) -> None:
    """Start executing at once."""
    unfolding.add(e.ExecutionStarted())
    settle(unfolding)


def settle(unfolding: Unfolding) -> None:
    """End the execution when every item is complete, or when the window has closed and nothing is running any more."""
    plan = unfolding.plan
    if plan.status is not PlanStatus.EXECUTING:
        return
    if plan.tally.complete:
        if unfolding.context.policy.waits_at(HookEvent.ALL_JOB_DONE, plan):
            wait(unfolding, HookEvent.ALL_JOB_DONE)
        else:
            unfolding.add(e.Succeeded())
    elif plan.window.over(unfolding.context.now) and not plan.tally.running:
        unfolding.add(e.TimedOut())


def wait(unfolding: Unfolding, event: HookEvent) -> None:
    """Let the plan wait for an external system at a moment."""
    now = unfolding.context.now
    unfolding.add(e.CheckStarted(check=Check(event, now, now + unfolding.context.policy.check_timeout)))


def pass_check(unfolding: Unfolding, event: HookEvent) -> None:
    """Go on after a check: each of the three moments has its own next step."""
    unfolding.add(e.CheckPassed(event=event))
    match event:
        case HookEvent.FINISH_PLANNING:
            if unfolding.plan.submitting:
                ask_or_start(unfolding)
        case HookEvent.START_EXECUTE:
            run(unfolding)
        case HookEvent.ALL_JOB_DONE:
            unfolding.add(e.Succeeded())


def expire_check(unfolding: Unfolding) -> None:
    """End a wait whose deadline has passed.

    Raises WrongStatus when the plan does not wait.
    """
    unfolding.add(e.CheckFailed(event=_waited_for(unfolding), reason="timeout"))


def remind_of_check(unfolding: Unfolding) -> None:
    """Tell people that a wait still lasts.

    Raises WrongStatus when the plan does not wait.
    """
    unfolding.add(e.CheckReminded(event=_waited_for(unfolding)))


def _waited_for(unfolding: Unfolding) -> HookEvent:
    check = unfolding.plan.check
    if check is None:
        raise WrongStatus(status=unfolding.plan.status, verb=Verb.RECHECK)
    return check.event
