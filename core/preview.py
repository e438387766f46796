"""What would come of submitting a plan as it is written: its problems, and the policies that fit. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from core.context import Context
from core.differences import differences_of_drafts
from core.draft import PlanDraft
from core.errors import Problem
from core.plan import Controls, Plan, Stage
from core.policies import ApprovalPolicy, fitting_items
from core.status import PlanStatus
from core.validate import author_problems, problems_at_finish, problems_of
from core.validate_approval import approval_problems
from core.validate_workflow import mistakes_at_finish, workflow_mistakes


@dataclass(frozen=True, slots=True)
class FittingPolicy:
    """A policy that fits a plan, and the keys of the items because of which it does."""

    policy: ApprovalPolicy
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """The problems that prevent a plan from being submitted, and the policies that fit, in the settings' order."""

    problems: tuple[Problem, ...]
    policies: tuple[FittingPolicy, ...]


def preview_new(draft: PlanDraft, context: Context) -> Preview:
    """Return what would come of creating a plan, and of submitting it; the actor manages it if nobody else is named."""
    actor = context.actor.id
    draft = draft.model_copy(update={"manager": draft.manager or actor})
    return _preview(draft, None, (actor,), actor, context)


def preview_change(draft: PlanDraft, before: PlanDraft, plan: Plan, context: Context) -> Preview:
    """Return what would come of submitting a plan, if the actor changed it from `before` to a draft.

    No policy fits the plan of a gate, nor one that a version without policies finished, until it is changed.
    """
    changed = bool(differences_of_drafts(before, draft))
    finished_before = plan.controls is None and plan.status is not PlanStatus.PLANNING
    if plan.gate or (finished_before and not changed):
        return Preview(tuple(problems_to_finish(draft, plan.approval.stages, None, plan.maker, context)), ())
    maker = context.actor.id if changed else plan.maker
    return _preview(draft, before if changed else draft, (*plan.editors, maker), maker, context)


def problems_to_finish(
    draft: PlanDraft, stages: Collection[Stage], controls: Controls | None, maker: str, context: Context
) -> list[Problem]:
    """Return the problems that prevent a plan with these stages and demands from being finished.

    `maker` is who made the present revision. Where something else is wrong already, those of the approval are left out.
    """
    written = (*problems_at_finish(draft, context), *author_problems(draft, context, maker))
    found = _once((*written, *mistakes_at_finish(draft)))
    places = {problem.path for problem in found}
    return [*found, *(one for one in approval_problems(draft, stages, controls, context) if one.path not in places)]


def _preview(
    draft: PlanDraft, before: PlanDraft | None, editors: Iterable[str], maker: str, context: Context
) -> Preview:
    rules = context.policy.approval
    to_save = (*problems_of(draft, context, before), *workflow_mistakes(draft, before))
    to_finish = problems_to_finish(draft, rules.stages(draft), rules.controls(draft, editors), maker, context)
    fitting = ((policy, tuple(fitting_items(policy.when, draft))) for policy in rules.policies)
    return Preview(
        tuple(_once((*to_save, *to_finish))), tuple(FittingPolicy(policy, items) for policy, items in fitting if items)
    )


def _once(problems: Iterable[Problem]) -> list[Problem]:
    found: list[Problem] = []
    for problem in problems:
        if problem not in found:
            found.append(problem)
    return found
