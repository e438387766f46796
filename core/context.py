"""What a decision may look at beside the plan and the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.errors import Problem
from core.events import Stamp
from core.people import Actor, Directory
from core.plan import Plan
from core.ports.clock import Ids
from core.status import HookEvent
from core.workflow import Workflow


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that decisions depend on.

    `check_events` are the moments at which plans wait for an external system unless a plan says otherwise; `hooks`
    maps each endpoint of an external system to the moments it is told of; `runners` maps the name of each enabled
    runner to its judgement of a workflow (it lists what the runner cannot do);
    `destinations` are the enabled places that plans are shown in (slack, feishu, dingtalk, email).
    """

    check_events: frozenset[HookEvent] = frozenset()
    check_timeout: timedelta = timedelta(hours=1)
    hooks: Mapping[str, frozenset[HookEvent]] = field(default_factory=dict)
    runners: Mapping[str, Callable[[Workflow], list[Problem]]] = field(default_factory=dict)
    destinations: tuple[str, ...] = ()

    def waits_at(self, event: HookEvent, plan: Plan) -> bool:
        """Tell whether a plan waits for an external system; only a moment that is told can be waited for."""
        wanted = self.check_events if plan.check_events is None else plan.check_events
        return event in wanted and bool(self.endpoints_for(event))

    def endpoints_for(self, event: HookEvent) -> list[str]:
        """Return the endpoints that are told of a moment."""
        return [name for name, events in self.hooks.items() if event in events]


class Environment:
    """Among whom and under which settings decisions are made now.

    Its one owner publishes what changes; everybody else reads it, through the engine.
    """

    def __init__(self, policy: Policy, directory: Directory | None = None) -> None:
        """Begin with a policy, and with nobody unless a directory is given."""
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
        """Let another policy or directory hold from now on; what is not given stays."""
        self._policy, self._directory = policy or self._policy, directory or self._directory


@dataclass(frozen=True, slots=True)
class Context:
    """Who acts, when, among whom and under which settings."""

    actor: Actor
    now: datetime
    directory: Directory
    policy: Policy
    ids: Ids

    @property
    def stamp(self) -> Stamp:
        """The actor and time that events are applied with."""
        return Stamp(actor=self.actor.id, at=self.now)
