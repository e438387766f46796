"""The policies of the installation: which plans they fit, and what approval they demand of these.

The author of a plan does not choose its controls. Policies are applied when a plan is finished and frozen with its
revision (`Controls`); `core.decide.planning` does that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Literal

from core.draft import ItemDraft, PlanDraft, WorkflowItemDraft
from core.plan import AppliedPolicy, Confirmation, Controls, Stage
from core.text import normalize_name
from core.workflow import UNREADABLE, JobType, Reach, reach_of

Required = Literal["none", "workflow", "all"]
"""Which plans need the vote of somebody who did not write them: none, those with workflow items, or all."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Which plans a policy fits: glob patterns by what they are compared with; a key without patterns fits all.

    All keys must hold of the same item. Labels are those of the item or of the plan, names those of the plan.
    """

    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    runners: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    job_types: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()

    @property
    def needs_only_words(self) -> bool:
        """Whether labels and names alone decide: the author of a plan can avoid such a policy by choosing others."""
        given = {field.name for field in fields(self) if getattr(self, field.name)}
        return bool(given) and given <= {"labels", "names"}


@dataclass(frozen=True, slots=True)
class ApprovalPolicy:
    """What plans that fit `when` must have: stages of approval, who may execute, how votes are given, and more.

    The reason is what people read. `executors` are people and `@groups`; empty leaves it to the plan. `max_window` is
    the longest window that such a plan may have.
    """

    name: str
    reason: str = ""
    when: Condition = Condition()
    stages: tuple[Stage, ...] = ()
    executors: tuple[str, ...] = ()
    separate_executor: bool = False
    confirm: Confirmation = Confirmation.CHAT
    max_window: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """The installation's rules for approvals. `self_approval` is whether `allow_self_approval` of plans is heard.

    `unconfined` are the runners whose scripts reach the server's files: a plan with one needs a vote in any case.
    """

    required: Required = "workflow"
    self_approval: bool = False
    policies: tuple[ApprovalPolicy, ...] = ()
    unconfined: frozenset[str] = frozenset()

    def requires_vote(self, draft: PlanDraft) -> bool:
        """Return whether a plan needs the vote of somebody who did not write it."""
        workflows = [item for item in draft.items if isinstance(item, WorkflowItemDraft)]
        return (
            self.required == "all"
            or (self.required == "workflow" and bool(workflows))
            or any(item.runner in self.unconfined and _has_script(item) for item in workflows)
        )

    def excluded(self, draft: PlanDraft, editors: Iterable[str]) -> tuple[str, ...]:
        """Return the people whose votes on a plan do not count: its manager and everybody who made a revision."""
        if self.self_approval and draft.approval.allow_self_approval:
            return ()
        return tuple(dict.fromkeys((draft.manager, *editors)))

    def controls(self, draft: PlanDraft, editors: Iterable[str]) -> Controls:
        """Return what the policies that fit a plan demand of it, taken together: the strictest of each."""
        fitting = self._fitting(draft)
        windows = [policy.max_window for policy in fitting if policy.max_window is not None]
        return Controls(
            policies=tuple(
                AppliedPolicy(policy.name, policy.reason, tuple(stage.name for stage in policy.stages))
                for policy in fitting
            ),
            excluded=self.excluded(draft, editors),
            executors=tuple(policy.executors for policy in fitting if policy.executors),
            separate_executor=any(policy.separate_executor for policy in fitting),
            confirm=max((policy.confirm for policy in fitting), key=_STRICTNESS.index, default=Confirmation.CHAT),
            max_window=min(windows, default=None),
        )

    def stages(self, draft: PlanDraft) -> tuple[Stage, ...]:
        """Return the stages of a plan: the author's, then those of the policies that fit, identical ones once."""
        stages = [Stage(s.name, s.approvers, s.rule, s.channel) for s in draft.approval.stages]
        known = {_identity(stage) for stage in stages}
        for policy in self._fitting(draft):
            for stage in policy.stages:
                if _identity(stage) not in known:
                    known.add(_identity(stage))
                    stages.append(replace(stage, policy=policy.name, reason=policy.reason))
        return tuple(stages)

    def _fitting(self, draft: PlanDraft) -> list[ApprovalPolicy]:
        items = _read(draft)
        return [policy for policy in self.policies if any(_fits(policy.when, draft, *item) for item in items)]


NO_RULES = ApprovalRules(required="none")
_READ = ("environments", "job_types", "databases")
"""What conditions and what is read out of workflows have in common."""
_STRICTNESS = tuple(Confirmation)
"""The ways to confirm a vote, the most lenient first."""


def fitting_items(when: Condition, draft: PlanDraft) -> list[str]:
    """Return the keys of the items of which a condition holds."""
    return [item.key for item, reach in _read(draft) if _fits(when, draft, item, reach)]


def unreadable_items(draft: PlanDraft, rules: ApprovalRules) -> list[str]:
    """Return the keys of the items of which something that the policies look at cannot be read before the run."""
    looked_at = {name for name in _READ if any(getattr(policy.when, name) for policy in rules.policies)}
    return [item.key for item, reach in _read(draft) if any(UNREADABLE in getattr(reach, name) for name in looked_at)]


def _read(draft: PlanDraft) -> list[tuple[ItemDraft, Reach]]:
    """Return each item with what it touches; a text touches nothing."""
    return [(item, reach_of(item.workflow) if isinstance(item, WorkflowItemDraft) else Reach()) for item in draft.items]


def _fits(when: Condition, draft: PlanDraft, item: ItemDraft, reach: Reach) -> bool:
    if not (_any_fits(when.names, [draft.name]) and _any_fits(when.labels, [*draft.labels, *item.labels])):
        return False
    if not isinstance(item, WorkflowItemDraft):
        return not (when.runners or when.projects or when.environments or when.job_types or when.databases)
    return (
        _any_fits(when.runners, [item.runner])
        and _any_fits(when.projects, filter(None, [item.project or item.workflow.project]))
        and _any_fits(when.environments, reach.environments)
        and _any_fits(when.job_types, reach.job_types)
        and _any_fits(when.databases, reach.databases)
    )


def _has_script(item: WorkflowItemDraft) -> bool:
    return any(name in reach_of(item.workflow).job_types for name in (JobType.FREESTYLE, UNREADABLE))


def _any_fits(patterns: tuple[str, ...], names: Iterable[str]) -> bool:
    """Return whether one of the names fits one of the patterns; case does not count, and what is unreadable fits."""
    if not patterns:
        return True
    wanted = [normalize_name(pattern) for pattern in patterns]
    return any(name == UNREADABLE or any(fnmatchcase(normalize_name(name), each) for each in wanted) for name in names)


def _identity(stage: Stage) -> tuple[object, ...]:
    return stage.name, frozenset(stage.approvers), stage.rule, stage.channel
