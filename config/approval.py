"""The settings of approvals: which plans need a vote, and the policies that no author of a plan chooses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from adapters.common.settings import Section
from core.plan import Channel, Confirmation, Stage
from core.policies import ApprovalPolicy, ApprovalRules, Condition, Required
from core.text import Duration

Pattern = Annotated[str, Field(min_length=1)]
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1)]
"""At least one: a key that is left out fits everything, an empty one would look as if it fitted nothing."""
NO_VOTE = "approval.required is none: only plans that a policy fits, or whose scripts reach the server, need a vote"
"""What that choice means, for those who look after an installation."""


class ConditionEntry(Section):
    """Which plans a policy fits: patterns such as `prod*`, of which one must fit. All keys must fit the same item."""

    labels: Patterns | None = Field(None, description="Labels of the item or of the plan.")
    names: Patterns | None = Field(None, description="The name of the plan.")
    runners: Patterns | None = Field(None, description="The runner of the item.")
    projects: Patterns | None = Field(None, description="The project of the item.")
    environments: Patterns | None = Field(None, description="An environment that the workflow touches.")
    job_types: Patterns | None = Field(None, description="A job type of the workflow.")
    databases: Patterns | None = Field(None, description="A database instance of an sql job.")

    def condition(self) -> Condition:
        """Return the condition for the core."""
        return Condition(**{name: value for name in type(self).model_fields if (value := getattr(self, name))})


class StageEntry(Section):
    """A stage of approval that a policy adds."""

    name: str = Field(description="What the stage is called.", min_length=1, max_length=200)
    approvers: tuple[str, ...] = Field(description="Who decides: ids of people and @groups.", min_length=1)
    rule: Literal["all", "any"] | Annotated[int, Field(ge=1, le=200)] = Field(
        "all", description="How many must approve."
    )
    channel: Channel = Field(Channel.NATIVE, description="Where the approvers vote.")


class PolicyEntry(Section):
    """What plans need that fit `when`. All policies that fit apply, and nobody who edits a plan can avoid them."""

    name: str = Field(description="The name of the policy.", pattern=r"^[\w.-]+$", max_length=64)
    reason: str = Field("", description="Why, for the people who read the plan.", max_length=200)
    when: ConditionEntry = Field(
        ConditionEntry(),
        description="Patterns by labels, names, runners, projects, environments, job_types or databases; "
        "without any, all plans.",
    )
    stages: tuple[StageEntry, ...] = Field((), description="Stages that follow those of the plan.")
    executors: tuple[str, ...] = Field((), description="Who alone may execute, skip and retry: people and @groups.")
    separate_executor: bool = Field(False, description="Whoever approved does not execute.")
    confirm: Confirmation = Field(
        Confirmation.CHAT, description="Where votes are taken: in chat as well, or on the signed-in page alone."
    )
    max_window: Duration | None = Field(None, description="The longest window of such a plan; it needs one then.")

    def policy(self) -> ApprovalPolicy:
        """Return the policy for the core."""
        return ApprovalPolicy(
            name=self.name,
            reason=self.reason,
            when=self.when.condition(),
            stages=tuple(Stage(each.name, each.approvers, each.rule, each.channel) for each in self.stages),
            executors=self.executors,
            separate_executor=self.separate_executor,
            confirm=self.confirm,
            max_window=self.max_window,
        )


class ApprovalSettings(Section):
    """Which plans need approval, whatever their authors write."""

    required: Required = Field(
        "workflow",
        description="Plans that need the vote of somebody who did not write them: "
        "none, workflow (those with workflow items), or all.",
    )
    self_approval: bool = Field(False, description="Whether a plan's own allow_self_approval is heard.")
    policies: tuple[PolicyEntry, ...] = Field((), description="What plans of some kind need in addition.")

    def rules(self) -> ApprovalRules:
        """Return the rules for the core."""
        return ApprovalRules(self.required, self.self_approval, tuple(entry.policy() for entry in self.policies))

    def mistakes(self) -> dict[str, str]:
        """Return what does not fit together in one policy, or among their names."""
        return dict(self._find_mistakes())

    def _find_mistakes(self) -> Iterator[tuple[str, str]]:
        names = [policy.name for policy in self.policies]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            yield "policies", f"several are called {', '.join(twice)}: give each a name of its own"
        for index, policy in enumerate(self.policies):
            if policy.confirm is Confirmation.PAGE and any(stage.channel.is_form for stage in policy.stages):
                yield (
                    f"policies[{index}].confirm",
                    "page does not go with a stage that is decided in a form: choose another channel, or chat",
                )
