"""A plan under random commands of everybody, at random times: what must hold whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core import commands as c
from core.apply import apply
from core.approval import eligible, excluded_voters
from core.audit import entries_for, first_broken_entry
from core.commands import Verb
from core.consequences import effects_of
from core.decide import decide
from core.draft import PlanPatch
from core.effects import RunStart, Sync
from core.errors import FabuError
from core.events import (
    AnyEvent,
    CheckRepeated,
    Created,
    ExecutionStarted,
    ItemDone,
    Refused,
    RunRequested,
    ScheduleFired,
)
from core.people import SYSTEM
from core.plan import Decision, Plan
from core.status import ENDED, FAILED_CHECK, REOPENABLE, HookEvent, ItemStatus, PlanStatus, RunStatus
from core.timers import TimerKind, timers_of
from core.verbs import VERBS
from tests.worlds import PEOPLE, START, WITH_FORMS, World, draft, stage, text_item, waiting_policy, workflow_item

PERSONS = st.sampled_from([person for person in PEOPLE.people if PEOPLE.active(person)])
ITEMS = st.sampled_from(["a", "b", "c"])
KEY = b"audit key"
RULES = st.sampled_from(["all", "any", 1, 2])


class PlanMachine(RuleBasedStateMachine):
    """Commands that are refused must change nothing; those that are accepted must keep the invariants."""

    @initialize(
        rules=st.lists(RULES, max_size=2),
        forms=st.frozensets(st.integers(0, 1)),
        checks=st.frozensets(st.sampled_from(HookEvent)),
        window=st.booleans(),
        schedule=st.booleans(),
        head_start=st.integers(0, 12),
    )
    def create(
        self,
        rules: list[Any],
        forms: frozenset[int],
        checks: frozenset[HookEvent],
        window: bool,
        schedule: bool,
        head_start: int,
    ) -> None:
        policy = waiting_policy(*checks)
        self.world = World(replace(policy, check_events=checks, channels=WITH_FORMS))
        stages = [
            stage("alice", "bob", "@sre", rule=each, name=f"S{i}")
            | {"channel": "feishu_instance" if i in forms else "native"}
            for i, each in enumerate(rules)
        ]
        self.forms: list[str] = []
        times: dict[str, Any] = {"schedule_at": START + timedelta(minutes=40)} if schedule else {}
        if window:
            times["window"] = {"start": START + timedelta(minutes=20), "end": START + timedelta(hours=3)}
        items = [text_item("a", assignee="erin"), workflow_item("b", needs=["a"]), workflow_item("c")]
        approval = {"stages": stages, "remind_every": "15m", "expires_in": "2h"}
        self.world.create(draft(approval=approval, items=items, **times))
        self.entries = entries_for(
            self.world.plan.id, 0, "", self.world.last.events, SYSTEM, self.world.clock.now(), KEY
        )
        for step in range(head_start):
            self.expected_step(step)

    def expected_step(self, step: int) -> None:
        """Do what usually comes next, so that random commands meet plans in every state."""
        plan = self.world.plan
        if plan.status in VERBS[Verb.SUBMIT].statuses:
            self.attempt(c.Submit, "alice")
        elif plan.check:
            self.external_system_agrees()
        elif plan.status is PlanStatus.WAIT_FOR_APPROVAL:
            self.link_form()
            self.attempt(c.Approve, ("bob", "carol", "dave")[step % 3])
        elif plan.status is PlanStatus.EXECUTING:
            self.world.wait(minutes=20)
            self.attempt(c.Execute, "alice", item_id=self.world.item("abc"[step % 3]).id)

    def attempt(self, command: type[c.Command], by: str, **fields: Any) -> None:
        world, before = self.world, self.world.plan
        current = before.approval.stage
        world.via = current.channel.value if current and current.channel.is_form else "api"
        try:
            world.do(command, by, **fields)
        except FabuError:
            assert world.plan is before
            return
        self.check_step(before, [e for e in world.last.events if not isinstance(e, Created)])

    def check_step(self, before: Plan, events: list[AnyEvent]) -> None:
        world, after = self.world, self.world.plan
        plan = before
        for event in events:
            self.check_event(plan, event)
            plan = apply(plan, event, world.last.context.stamp)
        assert plan == after, "the events alone lead to the state"
        if after.status is PlanStatus.EXECUTING and before.status is not PlanStatus.EXECUTING:
            assert any(isinstance(event, ExecutionStarted) for event in events)
        head = self.entries[-1]
        self.entries += entries_for(after.id, head.seq, head.hash, events, SYSTEM, world.clock.now(), KEY)
        started = [e for e in events if isinstance(e, RunRequested)]
        effects = effects_of(before, after, events, world.policy, world.ids, world.clock.now())
        assert sum(isinstance(e.payload, RunStart) for e in effects) == len(started)
        if events and not all(isinstance(event, Refused | CheckRepeated) for event in events):
            assert any(isinstance(e.payload, Sync) for e in effects)

    def check_event(self, plan: Plan, event: AnyEvent) -> None:
        if isinstance(event, ExecutionStarted):
            assert self.satisfied(plan), "nothing executes without a satisfied approval of this revision"
        if isinstance(event, ScheduleFired):
            assert not plan.reverted_stages, "nobody has approved what the schedule would start"
        if isinstance(event, ItemDone | RunRequested):
            assert plan.status is PlanStatus.EXECUTING
            assert self.satisfied(plan)
            assert plan.window.contains(self.world.clock.now())
            item = plan.items[event.item_id]
            assert item.status in (ItemStatus.TODO, ItemStatus.FAILED)
            if item.status is ItemStatus.TODO:
                assert all(plan.items[need].complete for need in item.needs)

    def satisfied(self, plan: Plan) -> bool:
        for index, each in enumerate(plan.approval.stages):
            approved = {v.person for v in plan.votes_of(index) if v.decision is Decision.APPROVE}
            if not approved <= eligible(each, excluded_voters(plan), self.world.directory):
                return False
            everybody = eligible(each, excluded_voters(plan), self.world.directory)
            needed = {"all": len(everybody), "any": 1}.get(str(each.rule)) or int(each.rule)
            if len(approved) < needed:
                return False
        return True

    @rule(by=PERSONS, command=st.sampled_from([c.Finish, c.Submit, c.Replan, c.Recheck]))
    def ask(self, by: str, command: type[c.Command]) -> None:
        self.attempt(command, by)

    @precondition(lambda self: self.world.plan.status in VERBS[Verb.SUBMIT].statuses)
    @rule()
    def submit(self) -> None:
        self.attempt(c.Submit, "alice")

    @precondition(lambda self: self.world.plan.status is not PlanStatus.EXECUTING)
    @rule(command=st.sampled_from([c.Cancel, c.Delete, c.Replan]), meant=st.integers(0, 4))
    def give_up(self, command: type[c.Command], meant: int) -> None:
        self.attempt(command, "root" if meant == 0 else "bob")

    @precondition(lambda self: self.world.plan.status is PlanStatus.WAIT_FOR_APPROVAL)
    @rule(by=PERSONS, comment=st.text(max_size=5))
    def approve(self, by: str, comment: str) -> None:
        self.attempt(c.Approve, by, comment=comment)

    @rule(by=st.sampled_from(["bob", "erin", "alice"]), reason=st.sampled_from(["", "", "no"]))
    def reject(self, by: str, reason: str) -> None:
        self.attempt(c.Reject, by, reason=reason)

    def link_form(self) -> None:
        current = self.world.plan.approval.stage
        if current and current.channel.is_form and not current.form:
            self.forms.append(f"F{len(self.forms)}")
            self.attempt(c.LinkForm, "system", stage=self.world.plan.approval.current, form=self.forms[-1])

    @precondition(lambda self: bool(self.forms))
    @rule(data=st.data())
    def revert_form(self, data: st.DataObject) -> None:
        before, form = self.world.plan, data.draw(st.sampled_from(self.forms))
        self.attempt(c.RevertForm, "system", form=form)
        after = self.world.plan
        assert all(stage.form != form for stage in after.approval.stages) or after.deleted
        if before.status is not PlanStatus.WAIT_FOR_APPROVAL and after.status is PlanStatus.WAIT_FOR_APPROVAL:
            assert before.status in REOPENABLE

    @rule(by=PERSONS, to=PERSONS)
    def delegate(self, by: str, to: str) -> None:
        self.attempt(c.Delegate, by, to=to)

    @rule(step=st.integers(0, 2))
    def usual(self, step: int) -> None:
        self.expected_step(step)

    def external_system_agrees(self) -> None:
        plan = self.world.plan
        if plan.check:
            code = plan.instance_code
            self.attempt(c.Callback, "system", event=plan.check.event, instance_code=code, result="success")

    @rule(by=st.sampled_from(["alice", "erin", "dave"]), key=ITEMS, what=st.sampled_from([c.Execute, c.Skip, c.Retry]))
    def on_item(self, by: str, key: str, what: type[c.Command]) -> None:
        fields: dict[str, Any] = {"reason": "why not"} if what is c.Skip else {}
        self.attempt(what, by, item_id=self.world.item(key).id, **fields)

    @rule(key=st.sampled_from(["b", "c"]), status=st.sampled_from(RunStatus))
    def report(self, key: str, status: RunStatus) -> None:
        item = self.world.item(key)
        if item.run:
            self.attempt(c.ReportRun, "system", item_id=item.id, run_id=item.run.id, status=status)

    @rule(event=st.sampled_from(HookEvent), result=st.sampled_from(["success", "failed", "executing"]))
    def callback(self, event: HookEvent, result: str) -> None:
        code = self.world.plan.instance_code
        self.attempt(c.Callback, "system", event=event, instance_code=code, result=result)

    @rule(name=st.sampled_from(["x", "y"]))
    def edit(self, name: str) -> None:
        self.attempt(c.Edit, "alice", patch=PlanPatch(name=name))

    @rule(minutes=st.integers(1, 60))
    def time_passes(self, minutes: int) -> None:
        self.world.wait(minutes=minutes)

    @precondition(lambda self: bool(timers_of(self.world.plan)))
    @rule(data=st.data())
    def timer(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(sorted(timers_of(self.world.plan))))
        due = timers_of(self.world.plan)[TimerKind(kind)]
        self.world.clock.advance(max(due - self.world.clock.now(), timedelta()))
        self.attempt(c.TimerFired, "system", kind=kind, due_at=due)
        assert timers_of(self.world.plan).get(TimerKind(kind)) != due, "a timer that fired is gone or set anew"

    @precondition(lambda self: len(self.world.plan.votes) >= 2)
    @rule()
    def votes_commute(self) -> None:
        """Giving the votes of the current stage in another order leads to the same place."""
        plan, world = self.world.plan, self.world
        stage_votes = plan.votes_of(0)
        if plan.deleted or plan.approval.delegates or any(v.decision is Decision.REJECT for v in plan.votes):
            return
        fresh = replace(plan.approval, current=0)
        outcomes = set()
        for order in (stage_votes, stage_votes[::-1]):
            state = replace(plan, status=PlanStatus.WAIT_FOR_APPROVAL, votes=(), approval=fresh)
            for vote in order:
                actor = world.directory.actor(vote.person, plan.approval.stages[0].channel.value)
                state = decide(state, c.Approve(plan_id=plan.id), world.context(actor)).plan
            outcomes.add((state.status, state.approval.current, frozenset(v.person for v in state.votes)))
        assert len(outcomes) == 1

    @invariant()
    def the_tally_counts_the_items(self) -> None:
        plan = self.world.plan
        statuses = [item.status for item in plan.items.values()]
        counted = {status: getattr(plan.tally, status) for status in ItemStatus}
        assert counted == {status: statuses.count(status) for status in ItemStatus}

    @invariant()
    def nothing_runs_in_a_plan_that_is_not_executing(self) -> None:
        if self.world.plan.status is not PlanStatus.EXECUTING:
            assert not self.world.plan.tally.running

    @invariant()
    def success_means_complete(self) -> None:
        plan = self.world.plan
        if plan.status is PlanStatus.SUCCESS:
            assert plan.tally.complete
            assert plan.success_at is not None

    @invariant()
    def a_plan_that_waits_can_be_left(self) -> None:
        plan = self.world.plan
        if plan.check and plan.status not in FAILED_CHECK.values():
            assert TimerKind.CHECK_DEADLINE in timers_of(plan) or plan.deleted
        if plan.status in ENDED:
            assert not timers_of(plan)

    @invariant()
    def one_vote_a_person_and_stage(self) -> None:
        votes = [(vote.stage, vote.person) for vote in self.world.plan.votes]
        assert len(votes) == len(set(votes))

    def teardown(self) -> None:
        assert first_broken_entry(self.entries, KEY) is None
        if len(self.entries) > 2:
            tampered = [*self.entries]
            tampered[1] = replace(tampered[1], actor="mallory")
            assert first_broken_entry(tampered, KEY) == tampered[1]
            assert first_broken_entry([*self.entries[:1], *self.entries[2:]], KEY) is not None


TestPlanMachine = PlanMachine.TestCase
TestPlanMachine.settings = settings(max_examples=100, stateful_step_count=30)
