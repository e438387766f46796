"""Who may vote on a plan, in whose name, whose votes are missing, and when a stage is complete."""

from __future__ import annotations

from collections.abc import Collection

from core.draft import ApprovalDraft, StageDraft
from core.people import Directory
from core.plan import Approval, Controls, Decision, Plan, Stage
from core.status import PlanStatus


def excluded_voters(plan: Plan) -> frozenset[str]:
    """Return the people whose votes on a plan do not count: those of its controls, else its manager."""
    if plan.controls is not None:
        return frozenset(plan.controls.excluded)
    return manager_excluded(plan.approval, plan.manager)


def manager_excluded(approval: Approval | ApprovalDraft, manager: str) -> frozenset[str]:
    """Return the manager, whose vote does not count unless the plan allows it: the rule without controls."""
    return frozenset() if approval.allow_self_approval else frozenset({manager})


def eligible(stage: Stage | StageDraft, excluded: Collection[str], directory: Directory) -> frozenset[str]:
    """Return the people whose votes count in a stage: its approvers, without those who are excluded."""
    return directory.expand(stage.approvers).difference(excluded)


def eligible_in_any(plan: Plan, directory: Directory) -> frozenset[str]:
    """Return the people whose votes count in at least one stage of a plan."""
    stages = plan.approval.stages
    return frozenset().union(*(eligible(stage, excluded_voters(plan), directory) for stage in stages))


def lists_without(person: str, controls: Controls, directory: Directory) -> list[tuple[str, ...]]:
    """Return the lists of executors in which a person is not; somebody may execute who is in all."""
    return [names for names in controls.executors if person not in directory.expand(names)]


def has_approved(person: str, plan: Plan) -> bool:
    """Return whether a person approved a plan in any stage, for themselves or for somebody else."""
    return any(person in (vote.person, vote.delegate) for vote in plan.votes if vote.decision is Decision.APPROVE)


def represented_by(plan: Plan, person: str, directory: Directory) -> list[str]:
    """Return the people in whose name a person may vote in the current stage: themselves first, then delegators.

    Those who have voted already are among them. The list is empty while the plan waits for no vote.
    """
    people = _eligible_now(plan, directory)
    delegators = [name for name, delegate in plan.approval.delegates.items() if delegate == person]
    return [name for name in (person, *delegators) if name in people]


def pending_voters(plan: Plan, directory: Directory) -> frozenset[str]:
    """Return the people who can still vote in the current stage, their delegates included."""
    missing = _eligible_now(plan, directory) - {vote.person for vote in plan.votes_of(plan.approval.current)}
    return missing | {delegate for name, delegate in plan.approval.delegates.items() if name in missing}


def votes_needed(stage: Stage | StageDraft, eligible_people: int) -> int:
    """Return how many people must approve a stage that has this many eligible people."""
    if stage.rule == "all":
        return eligible_people
    return 1 if stage.rule == "any" else stage.rule


def is_complete(plan: Plan, directory: Directory) -> bool:
    """Return whether the current stage has all approvals that it needs.

    The rule `all` means all people who are eligible now: a stage does not wait for people who have left.
    """
    index = plan.approval.current
    stage = plan.approval.stages[index]
    people = eligible(stage, excluded_voters(plan), directory)
    approved = {vote.person for vote in plan.votes_of(index) if vote.decision is Decision.APPROVE}
    return people <= approved if stage.rule == "all" else len(approved) >= votes_needed(stage, len(people))


def form_key(plan: Plan) -> str:
    """Return the key of the vendor's form of the current stage: another one for each that the stage needs."""
    index = plan.approval.current
    void = plan.approval.stages[index].void_forms
    return f"{plan.id}-{plan.revision}-{index}" + (f"-{void}" if void else "")


def _eligible_now(plan: Plan, directory: Directory) -> frozenset[str]:
    stage = plan.approval.stage
    if stage is None or plan.status is not PlanStatus.WAIT_FOR_APPROVAL:
        return frozenset()
    return eligible(stage, excluded_voters(plan), directory)
