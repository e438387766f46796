"""What people do in DingTalk's approval form beside voting: hand over, add approvers, return it, and revoke it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import app
from tests.scenario.chats.dingtalk import DINGTALK, FORM, DingTalkOffice, by_form
from tests.scenario.office import step
from tests.simulators.dingtalk_workflow import Process
from tests.waiting import eventually

NO_VOTE = "Fabu does not count a vote of {} here."
REVOKED = "The approval of stage QA was revoked in"
HELD = "The schedule starts nothing more"


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
    """An office where Fabu asks after forms all the time, and DingTalk tells nothing by itself."""
    monkeypatch.setattr(app, "POLL", 0.1)
    async with DINGTALK.office(tmp_path) as opened:
        opened.ding.workflow.silent = True
        yield opened


def comments(form: Process) -> list[str]:
    return [record["remark"] for record in form.records if record["type"] == "ADD_REMARK"]


async def approved(case: DingTalkOffice, *items: Any) -> Process:
    """Submit a plan that Bob approves in a form; return the form once the plan executes."""
    await case.fabu.submitted(*items, stages=[by_form("QA", "bob")])
    form = await case.form()
    await case.ding.workflow.decide(form.instance_id, "bob", "agree")
    await case.fabu.until_status("executing")
    return form


async def test_a_transfer_is_a_delegation_with_both_names(either: DingTalkOffice) -> None:
    await either.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await either.form()
    await either.ding.workflow.redirect(form.instance_id, "bob", "dave")
    assert (await either.fabu.plan())["approval"]["delegates"] == {"bob": "dave"}
    await either.ding.workflow.decide(form.instance_id, "dave", "agree", "for Bob")
    await either.ding.workflow.decide(form.instance_id, "carol", "agree")
    await either.fabu.until_status("executing")
    await either.channel_card("executing", "Dave for Bob", "👍 Carol")
    votes = (await either.fabu.plan())["approval"]["stages"][0]["votes"]
    assert [(vote["person"], vote["delegate"]) for vote in votes] == [("bob", "dave"), ("carol", "")]
    assert comments(form) == []


async def test_a_transfer_that_is_handed_on_and_known_late_is_followed_to_its_end(asking: DingTalkOffice) -> None:
    asking.ding.fail("workflow.get", 3, status=503)
    await asking.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await asking.form()
    await asking.ding.workflow.redirect(form.instance_id, "bob", "dave")
    await asking.ding.workflow.redirect(form.instance_id, "dave", "erin")
    await asking.ding.workflow.decide(form.instance_id, "erin", "agree")
    await asking.fabu.until_status("executing")
    assert await asking.fabu.votes() == [("bob", "approve", "")]
    assert (await asking.fabu.plan())["approval"]["delegates"] == {"bob": "erin"}
    assert comments(form) == []


async def test_a_transfer_to_the_manager_is_refused_in_the_form(asking: DingTalkOffice) -> None:
    await asking.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await asking.form()
    await asking.ding.workflow.redirect(form.instance_id, "bob", "alice")
    [comment] = await asking.alice.until(lambda: comments(form))
    assert NO_VOTE.format("Alice") in comment
    asked = len(asking.ding.calls_to("workflow.get"))
    await asking.alice.until(lambda: len(asking.ding.calls_to("workflow.get")) > asked + 2)
    assert len(comments(form)) == 1
    await asking.ding.workflow.decide(form.instance_id, "alice", "agree")
    await asking.ding.workflow.decide(form.instance_id, "carol", "agree")
    await asking.channel_card("rejected", "these votes do not count", "Alice")
    assert await asking.fabu.votes() == [("carol", "approve", "")]


@pytest.mark.parametrize("kind", ["APPEND_TASK_BEFORE", "APPEND_TASK_AFTER"])
async def test_an_approver_who_is_added_in_the_form_has_no_vote_and_is_told_so(case: DingTalkOffice, kind: str) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    await case.ding.workflow.append(form.instance_id, "bob", "dave", kind)
    [comment] = await case.alice.until(lambda: comments(form))
    assert NO_VOTE.format("Dave") in comment
    await case.ding.workflow.decide(form.instance_id, "dave", "agree")
    if kind == "APPEND_TASK_BEFORE":
        await case.ding.workflow.decide(form.instance_id, "bob", "agree")
    await case.ding.workflow.decide(form.instance_id, "carol", "agree")
    await case.fabu.until_status("executing")
    assert sorted(await case.fabu.votes()) == [("bob", "approve", ""), ("carol", "approve", "")]


@pytest.mark.parametrize("comment", ["没有回滚方案", ""])
async def test_a_returned_form_frees_its_plan_and_says_who_returned_it(case: DingTalkOffice, comment: str) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    await case.ding.workflow.send_back(form.instance_id, "bob", comment)
    await case.channel_card("rejected", f"Bob returned the approval form{': ' + comment if comment else '.'}")
    await case.alice.until(lambda: form.status == "TERMINATED")


async def test_before_the_execution_a_revoked_form_opens_its_stage_again(either: DingTalkOffice) -> None:
    await either.fabu.submitted(stages=[by_form("QA", "bob"), DINGTALK.stage("Operations", "dave")])
    form = await either.form()
    await either.ding.workflow.decide(form.instance_id, "bob", "agree")
    asked = await either.dave.card_with("Approve")
    await either.ding.workflow.revoke(form.instance_id)
    await eventually(either.fabu.events, wanted=lambda events: events.count("form_linked") == 2)
    again = [each for each in either.ding.workflow.processes.values() if each.biz_action == "NONE"][-1]
    assert again.form["编号"] != form.form["编号"]
    assert await either.fabu.votes() == []
    await either.dave.until(lambda: not either.dave.offers(asked, "Approve"))
    await either.ding.workflow.decide(again.instance_id, "bob", "agree", "again")
    await either.dave.clicks("Approve")
    await either.fabu.until_status("executing")
    assert await either.fabu.votes() == [("bob", "approve", "again"), ("dave", "approve", "")]


async def test_while_a_plan_executes_a_revoked_form_is_told_with_replan(either: DingTalkOffice) -> None:
    form = await approved(either, step("notes"))
    await either.ding.workflow.revoke(form.instance_id)
    await either.channel_card(REVOKED, HELD)
    for person in (either.alice, either.dave):
        assert person.offers(await person.sees(REVOKED, HELD), "Replan")
    assert (await either.fabu.plan())["approval"]["stages"][0]["revoked"]
    assert await either.fabu.status() == "executing"
    [other] = form.attached
    twice = {"processInstanceId": other, "processCode": FORM, "type": "finish", "result": "agree"}
    await either.ding.event("bpms_instance_change", twice)
    assert (await either.fabu.events()).count("form_reverted") == 1


async def test_a_revoked_form_is_seen_without_an_event(asking: DingTalkOffice) -> None:
    form = await approved(asking, step("notes"))
    await asking.ding.workflow.revoke(form.instance_id)
    await asking.alice.sees(REVOKED)


async def test_after_the_end_there_is_an_entry_and_a_message_alone(case: DingTalkOffice) -> None:
    form = await approved(case, step("notes"))
    await case.alice.says("execute 1 notes")
    await case.fabu.until_status("success")
    await case.ding.workflow.revoke(form.instance_id)
    for person in (case.alice, case.dave):
        assert not person.offers(await person.sees(REVOKED), "Replan")
    assert await case.fabu.status() == "success"
    assert (await case.fabu.events())[-1] == "form_reverted"


async def test_an_event_of_a_revocation_comes_again_when_dingtalk_cannot_be_asked(either: DingTalkOffice) -> None:
    form = await approved(either, step("notes"))
    either.ding.fail("workflow.get", 2, status=503)
    answer = await either.ding.workflow.revoke(form.instance_id)
    assert answer is None or answer.status != 200 or answer.body == "LATER"
    [other] = form.attached
    again = {"processInstanceId": other, "processCode": FORM, "type": "finish", "result": "agree"}
    await either.ding.event("bpms_instance_change", again)
    await either.alice.sees(REVOKED)
