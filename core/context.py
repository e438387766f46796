"""What a decision depends on beside the plan and the command: the actor, the time, all people and the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.errors import Problem
from core.event import Stamp
from core.people import Actor, Directory
from core.plan import Channel, Plan
from core.policies import NO_RULES, ApprovalRules
from core.ports.clock import Ids
from core.status import HookEvent
from core.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that decisions depend on.

    `check_events` are the events at which all plans wait for an external system; `hooks` maps each endpoint of an
    external system to the events of which it is notified; `runners` maps the name of each enabled runner to the
    function that returns what it cannot run of a workflow; `destinations` are the enabled platforms that have cards of
    plans (slack, feishu, dingtalk, email); `channels` are those in which stages can be decided; `approval` are the
    installation's rules for approvals; `authors` maps a runner to the people and groups who may put its workflows into
    plans, which everybody may where it is missing.
    """

    check_events: frozenset[HookEvent] = frozenset()
    check_timeout: timedelta = timedelta(hours=1)
    hooks: Mapping[str, frozenset[HookEvent]] = field(default_factory=dict)
    runners: Mapping[str, Callable[[Workflow], list[Problem]]] = field(default_factory=dict)
    destinations: tuple[str, ...] = ()
    channels: frozenset[Channel] = frozenset({Channel.NATIVE})
    approval: ApprovalRules = NO_RULES
    authors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def waits_at(self, event: HookEvent, plan: Plan) -> bool:
        """Return whether a plan waits for an external system at an event; never when no endpoint is notified of it.

        A plan may wait at more events than the settings say, at fewer only if it is that of a gate, where another
        system controls it.
        """
        wanted = (plan.check_events or frozenset()) | (frozenset() if plan.gate else self.check_events)
        return event in wanted and bool(self.endpoints_for(event))

    def endpoints_for(self, event: HookEvent) -> list[str]:
        """Return the names of the endpoints that are notified of an event."""
        return [name for name, events in self.hooks.items() if event in events]


class Environment:
    """The present policy and the present people.

    One owner publishes changes; everybody else reads them through the engine.
    """

    def __init__(self, policy: Policy, directory: Directory | None = None) -> None:
        """Start with a policy, and without people unless a directory is given."""
        self._policy, self._directory = policy, directory or Directory()

    @property
    def policy(self) -> Policy:
        """The settings that decisions depend on."""
        return self._policy

    @property
    def directory(self) -> Directory:
        """All people and groups."""
        return self._directory

    def publish(self, *, policy: Policy | None = None, directory: Directory | None = None) -> None:
        """Replace the policy or the directory; what is not given stays."""
        self._policy, self._directory = policy or self._policy, directory or self._directory


@dataclass(frozen=True, slots=True)
class Context:
    """Who acts and when, all people, the policy, and the source of new ids."""

    actor: Actor
    now: datetime
    directory: Directory
    policy: Policy
    ids: Ids

    @property
    def stamp(self) -> Stamp:
        """The actor and time that events are applied with."""
        return Stamp(actor=self.actor.id, at=self.now)
