"""Which plans and items concern a person now."""

from __future__ import annotations

from core.people import Directory
from core.plan import Plan
from core.status import ENDED, ItemStatus, PlanStatus
from core.validate import eligible

GOING = frozenset(PlanStatus) - ENDED
"""A plan that is over concerns nobody any more."""
OPEN = frozenset({ItemStatus.TODO, ItemStatus.RUNNING, ItemStatus.FAILED})


def awaits(plan: Plan, person: str, directory: Directory) -> bool:
    """Tell whether a plan waits for the vote of a person, be it in another's name."""
    stage, current = plan.approval.stage, plan.approval.current
    if stage is None or plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
        return False
    missing = eligible(stage, plan.approval, plan.manager, directory) - {vote.person for vote in plan.votes_of(current)}
    standing_in = {asked for asked, other in plan.approval.delegates.items() if other == person}
    return not missing.isdisjoint({person} | standing_in)
