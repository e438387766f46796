"""Stages that are decided in DingTalk's own approval form, followed by its events and by asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import app
from bot.outbox.worker import LEASE
from config.settings import Settings
from tests.clock import SharedClock
from tests.scenario.chats.dingtalk import DINGTALK, FORM, DingTalkOffice, by_form
from tests.scenario.office import opened
from tests.scenario.process import serving
from tests.waiting import PATIENCE


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[DingTalkOffice]:
    """An office where DingTalk tells of forms over HTTP."""
    async with DINGTALK.office(tmp_path, mode="http") as opened:
        yield opened


@pytest.fixture(params=["http", "stream"])
async def either(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[DingTalkOffice]:
    """An office where the app is reached in either way."""
    async with DINGTALK.office(tmp_path, mode=request.param) as opened:
        yield opened


@pytest.fixture
async def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DingTalkOffice]:
    """An office where Fabu asks after forms all the time."""
    monkeypatch.setattr(app, "POLL", 0.1)
    async with DINGTALK.office(tmp_path) as opened:
        yield opened


async def test_a_form_is_decided_in_dingtalk_and_a_card_decides_the_next_stage(either: DingTalkOffice) -> None:
    await either.fabu.submitted(stages=[by_form("QA", "bob", "carol"), DINGTALK.stage("Operations", "dave")])
    form = await either.form()
    assert (form.originator, form.process_code) == ("alice", FORM)
    assert (form.steps[0].action_type, form.steps[0].user_ids) == ("AND", ["bob", "carol"])
    assert (form.form["发布计划"], form.form["链接"]) == ("#1 Payments 2.4", "https://fabu.example.com/plans/1")
    assert "Notes" in form.form["发布内容"]
    assert "decided in the approval form" in await either.bob.says("approve 1")
    assert either.bob.cards == [], "it is the form that asks them"

    told = await either.ding.workflow.decide(form.instance_id, "bob", "agree", "fine")
    told += await either.ding.workflow.decide(form.instance_id, "carol", "agree")
    assert {answer.body for answer in told} <= {"success", "SUCCESS"}
    await either.dave.clicks("Approve")
    assert await either.fabu.status() == "executing"
    assert await either.fabu.votes() == [("bob", "approve", "fine"), ("carol", "approve", ""), ("dave", "approve", "")]
    await either.channel_card("executing", "👍 Bob", "👍 Carol", "👍 Dave")
    await either.fabu.log()


async def test_a_rejection_tells_why(case: DingTalkOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    await case.ding.workflow.decide(form.instance_id, "carol", "refuse", "没有回滚方案")
    await case.channel_card("rejected", "没有回滚方案")
    assert await case.fabu.votes() == [("carol", "reject", "没有回滚方案")]


async def test_a_rejection_without_a_word_is_one_too(case: DingTalkOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await case.form()
    await case.ding.workflow.decide(form.instance_id, "bob", "refuse")
    await case.channel_card("rejected", "without a comment")


async def test_enough_votes_are_enough(case: DingTalkOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol", "dave", rule=2)])
    form = await case.form()
    await case.ding.workflow.decide(form.instance_id, "dave", "agree")
    assert await case.fabu.status() == "wait_for_approval"
    await case.ding.workflow.decide(form.instance_id, "bob", "agree")
    assert await case.fabu.status() == "executing"
    await case.alice.until(lambda: form.status == "TERMINATED")


async def test_where_one_is_enough_dingtalk_asks_for_any(case: DingTalkOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "@sre", rule="any")])
    form = await case.form()
    assert form.steps[0].action_type == "OR"
    await case.ding.workflow.decide(form.instance_id, "erin", "agree")
    await case.channel_card("executing", "👍 Erin")


@pytest.mark.parametrize("verb", ["cancel", "replan"])
async def test_a_form_is_withdrawn_when_its_plan_is(case: DingTalkOffice, verb: str) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await case.form()
    await case.alice.says(f"{verb} 1")
    await case.alice.until(lambda: form.status == "TERMINATED")
    late = {"processInstanceId": form.instance_id, "processCode": FORM, "type": "terminate"}
    assert (await case.ding.event("bpms_instance_change", late)).body in ("success", "SUCCESS")
    if verb == "cancel":
        assert await case.fabu.status() == "cancel"
        return
    await case.alice.says("submit 1")
    again = await case.form(1)
    assert again.form["编号"] != form.form["编号"]
    await case.ding.workflow.decide(again.instance_id, "bob", "agree")
    await case.fabu.until_status("executing")


@pytest.mark.parametrize(("end", "told"), [("withdraw", "withdrawn"), ("delete", "deleted")])
async def test_a_form_that_ends_undecided_frees_its_plan(either: DingTalkOffice, end: str, told: str) -> None:
    await either.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await either.form()
    await getattr(either.ding.workflow, end)(form.instance_id)
    await either.channel_card("rejected", f"The approval form was {told}.")
    await either.alice.says("replan 1")
    await either.alice.says("submit 1")
    again = await either.form(1)
    await either.ding.workflow.decide(again.instance_id, "bob", "agree")
    await either.fabu.until_status("executing")


async def test_a_form_is_followed_without_any_event(asking: DingTalkOffice) -> None:
    asking.ding.workflow.silent = True
    await asking.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await asking.form()
    await asking.ding.workflow.decide(form.instance_id, "bob", "agree")
    await asking.channel_card("👍 Bob")
    assert await asking.fabu.status() == "wait_for_approval"
    await asking.ding.workflow.delete(form.instance_id)
    await asking.channel_card("The approval form was deleted.")


async def test_an_event_comes_again_when_dingtalk_cannot_be_asked(either: DingTalkOffice) -> None:
    await either.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await either.form()
    either.ding.fail("workflow.get", 2, status=503)
    told = await either.ding.workflow.decide(form.instance_id, "bob", "agree")
    assert {answer.body for answer in told if answer.status == 200} <= {"LATER"}
    assert await either.fabu.status() == "wait_for_approval"
    again = {"processInstanceId": form.instance_id, "processCode": FORM, "type": "finish", "result": "agree"}
    assert (await either.ding.event("bpms_instance_change", again)).body in ("success", "SUCCESS")
    assert await either.fabu.status() == "executing"
    await either.ding.event("bpms_instance_change", again)
    assert (await either.fabu.events()).count("voted") == 1


async def test_approvers_without_an_account_are_named(case: DingTalkOffice) -> None:
    case.ding.users["carol"] = ""
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    await case.channel_card("rejected", "these people have no account there: Carol")
    assert case.ding.workflow.processes == {}


async def test_a_form_whose_answer_got_lost_is_found(case: DingTalkOffice) -> None:
    case.ding.fail("workflow.start", how="close", applied=True)
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await case.form()
    assert list(case.ding.workflow.processes) == [form.instance_id]
    assert len(case.ding.calls_to("workflow.start")) == 1
    await case.ding.workflow.decide(form.instance_id, "bob", "agree")
    assert await case.fabu.status() == "executing"


@pytest.mark.parametrize("verb", ["cancel", "replan"])
async def test_a_form_is_withdrawn_whose_response_was_lost_when_its_plan_is(case: DingTalkOffice, verb: str) -> None:
    case.ding.fail("workflow.start", how="close", applied=True)
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await case.alice.until(lambda: next(iter(case.ding.workflow.processes.values()), None))
    await case.fabu.api("POST", f"/plans/1/{verb}", {})
    await case.alice.until(lambda: form.status == "TERMINATED")
    assert list(case.ding.workflow.processes) == [form.instance_id]


async def test_after_a_kill_the_form_is_found_and_not_opened_twice(tmp_path: Path) -> None:
    async with DINGTALK.simulator() as ding:
        written = DINGTALK.written(tmp_path, ding)
        settings = Settings.model_validate(written)
        async with opened(settings) as fabu:
            draft = await fabu.draft(stages=[by_form("QA", "bob")])
        ding.fail("workflow.start", how="hang", applied=True)
        async with serving(written):
            await ding.until(lambda: ding.gateway.sockets, PATIENCE)
            await ding.say("alice", f"submit {draft['number']}")
            await ding.until(lambda: ding.workflow.processes, PATIENCE)
        ding.clock.advance(LEASE.total_seconds())
        async with opened(settings, SharedClock(ding)) as fabu:
            case = await DINGTALK.connect(ding, fabu)
            form = await case.form()
            await ding.workflow.decide(form.instance_id, "bob", "agree")
            assert await fabu.status() == "executing"
        assert len(ding.calls_to("workflow.start")) == 1
