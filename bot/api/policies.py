"""Endpoints of the policies of approval: what the settings demand, and what would come of submitting a plan."""

from __future__ import annotations

from typing import Any

from bot.api.errors import language_of, problem_fields
from bot.api.models import Answer, DurationText
from bot.api.plans import EXAMPLE, read_plan
from bot.api.routing import Call, Endpoint
from core.decide.planning import draft_after, draft_of
from core.draft import PlanDraft, PlanPatch
from core.plan import Channel, Confirmation, Rule
from core.policies import Required
from core.preview import FittingPolicy, Preview, preview_change, preview_new


class ConditionAnswer(Answer):
    """Which plans a policy fits: patterns, of which one must fit; an empty list fits everything."""

    labels: tuple[str, ...]
    names: tuple[str, ...]
    runners: tuple[str, ...]
    projects: tuple[str, ...]
    environments: tuple[str, ...]
    job_types: tuple[str, ...]
    databases: tuple[str, ...]


class PolicyStageAnswer(Answer):
    """A stage that a policy adds."""

    name: str
    approvers: tuple[str, ...]
    rule: Rule
    channel: Channel


class PolicyAnswer(Answer):
    """A policy: which plans it fits, why, and what it demands of them."""

    name: str
    reason: str
    when: ConditionAnswer
    stages: tuple[PolicyStageAnswer, ...]
    executors: tuple[str, ...]
    separate_executor: bool
    confirm: Confirmation
    max_window: DurationText | None


class PoliciesAnswer(Answer):
    """The rules of the settings for approvals. `required` says which plans need the vote of somebody else."""

    required: Required
    self_approval: bool
    policies: tuple[PolicyAnswer, ...]


class ProblemAnswer(Answer):
    """What prevents a plan from being submitted, and where it can be mended."""

    path: str
    message: str
    params: dict[str, Any]


class FittingPolicyAnswer(Answer):
    """A policy that fits the plan: why, because of which items (their keys), and the stages that it adds."""

    name: str
    reason: str
    items: tuple[str, ...]
    stages: tuple[PolicyStageAnswer, ...]

    @classmethod
    def of(cls, fitting: FittingPolicy) -> FittingPolicyAnswer:
        """Return a policy that fits as an answer."""
        policy = fitting.policy
        return cls(
            name=policy.name,
            reason=policy.reason,
            items=fitting.items,
            stages=tuple(PolicyStageAnswer.model_validate(stage) for stage in policy.stages),
        )


class PreviewAnswer(Answer):
    """What would come of submitting a plan: nothing is in the way without `problems`. `forecast` is empty."""

    problems: list[ProblemAnswer]
    policies: list[FittingPolicyAnswer]
    forecast: list[str]


async def list_policies(call: Call[None, None]) -> PoliciesAnswer:
    """Answer the rules for approvals, and the policies in their order."""
    return PoliciesAnswer.model_validate(call.services.engine.policy.approval)


async def check_draft(call: Call[PlanDraft, None]) -> PreviewAnswer:
    """Tell what would come of creating a plan and submitting it."""
    return _answer(call, preview_new(call.body, call.services.engine.context(call.actor)))


async def check_plan(call: Call[PlanPatch, None]) -> PreviewAnswer:
    """Tell what would come of submitting a plan, with the changes in the body if there are any."""
    plan = await read_plan(call, whole=True)
    context = call.services.engine.context(call.actor)
    return _answer(call, preview_change(draft_after(call.body, plan), draft_of(plan), plan, context))


def _answer(call: Call[Any, Any], found: Preview) -> PreviewAnswer:
    language = language_of(call.request)
    problems = [ProblemAnswer(**problem_fields(problem, language)) for problem in found.problems]
    return PreviewAnswer(
        problems=problems, policies=[FittingPolicyAnswer.of(each) for each in found.policies], forecast=[]
    )


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(method="GET", path="/policies", summary="List the policies of approval", handler=list_policies,
             answer=PoliciesAnswer),
    Endpoint(method="POST", path="/plans/check", summary="Tell what would come of submitting a plan that is not made",
             handler=check_draft, answer=PreviewAnswer, body=PlanDraft, example=EXAMPLE),
    Endpoint(method="POST", path="/plans/{id}/check", summary="Tell what would come of submitting a plan",
             handler=check_plan, answer=PreviewAnswer, body=PlanPatch, refusals=(404,)),
)  # fmt: skip
