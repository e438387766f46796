"""Whatever people without administration rights do, in whatever order: nothing runs that policies did not allow.

What is allowed is judged by a ledger that the machine keeps of who wrote, voted and delegated, and by what each item is
written to touch. Neither uses `core.policies`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from core import commands as c
from core.decide.planning import draft_of
from core.draft import PlanDraft, PlanPatch, WorkflowItemDraft
from core.errors import FabuError
from core.events import Delegated, RunRequested, Voted
from core.people import SYSTEM
from core.plan import Decision, Item, Plan, Stage
from core.policies import NO_RULES, ApprovalPolicy, ApprovalRules, Condition
from core.status import PlanStatus, RunStatus
from core.timers import TimerKind, timers_of
from tests.worlds import World, draft, stage, text_item, with_rules, workflow, workflow_item

PEOPLE = ("alice", "bob", "carol", "dave", "erin")
"""Nobody of them is an administrator."""
LIMIT = timedelta(hours=4)
RULES = ApprovalRules(
    policies=(
        ApprovalPolicy("scripts", "runs scripts", Condition(runners=("local",)), (Stage("SRE", ("@sre",), "any"),)),
        ApprovalPolicy(
            "production",
            "touches production",
            Condition(environments=("prod*",)),
            (Stage("Lead", ("bob", "erin"), "any"),),
            executors=("alice", "@sre"),
            separate_executor=True,
        ),
        ApprovalPolicy(
            "data", "", Condition(databases=("main",)), (Stage("Data", ("dave", "erin")),), max_window=LIMIT
        ),
    )
)


def _job(kind: str, params: Any = (), **spec: Any) -> dict[str, Any]:
    jobs = [{"name": "go", "type": kind, "spec": spec}]
    return {"name": "w", "params": list(params), "stages": [{"name": "all", "jobs": jobs}]}


def _in_zadig(key: str, of: dict[str, Any]) -> dict[str, Any]:
    return workflow_item(key, runner="zadig", workflow=of)


PARAMETER = "{{.workflow.params.ENV}}"
ITEMS: dict[str, tuple[dict[str, Any], frozenset[str]]] = {
    "notes": (text_item("notes"), frozenset()),
    "script": (workflow_item("script", workflow=workflow("true")), frozenset({"scripts"})),
    "staging": (_in_zadig("staging", _job("zadig-deploy", env="staging")), frozenset()),
    "prod": (_in_zadig("prod", _job("zadig-deploy", env="prod-eu")), frozenset({"production"})),
    "given": (
        _in_zadig("given", _job("zadig-deploy", [{"name": "ENV", "type": "string", "value": "PROD"}], env=PARAMETER)),
        frozenset({"production"}),
    ),
    "hidden": (_in_zadig("hidden", _job("zadig-deploy", env=PARAMETER)), frozenset({"production"})),
    "elsewhere": (_in_zadig("elsewhere", {"name": "stored in Zadig"}), frozenset({"production", "data"})),
    "query": (workflow_item("query", workflow=_job("sql", id="main", sql="select 1")), frozenset({"scripts", "data"})),
}
"""Items by their keys, each with the policies that it needs by what is written in it."""
VOTERS = {"scripts": {"carol", "dave"}, "production": {"bob", "erin"}, "data": {"dave", "erin"}}
EXECUTORS = {"alice", "carol", "dave"}

ON_ITEMS = st.sampled_from([c.Execute, c.Retry, c.Skip])
ON_PLANS = st.sampled_from([c.Finish, c.Submit, c.Replan, c.Cancel, c.Delete])
VOTES = st.sampled_from(3 * [c.Approve] + [c.Reject])


@dataclass(slots=True)
class Ledger:
    """What people did to one plan, as it was accepted: writers of all revisions, votes and delegates of the present."""

    revision: int = 1
    writers: set[str] = field(default_factory=set)
    approvals: list[tuple[str, str, str]] = field(default_factory=list)
    """Who voted, in whose name, and for what (the digest of what the plan said)."""
    delegates: dict[str, str] = field(default_factory=dict)


class PolicyMachine(RuleBasedStateMachine):
    """People work on several plans; each workflow that is started is held against the ledger."""

    plans_of = st.integers(0, 3)
    person = st.sampled_from(PEOPLE)
    content = st.lists(st.sampled_from(sorted(ITEMS)), min_size=1, max_size=3, unique=True)
    stages = st.lists(
        st.builds(
            stage,
            st.sampled_from([*PEOPLE, "@sre"]),
            rule=st.sampled_from(["all", "any", 1]),
            name=st.sampled_from(["SRE", "Lead", "Mine"]),
        ),
        max_size=2,
    )
    hours = st.sampled_from([2, 3, 9, None])

    def __init__(self) -> None:
        super().__init__()
        self.world = World(with_rules(RULES))
        self.plans: list[Plan] = []
        self.ledgers: dict[str, Ledger] = defaultdict(Ledger)
        self.started: list[str] = []

    @initialize(content=content, by=person, scheduled=st.booleans(), hours=hours, people=st.tuples(*[person] * 4))
    def first(
        self, content: list[str], by: str, scheduled: bool, hours: int | None, people: tuple[str, str, str, str]
    ) -> None:
        self.create(content, [], by, by, scheduled, hours, everybody=True)
        self.hurry(0, *people)

    @rule(
        content=content, stages=stages, by=person, manager=person, scheduled=st.booleans(), hours=hours,
        everybody=st.booleans(),
    )  # fmt: skip
    def create(
        self, content: list[str], stages: list[Any], by: str, manager: str, scheduled: bool, hours: int | None,
        everybody: bool,
    ) -> None:  # fmt: skip
        now = self.world.clock.now()
        fields: dict[str, Any] = {"schedule_at": now + timedelta(minutes=30)} if scheduled else {}
        if hours:
            fields["window"] = {"start": now, "end": now + timedelta(hours=hours)}
        approval = {"stages": stages, "allow_self_approval": True}
        collaborators = PEOPLE if everybody else ()
        items = [ITEMS[key][0] for key in content]
        self.made(
            draft(items=items, manager=manager, approval=approval, collaborators=collaborators, checks=[], **fields), by
        )

    def made(self, plan_draft: PlanDraft, by: str) -> None:
        try:
            plan = self.world.create(plan_draft, by)
        except FabuError:
            return
        self.plans = [*self.plans, plan][-4:]
        self.ledgers[plan.id].writers.add(by)

    @rule(index=plans_of, by=person)
    def copy(self, index: int, by: str) -> None:
        if self.plans:
            self.made(draft_of(self.plan(index)), by)

    @rule(index=plans_of, by=person, content=content, stages=stages, manager=person, in_zadig=st.booleans())
    def edit(self, index: int, by: str, content: list[str], stages: list[Any], manager: str, in_zadig: bool) -> None:
        changes = {
            "items": [ITEMS[key][0] for key in content],
            "approval": {"stages": stages, "allow_self_approval": True},
            "labels": ["harmless"],
            "checks": [],
            "manager": manager,
        }
        patch = PlanPatch.model_validate(changes)
        self.attempt(index, c.Edit, by, patch=patch, as_in_zadig=in_zadig)

    @rule(index=plans_of, by=person, command=ON_PLANS)
    def on_plan(self, index: int, by: str, command: type[c.Command]) -> None:
        self.attempt(index, command, by)

    @rule(index=plans_of, by=person, command=VOTES)
    def vote(self, index: int, by: str, command: type[c.Command]) -> None:
        self.attempt(index, command, by, **({"reason": "no"} if command is c.Reject else {}))

    @rule(index=plans_of, by=person, to=person)
    def delegate(self, index: int, by: str, to: str) -> None:
        self.attempt(index, c.Delegate, by, to=to)

    @rule(index=plans_of, by=person, key=st.sampled_from(sorted(ITEMS)), command=ON_ITEMS)
    def on_item(self, index: int, by: str, key: str, command: type[c.Command]) -> None:
        fields = {"reason": "why not"} if command is c.Skip else {}
        for item in self.items(index):
            if item.key == key:
                self.attempt(index, command, by, item_id=item.id, **fields)

    @rule(index=plans_of, by=person)
    def execute_all(self, index: int, by: str) -> None:
        for item in self.items(index):
            self.attempt(index, c.Execute, by, item_id=item.id)

    @rule(index=plans_of, editor=person, delegator=person, to=person, executor=person)
    def hurry(self, index: int, editor: str, delegator: str, to: str, executor: str) -> None:
        """Try what usually comes next in everybody's name, so that random steps meet plans in every state."""
        self.attempt(index, c.Edit, editor, patch=PlanPatch(description=editor))
        for person in PEOPLE:
            self.attempt(index, c.Submit, person)
        for _ in range(3):
            self.attempt(index, c.Delegate, delegator, to=to)
            for person in (to, *PEOPLE):
                self.attempt(index, c.Approve, person)
        self.execute_all(index, executor)

    @rule(index=plans_of, minutes=st.integers(10, 90))
    def time_passes(self, index: int, minutes: int) -> None:
        self.world.wait(minutes=minutes)
        due = timers_of(self.plan(index)).get(TimerKind.SCHEDULE) if self.plans else None
        if due and due <= self.world.clock.now():
            self.attempt(index, c.TimerFired, "system", kind=TimerKind.SCHEDULE, due_at=due)

    @rule(index=plans_of, status=st.sampled_from([RunStatus.PASSED, RunStatus.FAILED]))
    def report(self, index: int, status: RunStatus) -> None:
        for item in self.items(index):
            if item.run:
                self.attempt(index, c.ReportRun, "system", item_id=item.id, run_id=item.run.id, status=status)

    def plan(self, index: int) -> Plan:
        return self.plans[index % len(self.plans)]

    def items(self, index: int) -> list[Item]:
        return self.plan(index).items_in_order if self.plans else []

    def attempt(self, index: int, command: type[c.Command], by: str, **fields: Any) -> None:
        """Execute a command on a plan, and write what was accepted into the ledger."""
        if not self.plans:
            return
        world, before = self.world, self.plan(index)
        world.plan = before
        try:
            world.do(command, by, **fields)
        except FabuError:
            assert world.plan is before
            return
        self.plans[index % len(self.plans)] = world.plan
        self.write_down(before, world.plan, by, command)

    def write_down(self, before: Plan, after: Plan, by: str, command: type[c.Command]) -> None:
        ledger, now = self.ledgers[after.id], self.world.clock.now()
        if command is c.Edit and self.world.last.events:
            ledger.writers.add(by)
        if after.revision != before.revision:
            ledger.approvals, ledger.delegates = [], {}
        for event in self.world.last.events:
            match event:
                case Delegated():
                    ledger.delegates[by] = event.to
                case Voted(decision=Decision.APPROVE):
                    assert by == event.person or ledger.delegates[event.person] == by
                    ledger.approvals.append((by, event.person, after.content_sha256))
                case RunRequested():
                    self.judge(after, after.items[event.item_id], by, now)
                    self.started.append(after.items[event.item_id].key)
                case _:
                    pass

    def judge(self, plan: Plan, item: Item, by: str, now: datetime) -> None:
        """Hold a run that was started against what the plan's content needs."""
        ledger = self.ledgers[plan.id]
        excluded = ledger.writers | {plan.manager}
        needed = frozenset[str]().union(*(ITEMS[each.key][1] for each in plan.items.values()))
        counted = [
            person
            for voter, person, content in ledger.approvals
            if not {voter, person} & excluded and content == plan.content_sha256
        ]
        assert counted, "somebody who did not write it approved what it says now"
        for policy in needed:
            assert VOTERS[policy] & set(counted), f"{policy}: its approvers did"
        if "data" in needed:
            assert VOTERS["data"] - excluded <= set(counted), "all of them"
            assert (plan.window.end or now) - (plan.window.start or now - 2 * LIMIT) <= LIMIT
            assert plan.window.contains(now)
        if "production" in needed:
            executor = plan.manager if by == SYSTEM.id else by
            assert executor in EXECUTORS
            assert executor not in {name for voter, person, _ in ledger.approvals for name in (voter, person)}
        assert plan.status in (PlanStatus.EXECUTING, PlanStatus.SUCCESS)
        (written,) = draft(items=[ITEMS[item.key][0]]).items
        assert isinstance(written, WorkflowItemDraft)
        assert item.spec == written.workflow.dump_given()


TestPolicyMachine = PolicyMachine.TestCase
TestPolicyMachine.settings = settings(max_examples=150, stateful_step_count=30)


def released(machine: PolicyMachine, key: str, approver: str) -> list[str]:
    """Let Alice's plan with an item and a stage of her own be approved by everybody who may; return what she starts."""
    machine.create([key], [stage(approver)], "alice", "alice", scheduled=False, hours=2, everybody=False)
    machine.hurry(0, "alice", "alice", "alice", "alice")
    return machine.started


@pytest.mark.parametrize("key", [key for key in ITEMS if key != "notes"])
def test_each_item_can_run_in_the_machine(key: str) -> None:
    assert released(PolicyMachine(), key, "bob") == [key]


@pytest.mark.parametrize(("key", "needed"), [(key, needed) for key, (_, needed) in ITEMS.items() if needed])
def test_the_machine_finds_a_run_that_its_policies_do_not_allow(key: str, needed: frozenset[str]) -> None:
    machine = PolicyMachine()
    machine.world.policy = with_rules(NO_RULES)
    with pytest.raises(AssertionError, match="its approvers did"):
        released(machine, key, "carol" if "production" in needed else "bob")
