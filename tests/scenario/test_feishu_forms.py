"""Stages that are decided in Feishu's own approval form, followed by its events and by asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.common.system import SystemClock
from adapters.feishu.client import FeishuClient
from bot import app
from config.settings import Settings
from core.commands import Approve
from core.errors import Gone
from core.people import Actor
from tests.scenario.chats.feishu import FEISHU, FeishuOffice, by_form
from tests.scenario.office import opened, step
from tests.scenario.process import serving
from tests.simulators.feishu_platform import FeishuPlatform
from tests.unit.adapters.feishu.app import section_of
from tests.unit.adapters.feishu.test_client_approvals import definition
from tests.waiting import PATIENCE, eventually

ENDS = {
    "CANCELED": "The approval form was withdrawn.",
    "DELETED": "The approval form was deleted.",
    "OVERTIME_CLOSE": "The approval form was expired.",
}


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[FeishuOffice]:
    async with FEISHU.office(tmp_path) as opened:
        yield opened


@pytest.fixture(params=["http", "long_connection"])
async def either(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[FeishuOffice]:
    """An office where the app is reached in either way."""
    async with FEISHU.office(tmp_path, mode=request.param) as opened:
        yield opened


@pytest.fixture
async def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FeishuOffice]:
    """An office where Fabu asks after forms all the time, and Feishu tells nothing by itself."""
    monkeypatch.setattr(app, "POLL", 0.1)
    async with FEISHU.office(tmp_path) as opened:
        yield opened


async def test_a_form_is_decided_in_feishu_and_a_card_decides_the_next_stage(either: FeishuOffice) -> None:
    await either.fabu.submitted(stages=[by_form("QA", "bob", "carol"), FEISHU.stage("Operations", "dave")])
    form = await either.form()
    assert (form.open_id, form.approvers) == ("ou_alice", {"approvers": ["ou_bob", "ou_carol"]})
    assert form.uuid
    assert form.title == "#1 Payments 2.4"
    assert "1 Notes" in form.form[0]["value"]
    assert "https://fabu.example.com/plans/1" in form.form[0]["value"]
    await either.fabu.until_seen("bob")
    assert "decided in the approval form" in await either.bob.says("approve 1")
    assert either.bob.cards == [], "it is the form that asks them"

    told = await either.platform.decide("ou_bob", form.instance_code, "APPROVED", "fine")
    told += await either.platform.decide("ou_carol", form.instance_code, "APPROVED")
    assert [(answer.status, answer.body) for answer in told] == [(200, {})] * 3
    await either.dave.clicks("Approve")
    assert await either.fabu.status() == "executing"
    assert await either.fabu.votes() == [("bob", "approve", "fine"), ("carol", "approve", ""), ("dave", "approve", "")]
    await either.channel_card("executing", "👍 Bob", "👍 Carol", "👍 Dave")


async def test_where_one_vote_is_enough_the_form_is_decided_by_feishu(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "@sre", rule="any")])
    form = await case.form()
    assert form.approvers == {"approvers": ["ou_carol", "ou_erin"]}
    await case.platform.decide("ou_erin", form.instance_code, "APPROVED")
    await case.fabu.until_status("executing")
    await case.channel_card("executing", "👍 Erin")
    assert form.status == "APPROVED", "it is left alone"


async def test_enough_votes_withdraw_a_form_that_asks_for_more(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol", rule=1)])
    form = await case.form()
    await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
    await case.fabu.until_status("executing")
    await case.alice.until(lambda: form.status == "CANCELED")


async def test_a_form_is_followed_without_any_event(asking: FeishuOffice) -> None:
    await asking.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await asking.form()
    asking.feishu.approvals.decide(form.instance_code, "ou_bob", "APPROVED")
    await asking.channel_card("👍 Bob")
    assert await asking.fabu.status() == "wait_for_approval"
    asking.feishu.approvals.decide(form.instance_code, "ou_carol", "APPROVED")
    await asking.fabu.until_status("executing")
    assert (await asking.fabu.events()).count("voted") == 2


async def test_a_rejection_tells_why(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    await case.platform.decide("ou_carol", form.instance_code, "REJECTED", "没有回滚方案")
    await case.channel_card("rejected", "没有回滚方案")
    assert await case.fabu.votes() == [("carol", "reject", "没有回滚方案")]


async def test_a_rejection_without_a_word_is_one_too(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await case.form()
    await case.platform.decide("ou_bob", form.instance_code, "REJECTED")
    await case.channel_card("rejected", "without a comment")


async def test_each_stage_has_a_form_and_votes_stay_in_theirs(case: FeishuOffice) -> None:
    plan = await case.fabu.submitted(
        stages=[by_form("QA", "@sre", rule="any"), by_form("Security", "@sre", rule="any")]
    )
    first = await case.form()
    await case.platform.decide("ou_carol", first.instance_code, "APPROVED")
    second = await case.form(1)
    assert second.instance_code != first.instance_code
    assert await case.fabu.status() == "wait_for_approval"
    late = Approve(plan_id=plan["id"], form=first.instance_code)
    with pytest.raises(Gone):
        await case.fabu.services.engine.execute(late, Actor("erin", via="feishu_instance"))
    await case.platform.decide("ou_carol", second.instance_code, "APPROVED")
    await case.fabu.until_status("executing")


async def test_a_replanned_plan_has_a_new_form_and_no_votes(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    old = await case.form()
    await case.platform.decide("ou_bob", old.instance_code, "APPROVED")
    await eventually(case.fabu.votes, wanted=lambda votes: len(votes) == 1)
    await case.alice.says("replan 1")
    await case.alice.says("submit 1")
    new = await case.form(1)
    await case.alice.until(lambda: old.status == "CANCELED")
    assert new.status == "PENDING"
    assert await case.fabu.votes() == []


@pytest.mark.parametrize("verb", ["cancel", "replan"])
async def test_a_form_is_withdrawn_when_its_plan_is(case: FeishuOffice, verb: str) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await case.form()
    await case.alice.says(f"{verb} 1")
    await case.alice.until(lambda: form.status == "CANCELED")
    late = await case.platform.push_approval("approval_instance", form.instance_code, {"status": "CANCELED"})
    assert late.status == 200
    if verb == "cancel":
        assert await case.fabu.status() == "cancel"
        return
    await case.alice.says("submit 1")
    again = await case.form(1)
    assert again.uuid != form.uuid
    await case.platform.decide("ou_bob", again.instance_code, "APPROVED")
    await case.fabu.until_status("executing")


@pytest.mark.parametrize("status", ENDS)
async def test_a_form_that_ends_undecided_frees_its_plan(either: FeishuOffice, status: str) -> None:
    await either.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await either.form()
    either.feishu.approvals.end(form.instance_code, status)
    await either.platform.push_approval("approval_instance", form.instance_code, {"status": status, "operate_time": 1})
    await either.fabu.until_status("denied")
    await either.channel_card(ENDS[status])
    await either.alice.says("replan 1")
    await either.alice.says("submit 1")
    again = await either.form(1)
    await either.platform.decide("ou_bob", again.instance_code, "APPROVED")
    await either.fabu.until_status("executing")


async def test_a_form_that_feishu_has_lost_frees_its_plan(asking: FeishuOffice) -> None:
    await asking.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await asking.form()
    del asking.feishu.approvals.instances[form.instance_code]
    await asking.fabu.until_status("denied")
    await asking.channel_card("The approval form was deleted.")


async def test_a_form_that_is_open_again_is_waited_for(asking: FeishuOffice) -> None:
    await asking.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await asking.form()
    form.status = "OVERTIME_RECOVER"
    asked = len(asking.feishu.calls_to("instance.get"))
    await asking.alice.until(lambda: len(asking.feishu.calls_to("instance.get")) > asked + 1)
    assert await asking.fabu.status() == "wait_for_approval"
    asking.feishu.approvals.decide(form.instance_code, "ou_bob", "APPROVED")
    await asking.fabu.until_status("executing")


async def test_the_vote_of_a_stranger_is_none_and_is_named(case: FeishuOffice) -> None:
    case.feishu.add_user("ou_stranger")
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol", rule="any")])
    form = await case.form()
    case.feishu.approvals.transfer(form.instance_code, "ou_bob", "ou_stranger")
    await case.platform.decide("ou_stranger", form.instance_code, "APPROVED")
    await case.fabu.until_status("denied")
    assert await case.fabu.votes() == []
    await case.channel_card("these votes do not count", "ou_stranger")


async def test_approvers_without_an_account_are_named(case: FeishuOffice) -> None:
    del case.feishu.users["ou_erin"]
    await case.fabu.submitted(stages=[by_form("QA", "bob", "erin")])
    await case.channel_card("rejected", "Erin")
    assert case.feishu.approvals.instances == {}
    await case.fabu.submitted(stages=[by_form("QA", "bob", "erin", rule="any")])
    await case.alice.until(lambda: case.feishu.approvals.instances)
    assert await case.fabu.status(2) == "wait_for_approval"


async def test_one_form_that_cannot_be_asked_after_holds_up_no_other(asking: FeishuOffice) -> None:
    await asking.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    await asking.form()
    await asking.fabu.submitted(stages=[by_form("QA", "bob")])
    await eventually(asking.fabu.events, 2, wanted=lambda events: "form_linked" in events)
    _, second = asking.feishu.approvals.instances.values()
    asking.feishu.fail("instance.get", status=503)
    asking.feishu.approvals.decide(second.instance_code, "ou_bob", "APPROVED")
    await asking.fabu.until_status("executing", 2)


@pytest.mark.parametrize("verb", ["cancel", "replan"])
async def test_a_form_is_withdrawn_whose_response_was_lost_when_its_plan_is(case: FeishuOffice, verb: str) -> None:
    case.feishu.fail("instance.create", status=503, applied=True)
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await case.alice.until(lambda: next(iter(case.feishu.approvals.instances.values()), None))
    await case.fabu.api("POST", f"/plans/1/{verb}", {})
    await case.alice.until(lambda: form.status == "CANCELED")
    assert list(case.feishu.approvals.instances) == [form.instance_code]


async def test_a_form_that_was_refused_is_not_submitted_once_its_plan_is_cancelled(case: FeishuOffice) -> None:
    case.feishu.fail("instance.create", status=503)
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    await case.alice.until(lambda: case.feishu.calls_to("instance.create"))
    await case.fabu.api("POST", "/plans/1/cancel", {})
    await case.alice.until(lambda: case.feishu.calls_to("instance.get"))
    assert case.feishu.approvals.instances == {}


async def test_a_start_whose_answer_is_lost_submits_one_form(case: FeishuOffice) -> None:
    case.feishu.fail("instance.create", status=502, applied=True)
    await case.fabu.submitted(step("notes"), stages=[by_form("QA", "bob")])
    form = await case.form()
    assert list(case.feishu.approvals.instances) == [form.instance_code]
    await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
    await case.fabu.until_status("executing")


async def test_after_a_kill_the_same_form_is_followed(tmp_path: Path) -> None:
    async with FEISHU.simulator() as feishu:
        written = FEISHU.written(tmp_path, feishu, mode="long_connection")
        settings = Settings.model_validate(written)
        async with opened(settings) as fabu:
            draft = await fabu.draft(stages=[by_form("QA", "bob")])
        feishu.fail("instance.create", how="hang", applied=True)
        async with serving(written):
            await feishu.until(lambda: feishu.sockets.open, PATIENCE)
            await FeishuPlatform(feishu).write("ou_alice", f"submit {draft['number']}")
            await feishu.until(lambda: feishu.approvals.instances, PATIENCE)
        async with opened(settings) as fabu:
            case = await FEISHU.connect(feishu, fabu)
            form = await case.form()
            await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
            await fabu.until_status("executing")
        assert list(feishu.approvals.instances) == [form.instance_code]


async def test_the_definition_of_the_settings_is_used_and_subscribed_to_once(tmp_path: Path) -> None:
    async with FEISHU.simulator() as feishu:
        own = await FeishuClient(section_of(feishu), SystemClock()).create_definition(definition())
        async with opened(FEISHU.settings(tmp_path, feishu, approval_code=own)) as fabu:
            case = await FEISHU.connect(feishu, fabu)
            for number in range(2):
                await fabu.submitted(stages=[by_form("QA", "bob")])
                await eventually(fabu.events, number + 1, wanted=lambda events: "form_linked" in events)
                form = list(feishu.approvals.instances.values())[number]
                assert form.approval_code == own
                await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
                await fabu.until_status("executing", number + 1)
            assert len(feishu.calls_to("approval.create")) == 1, "that of the administrator"
            assert len(feishu.calls_to("approval.subscribe")) == 1


async def test_a_form_that_cannot_be_opened_is_told_and_frees_its_plan(case: FeishuOffice) -> None:
    case.feishu.fail("approval.create", status=400, body={"code": 1390001, "msg": "param is invalid"})
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    await case.fabu.until_status("denied")
    await case.channel_card("The approval form could not be opened", "param is invalid")
