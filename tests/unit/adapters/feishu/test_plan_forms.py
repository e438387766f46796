"""Stages that are decided in Feishu's own approval form, with the engine, the store and the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core import commands as c
from core.errors import Forbidden, Gone
from core.people import Actor
from core.plan import Channel, Plan
from core.status import PlanStatus
from tests.simulators.feishu import FeishuSimulator
from tests.simulators.feishu_approval import Instance
from tests.simulators.feishu_platform import FeishuPlatform

from .app import Bot, listening
from .fabu import Fabu, fabu

QA: dict[str, Any] = {"approvers": ["@qa"], "channel": Channel.FEISHU_INSTANCE}


class _Platform(Bot):
    """Passes reported changes on to the forms."""

    def __init__(self, bot: Fabu) -> None:
        super().__init__()
        self.bot = bot

    async def form_changed(self, form: str) -> None:
        await self.bot.forms.changed(form)


@asynccontextmanager
async def running(feishu: FeishuSimulator, *, with_forms: bool = True) -> AsyncIterator[tuple[Fabu, FeishuPlatform]]:
    feishu.add_user("ou_carol", email="carol@example.com")
    feishu.add_user("ou_dave")
    async with (
        fabu(feishu, with_forms=with_forms) as bot,
        listening(feishu, bot.dispatch, bot=_Platform(bot)) as platform,
    ):
        yield bot, platform


def form_of(feishu: FeishuSimulator, number: int = 0) -> Instance:
    return list(feishu.approvals.instances.values())[number]


async def log_of(bot: Fabu, plan: Plan) -> list[str]:
    return [entry.event for entry in await bot.store.read(lambda reading: reading.log.of_plan(plan.id))]


async def test_a_form_is_submitted_by_the_manager_for_the_approvers(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        plan = await bot.submitted(QA)
    form = form_of(feishu)
    assert plan.approval.stages[0].form == form.instance_code
    assert (form.open_id, form.title) == ("ou_alice", "#1 Shop")
    assert form.approvers == {"approvers": ["ou_bob", "ou_carol"]}
    assert "1. backup" in form.form[0]["value"]
    assert "https://fabu.example/plans/1" in form.form[0]["value"]


async def test_votes_in_the_form_decide_the_stage(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, platform):
        plan = await bot.submitted(QA)
        form = form_of(feishu).instance_code
        await platform.decide("ou_bob", form, "APPROVED", "fine")
        await feishu.until(lambda: len(feishu.calls_to("instance.get")) == 1)
        await bot.forms.poll()
        assert await bot.status(plan) is PlanStatus.WAIT_FOR_APPROVAL
        feishu.approvals.decide(form, "ou_carol", "APPROVED")
        await bot.forms.poll()
        await bot.forms.poll()
        now = await bot.plan(plan.id)
    assert now.status is PlanStatus.EXECUTING
    assert [(vote.person, vote.comment) for vote in now.votes] == [("bob", "fine"), ("carol", "")]


async def test_a_reported_change_is_taken_over_at_once(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, platform):
        plan = await bot.submitted({**QA, "rule": "any"})
        await platform.decide("ou_carol", form_of(feishu).instance_code, "APPROVED")
    assert (await bot.plan(plan.id)).status is PlanStatus.EXECUTING


async def test_a_rejection_denies_with_its_comment(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        first, second = await bot.submitted(QA), await bot.submitted(QA)
        feishu.approvals.decide(form_of(feishu, 0).instance_code, "ou_bob", "REJECTED", "no rollback")
        feishu.approvals.decide(form_of(feishu, 1).instance_code, "ou_bob", "REJECTED")
        await bot.forms.poll()
        assert (await bot.plan(first.id)).reason == "no rollback"
        assert "without a comment" in (await bot.plan(second.id)).reason
        assert await bot.status(second) is PlanStatus.DENIED


async def test_enough_votes_withdraw_a_form_that_asks_for_more(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        plan = await bot.submitted({**QA, "rule": 1})
        feishu.approvals.decide(form_of(feishu).instance_code, "ou_bob", "APPROVED")
        await bot.forms.poll()
        await bot.idle()
        assert await bot.status(plan) is PlanStatus.EXECUTING
    assert form_of(feishu).status == "CANCELED"


async def test_a_decided_form_is_left_alone(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        await bot.submitted({**QA, "rule": "any"})
        feishu.approvals.decide(form_of(feishu).instance_code, "ou_bob", "APPROVED")
        await bot.forms.poll()
        await bot.idle()
    assert form_of(feishu).status == "APPROVED"


async def test_a_withdrawn_form_denies_the_plan(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        plan = await bot.submitted(QA)
        feishu.approvals.end(form_of(feishu).instance_code, "CANCELED")
        await bot.forms.poll()
        now = await bot.plan(plan.id)
    assert (now.status, now.reason) == (PlanStatus.DENIED, "The approval form was withdrawn.")


async def test_the_vote_of_a_stranger_is_none_and_is_named(feishu: FeishuSimulator) -> None:
    feishu.add_user("ou_stranger")
    async with running(feishu) as (bot, _):
        plan = await bot.submitted({**QA, "rule": "any"})
        form = form_of(feishu).instance_code
        feishu.approvals.transfer(form, "ou_bob", "ou_stranger")
        feishu.approvals.decide(form, "ou_stranger", "APPROVED")
        await bot.forms.poll()
        now = await bot.plan(plan.id)
    assert now.status is PlanStatus.DENIED
    assert now.votes == ()
    assert "ou_stranger" in now.reason


async def test_the_vote_of_somebody_who_is_no_approver_is_none(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        plan = await bot.submitted(QA)
        form = form_of(feishu).instance_code
        feishu.approvals.transfer(form, "ou_bob", "ou_dave")
        feishu.approvals.decide(form, "ou_dave", "APPROVED")
        await bot.forms.poll()
        assert await bot.status(plan) is PlanStatus.WAIT_FOR_APPROVAL
        feishu.approvals.decide(form, "ou_carol", "APPROVED")
        await bot.forms.poll()
        now = await bot.plan(plan.id)
        assert "refused" not in await log_of(bot, plan), "it would be repeated with every poll"
    assert now.status is PlanStatus.DENIED
    assert [vote.person for vote in now.votes] == ["carol"]
    assert "Dave" in now.reason


async def test_each_stage_has_a_form_and_votes_stay_in_theirs(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        plan = await bot.submitted({**QA, "rule": "any"}, {**QA, "rule": "any"})
        first = form_of(feishu).instance_code
        feishu.approvals.decide(first, "ou_bob", "APPROVED")
        await bot.forms.poll()
        await bot.idle()
        await bot.forms.poll()
        now = await bot.plan(plan.id)
        assert (now.status, now.approval.current) == (PlanStatus.WAIT_FOR_APPROVAL, 1)
        late = c.Approve(plan_id=plan.id, form=first)
        with pytest.raises(Gone):
            await bot.engine.execute(late, Actor("carol", via="feishu_instance"))
        second = form_of(feishu, 1).instance_code
        assert second != first
        feishu.approvals.decide(second, "ou_bob", "APPROVED")
        await bot.forms.poll()
        assert await bot.status(plan) is PlanStatus.EXECUTING


async def test_a_replanned_plan_has_a_new_form_and_the_old_one_is_withdrawn(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        plan = await bot.submitted(QA)
        feishu.approvals.decide(form_of(feishu).instance_code, "ou_bob", "APPROVED")
        await bot.forms.poll()
        await bot.do(c.Replan(plan_id=plan.id))
        await bot.do(c.Submit(plan_id=plan.id))
        await bot.idle()
        await bot.forms.poll()
        now = await bot.plan(plan.id)
    assert form_of(feishu, 0).status == "CANCELED"
    assert form_of(feishu, 1).status == "PENDING"
    assert now.approval.stages[0].form == form_of(feishu, 1).instance_code
    assert now.votes == ()


async def test_a_plan_that_moved_on_meanwhile_leaves_no_form_behind(feishu: FeishuSimulator) -> None:
    feishu.fail("instance.create", status=503, applied=True)
    async with running(feishu) as (bot, _):
        feishu.add_user("ou_carol", email="carol@example.com")
        plan = await bot.submitted(QA)
        assert len(feishu.approvals.instances) == 1
        await bot.do(c.Cancel(plan_id=plan.id))
        await bot.idle()
    assert form_of(feishu).status == "CANCELED"


async def test_the_form_is_the_only_way_to_decide_such_a_stage(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        plan = await bot.submitted(QA)
        with pytest.raises(Forbidden, match="approval form"):
            await bot.do(c.Approve(plan_id=plan.id), "bob")


async def test_approvers_without_an_account_are_named(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        plan = await bot.submitted({"approvers": ["bob", "erin"], "channel": "feishu_instance"})
        assert await bot.status(plan) is PlanStatus.DENIED
        assert "Erin" in (await bot.plan(plan.id)).reason
        either = await bot.submitted({"approvers": ["bob", "erin"], "channel": "feishu_instance", "rule": "any"})
        assert await bot.status(either) is PlanStatus.WAIT_FOR_APPROVAL


async def test_a_vendor_that_is_not_enabled_is_told(feishu: FeishuSimulator) -> None:
    async with running(feishu, with_forms=False) as (bot, _):
        plan = await bot.submitted(QA)
        now = await bot.plan(plan.id)
    assert now.status is PlanStatus.DENIED
    assert "not enabled in the settings" in now.reason


async def test_one_form_that_cannot_be_asked_after_holds_up_no_other(feishu: FeishuSimulator) -> None:
    async with running(feishu) as (bot, _):
        await bot.submitted(QA)
        plan = await bot.submitted({**QA, "rule": "any"})
        feishu.approvals.decide(form_of(feishu, 1).instance_code, "ou_bob", "APPROVED")
        feishu.fail("instance.get", status=503)
        await bot.forms.poll()
        await bot.forms.poll()
        assert await bot.status(plan) is PlanStatus.EXECUTING
