"""Approval forms that are submitted, voted in and withdrawn late, twice, or for a plan that is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.i18n import Locale
from bot.outbox import approval_forms
from bot.outbox import worker as workers
from bot.outbox.approval_forms import ApprovalFormStages
from bot.people.identities import Identities
from core import commands as c
from core.effects import DestinationKind, FormCancel, FormStart
from core.errors import DeliveryError
from core.messages import Message
from core.people import Directory
from core.plan import Channel, Decision, Plan
from core.ports.approval_forms import ApprovalForms, FormOrder, FormState, FormStatus, FormVote
from core.ports.outbox import DeliveryState
from core.status import PlanStatus
from tests.contract.store.offices import POLICY, Office
from tests.unit.bot.outbox.failing import Desk
from tests.waiting import eventually
from tests.worlds import PEOPLE, draft, stage

REFUSED = DeliveryError("feishu", Message("no such definition"), retryable=False)
BOB = FormVote("u-bob", Decision.APPROVE, "fine")


class Vendor(ApprovalForms):
    """A vendor with one form for each key."""

    name = Channel.FEISHU_INSTANCE.value

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.state_of = FormState(FormStatus.OPEN)
        self.refuses: DeliveryError | None = None
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self._forms: dict[str, str] = {}

    async def start(self, order: FormOrder) -> str:
        self.calls.append("start")
        if self.refuses:
            raise self.refuses
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            await meanwhile()
        return self._forms.setdefault(order.key, f"F{len(self._forms) + 1}")

    async def find(self, key: str) -> str:
        self.calls.append("find")
        return self._forms.get(key, "")

    async def state(self, form: str) -> FormState:
        self.calls.append(f"state {form}")
        return self.state_of

    async def cancel(self, form: str) -> None:
        self.calls.append(f"cancel {form}")

    async def comment(self, form: str, text: str) -> None:
        self.calls.append(f"comment {form}")


class Forms(Desk):
    """A plan whose only stage is decided in a vendor's form, and the deliveries to the vendor."""

    def __init__(self) -> None:
        super().__init__()
        people = {name: replace(person, accounts={"feishu": f"u-{name}"}) for name, person in PEOPLE.people.items()}
        policy = replace(POLICY, hooks={}, destinations=(), channels=frozenset(Channel))
        self.office = Office(self.store, self.clock, policy, Directory(people, PEOPLE.groups))
        self.vendor = Vendor()
        self.plan: Plan
        self.vendors: dict[str, ApprovalForms] = {self.vendor.name: self.vendor}
        engine = self.office.engine
        self.stages = ApprovalFormStages(
            self.store, engine, Identities(self.store, engine, self.clock, {}), self.vendors,
            self.clock, Locale("en", "UTC"), "https://fabu.example.com",
        )  # fmt: skip

    async def submit(self) -> None:
        """Request approval; nothing is delivered yet."""
        self.plan = await self.office.create(draft(stage("bob") | {"channel": "feishu_instance"}))
        await self.do(c.Submit)

    async def do(self, *commands: type[c.Command], **fields: Any) -> None:
        for command in commands:
            self.plan = await self.office.do(command, self.plan, **fields)

    def open(self) -> None:
        """Begin to deliver."""
        self.start({DestinationKind.APPROVAL_FORM: self.stages.courier})

    async def delivered(self, state: DeliveryState = DeliveryState.DONE) -> Plan:
        """Wait until everything was delivered; return the plan."""

        async def states() -> set[DeliveryState]:
            page = await self.plain.read(lambda reading: reading.deliveries.page(self.plan.id))
            kinds = (FormStart, FormCancel)
            return {found.state for found in page.items if isinstance(found.effect.payload, kinds)}

        await eventually(states, wanted=lambda found: found == {state})
        return await self.office.stored(self.plan)

    async def linked(self) -> None:
        await self.submit()
        self.open()
        await self.delivered()


@pytest.fixture
async def forms(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Forms]:
    monkeypatch.setattr(workers, "POLL_INTERVAL", 0.02)
    forms = Forms()
    yield forms
    if forms.worker:
        await forms.worker.stop()


def form_of(plan: Plan) -> str:
    return plan.approval.stages[0].form


async def test_a_form_is_submitted_and_stored_with_its_stage(forms: Forms) -> None:
    await forms.linked()
    assert form_of(await forms.office.stored(forms.plan)) == "F1"
    assert forms.vendor.calls == ["start"]


@pytest.mark.parametrize("commands", [(c.Replan,), (c.Cancel,), (c.Cancel, c.Delete)])
async def test_no_form_is_submitted_for_a_plan_that_was_withdrawn(
    forms: Forms, commands: tuple[type[c.Command], ...]
) -> None:
    await forms.submit()
    await forms.do(*commands)
    forms.open()
    await forms.delivered()
    assert forms.vendor.calls == []


@pytest.mark.parametrize("commands", [(c.Replan,), (c.Replan, c.Submit), (c.Cancel,), (c.Cancel, c.Delete)])
async def test_a_form_whose_plan_is_withdrawn_while_it_is_submitted_is_withdrawn(
    forms: Forms, commands: tuple[type[c.Command], ...]
) -> None:
    await forms.submit()
    forms.vendor.meanwhile = lambda: forms.do(*commands)
    forms.open()
    plan = await forms.delivered()
    assert "cancel F1" in forms.vendor.calls
    assert form_of(plan) == ("F2" if c.Submit in commands else "")


@pytest.mark.parametrize("command", [c.Replan, c.Cancel])
async def test_a_form_is_withdrawn_with_its_plan(forms: Forms, command: type[c.Command]) -> None:
    await forms.linked()
    await forms.do(command)
    await forms.delivered()
    assert forms.vendor.calls == ["start", "cancel F1"]


async def test_a_form_that_cannot_be_submitted_denies_its_plan_with_the_reason(forms: Forms) -> None:
    await forms.submit()
    forms.vendor.refuses = REFUSED
    forms.open()
    plan = await forms.delivered(DeliveryState.DEAD)
    assert plan.status is PlanStatus.DENIED
    assert str(plan.reason) == "The approval form could not be opened: no such definition."


@pytest.mark.parametrize("gone", [False, True])
async def test_a_vendor_that_is_not_enabled_any_more_denies_the_plans_that_wait(forms: Forms, gone: bool) -> None:
    await forms.submit()
    forms.vendors.clear()
    if gone:
        await forms.do(c.Cancel, c.Delete)
    forms.open()
    plan = await forms.delivered(DeliveryState.DEAD)
    assert plan.status is (PlanStatus.CANCEL if gone else PlanStatus.DENIED)
    await forms.stages.poll()


async def test_a_poll_while_the_vendor_is_not_enabled_changes_nothing(forms: Forms) -> None:
    await forms.linked()
    forms.vendors.clear()
    await forms.stages.poll()
    assert (await forms.office.stored(forms.plan)).status is PlanStatus.WAIT_FOR_APPROVAL


async def test_a_vote_counts_once_however_often_the_form_is_read(forms: Forms) -> None:
    await forms.linked()
    forms.vendor.state_of = FormState(FormStatus.APPROVED, [BOB])
    for _ in range(2):
        await forms.stages.poll()
        await forms.stages.update("F1")
    plan = await forms.office.stored(forms.plan)
    assert plan.status is PlanStatus.EXECUTING
    assert [(vote.person, vote.comment) for vote in plan.votes] == [("bob", "fine")]


async def test_the_forms_of_all_plans_are_read_page_by_page(forms: Forms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval_forms, "_PAGE_SIZE", 1)
    plans = []
    for _ in range(3):
        await forms.submit()
        plans.append(forms.plan)
    forms.open()
    for forms.plan in plans:
        await forms.delivered()
    forms.vendor.state_of = FormState(FormStatus.ENDED)
    await forms.stages.poll()
    assert {(await forms.office.stored(plan)).status for plan in plans} == {PlanStatus.DENIED}


@pytest.mark.parametrize("vote", [FormVote("u-carol", Decision.APPROVE), FormVote("stranger", Decision.APPROVE)])
async def test_a_form_that_is_approved_by_who_does_not_count_denies_its_plan(forms: Forms, vote: FormVote) -> None:
    await forms.linked()
    forms.vendor.state_of = FormState(FormStatus.OPEN, [vote])
    await forms.stages.poll()
    assert (await forms.office.stored(forms.plan)).status is PlanStatus.WAIT_FOR_APPROVAL
    forms.vendor.state_of = FormState(FormStatus.APPROVED, [vote])
    await forms.stages.poll()
    plan = await forms.office.stored(forms.plan)
    assert (plan.status, plan.votes) == (PlanStatus.DENIED, ())
    assert "these votes do not count" in str(plan.reason)


async def test_the_change_of_a_form_that_no_plan_waits_for_is_left_out(forms: Forms) -> None:
    await forms.linked()
    forms.vendor.state_of = FormState(FormStatus.ENDED)
    await forms.stages.update("F9")
    assert (await forms.office.stored(forms.plan)).status is PlanStatus.WAIT_FOR_APPROVAL
    await forms.do(c.Replan)
    await forms.stages.update("F1")
    assert (await forms.office.stored(forms.plan)).status is PlanStatus.PLANNING
    assert "state F9" not in forms.vendor.calls


async def test_a_form_that_ended_without_a_decision_denies_its_plan_once(forms: Forms) -> None:
    await forms.linked()
    forms.vendor.state_of = FormState(FormStatus.ENDED, reason=Message("withdrawn"))
    for _ in range(2):
        await forms.stages.poll()
    plan = await forms.office.stored(forms.plan)
    assert (plan.status, str(plan.reason)) == (PlanStatus.DENIED, "The approval form was withdrawn.")
    assert [entry.event for entry in await forms.office.log(plan)].count("denied") == 1
