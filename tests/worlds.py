"""A world for tests of the core: people, a clock, and a plan that changes without a store."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core import commands as c
from core.context import Context, Policy
from core.decide import decide, start
from core.decide.decision import PendingDecision
from core.draft import PlanDraft
from core.effects import Destination, DestinationKind, Hook
from core.people import SYSTEM, Actor, Directory, Group, Person
from core.plan import Channel, Item, Plan
from core.policies import ApprovalRules
from core.status import HookEvent, PlanStatus, RunStatus
from tests.clock import ManualClock

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PEOPLE = Directory(
    {
        name: Person(name, name.title(), accounts={"feishu": f"ou_{name}"})
        for name in ("alice", "bob", "carol", "dave", "erin")
    }
    | {"root": Person("root", "Root", admin=True), "gone": Person("gone", "Gone", active=False)},
    {"sre": Group("sre", ("carol", "dave")), "empty": Group("empty", ("gone",))},
)
WITH_FORMS = frozenset({Channel.NATIVE, Channel.FEISHU_INSTANCE})
"""The channels of an installation whose plans can be decided in a vendor's form."""
HOOK = Hook(HookEvent.START_EXECUTE, PlanStatus.EXECUTING, "c0de")
CI = Destination(DestinationKind.HOOK, "ci")
SLACK = Destination(DestinationKind.CHAT, "slack")


class CountingIds:
    """Ids that count up, so that failures are the same in every run."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self) -> str:
        return f"{next(self._numbers):032x}"

    def new_plan(self) -> str:
        return f"{next(self._numbers):024x}"

    def token(self, size: int = 16) -> str:
        return f"{next(self._numbers):0{size * 2}x}"


def workflow(*scripts: str, name: str = "deploy") -> dict[str, Any]:
    """Return a workflow with one freestyle job for each script."""
    jobs = [{"name": f"job{i}", "type": "freestyle", "spec": {"script": script}} for i, script in enumerate(scripts, 1)]
    return {"name": name, "stages": [{"name": "stage", "jobs": jobs}]}


def text_item(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "name": key.title(), "type": "text", "content": "by hand", **fields}


def workflow_item(key: str, **fields: Any) -> dict[str, Any]:
    return {
        "key": key,
        "name": key.title(),
        "type": "workflow",
        "runner": "local",
        "workflow": workflow("true"),
        **fields,
    }


def stage(*approvers: str, rule: Any = "all", name: str = "QA") -> dict[str, Any]:
    return {"name": name, "approvers": approvers, "rule": rule}


def draft(*stages: dict[str, Any], items: list[dict[str, Any]] | None = None, **fields: Any) -> PlanDraft:
    """Return the draft of a plan that Alice manages, by default with a text item and a workflow item."""
    return PlanDraft.model_validate(
        {
            "name": "Release 1",
            "manager": "alice",
            "approval": {"stages": stages},
            "items": [text_item("notes"), workflow_item("deploy")] if items is None else items,
            **fields,
        }
    )


class World:
    """One plan, and the people who act on it."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.clock = ManualClock(START)
        self.ids = CountingIds()
        self.directory = PEOPLE
        self.via = "api"
        self.policy = policy or Policy(runners={"local": lambda _: []}, destinations=("slack",))
        self.plan: Plan
        self.last: PendingDecision

    def context(self, actor: Actor) -> Context:
        return Context(actor, self.clock.now(), self.directory, self.policy, self.ids)

    def create(self, plan_draft: PlanDraft, by: str = "alice") -> Plan:
        command = c.Create(plan_id=self.ids.new_plan(), draft=plan_draft)
        self.last = start(command, self.context(self.directory.actor(by, "api")))
        self.plan = replace(self.last.plan, number=1)
        return self.plan

    def do(self, command: type[c.Command], by: str = "alice", /, **fields: Any) -> list[str]:
        """Execute a command as a person or as the system; return the names of the events."""
        actor = SYSTEM if by == "system" else self.directory.actor(by, self.via)
        self.last = decide(self.plan, command(plan_id=self.plan.id, **fields), self.context(actor))  # type: ignore[arg-type]
        self.plan = self.last.plan
        return [event.name for event in self.last.events]

    def item(self, key: str) -> Item:
        return next(item for item in self.plan.items.values() if item.key == key)

    def on_item(self, command: type[c.Command], key: str, by: str = "alice", /, **fields: Any) -> list[str]:
        return self.do(command, by, item_id=self.item(key).id, **fields)

    def report(self, key: str, status: RunStatus, **fields: Any) -> list[str]:
        """Report on the current run of an item; return the names of the events."""
        run = self.item(key).run
        assert run is not None
        return self.on_item(c.ReportRun, key, "system", run_id=run.id, status=status, **fields)

    def wait(self, **duration: int) -> None:
        self.clock.advance(timedelta(**duration))


def with_rules(rules: ApprovalRules) -> Policy:
    """Return a policy with these rules for approvals."""
    return Policy(runners={"local": lambda _: [], "zadig": lambda _: []}, destinations=("slack",), approval=rules)


def waiting_policy(*events: HookEvent) -> Policy:
    """Return a policy under which plans wait for an external check at these events."""
    return Policy(
        check_events=frozenset(events),
        hooks={"ci": frozenset(HookEvent)},
        runners={"local": lambda _: []},
        destinations=("slack",),
    )
