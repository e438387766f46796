"""What people do in Feishu's approval form beside voting: hand over, add approvers, return it, and revoke it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import app
from tests.scenario.chats.feishu import FEISHU, FeishuOffice, by_form
from tests.scenario.office import script, step
from tests.simulators.feishu_approval import Instance
from tests.waiting import eventually

NO_VOTE = "Fabu does not count a vote of {} here."
REVOKED = "The approval of stage QA was revoked in"
HELD = "The schedule starts nothing more"


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[FeishuOffice]:
    async with FEISHU.office(tmp_path) as opened:
        yield opened


@pytest.fixture
async def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FeishuOffice]:
    """An office where Fabu asks after forms all the time, and Feishu tells nothing by itself."""
    monkeypatch.setattr(app, "POLL", 0.1)
    async with FEISHU.office(tmp_path) as opened:
        yield opened


async def tell(case: FeishuOffice, form: Instance, **changed: Any) -> None:
    """Push that something has changed in a form, as both kinds of event do."""
    answer = await case.platform.push_approval("approval_task", form.instance_code, changed)
    assert (answer.status, answer.body) == (200, {})


async def revoke(case: FeishuOffice, form: Instance) -> None:
    """Revoke an approved form; the time in its event is a number, unlike in all others."""
    case.feishu.approvals.revert(form.instance_code)
    await tell_revoked(case, form)


async def tell_revoked(case: FeishuOffice, form: Instance) -> None:
    changed = {"status": "REVERTED", "operate_time": 1666079207003}
    answer = await case.platform.push_approval("approval_instance", form.instance_code, changed)
    assert (answer.status, answer.body) == (200, {})


async def approved(case: FeishuOffice, *items: Any, **fields: Any) -> Instance:
    """Submit a plan that Bob approves in a form; return the form once the plan executes."""
    await case.fabu.submitted(*items, stages=[by_form("QA", "bob")], **fields)
    form = await case.form()
    await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
    await case.fabu.until_status("executing")
    return form


async def test_a_transfer_is_a_delegation_with_both_names(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    case.feishu.approvals.transfer(form.instance_code, "ou_bob", "ou_dave")
    await tell(case, form, status="TRANSFERRED")
    await eventually(case.fabu.events, wanted=lambda events: "delegated" in events)
    assert "Bob: lets Dave decide in stage QA" in await eventually(
        lambda: case.alice.asks("log 1"), wanted=lambda log: "lets Dave" in log
    )
    await case.platform.decide("ou_carol", form.instance_code, "APPROVED")
    await case.platform.decide("ou_dave", form.instance_code, "APPROVED", "for Bob")
    await case.fabu.until_status("executing")
    await case.channel_card("executing", "Dave for Bob", "👍 Carol")
    votes = (await case.fabu.plan())["approval"]["stages"][0]["votes"]
    assert [(vote["person"], vote["delegate"]) for vote in votes] == [("carol", ""), ("bob", "dave")]
    assert form.comments == []


async def test_a_transfer_that_is_handed_on_and_known_late_is_followed_to_its_end(asking: FeishuOffice) -> None:
    asking.feishu.fail("instance.get", 3, status=503)
    await asking.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await asking.form()
    approvals = asking.feishu.approvals
    approvals.transfer(form.instance_code, "ou_bob", "ou_dave")
    approvals.transfer(form.instance_code, "ou_dave", "ou_erin")
    approvals.decide(form.instance_code, "ou_erin", "APPROVED")
    await asking.fabu.until_status("executing")
    assert await asking.fabu.votes() == [("bob", "approve", "")]
    assert (await asking.fabu.plan())["approval"]["delegates"] == {"bob": "erin"}
    assert form.comments == []


async def test_an_approver_who_gets_the_task_of_another_one_votes_for_both(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    case.feishu.approvals.transfer(form.instance_code, "ou_bob", "ou_carol")
    await case.platform.decide("ou_carol", form.instance_code, "APPROVED", "mine")
    assert await case.fabu.status() == "wait_for_approval"
    await case.platform.decide("ou_carol", form.instance_code, "APPROVED", "Bob's")
    await case.fabu.until_status("executing")
    assert await case.fabu.votes() == [("carol", "approve", "mine"), ("bob", "approve", "Bob's")]


@pytest.mark.parametrize(("to", "name"), [("ou_alice", "Alice"), ("ou_stranger", "ou_stranger")])
async def test_a_transfer_to_somebody_without_a_vote_is_refused_in_the_form(
    asking: FeishuOffice, to: str, name: str
) -> None:
    asking.feishu.add_user("ou_stranger")
    await asking.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await asking.form()
    asking.feishu.approvals.transfer(form.instance_code, "ou_bob", to)
    [(author, comment)] = await asking.alice.until(lambda: form.comments)
    assert author == "ou_alice", "comments are in the name of the submitter"
    assert NO_VOTE.format(name) in comment
    await asking.channel_card("waiting for approval")
    assert f"The approval form of stage QA asks {name}, whose vote does not count" in await asking.alice.asks("log 1")
    asked = len(asking.feishu.calls_to("instance.get"))
    await asking.alice.until(lambda: len(asking.feishu.calls_to("instance.get")) > asked + 2)
    assert len(form.comments) == 1
    asking.feishu.approvals.decide(form.instance_code, to, "APPROVED")
    asking.feishu.approvals.decide(form.instance_code, "ou_carol", "APPROVED")
    await asking.fabu.until_status("denied")
    assert await asking.fabu.votes() == [("carol", "approve", "")]


async def test_a_comment_whose_response_is_lost_is_there_once(case: FeishuOffice) -> None:
    case.feishu.fail("instance.comment", status=503, applied=True)
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await case.form()
    case.feishu.approvals.add_approver(form.instance_code, "ou_bob", "ou_erin")
    await tell(case, form, status="PENDING")
    await case.alice.until(lambda: len(case.feishu.calls_to("instance.comment")))
    calls = len(case.feishu.calls_to("instance.get"))
    await case.alice.until(lambda: len(case.feishu.calls_to("instance.get")) > calls)
    assert len(form.comments) == 1


@pytest.mark.parametrize("kind", ["ADD_APPROVER_BEFORE", "ADD_APPROVER", "ADD_APPROVER_AFTER"])
async def test_an_approver_who_is_added_in_the_form_has_no_vote_and_is_told_so(case: FeishuOffice, kind: str) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    case.feishu.approvals.add_approver(form.instance_code, "ou_bob", "ou_dave", kind)
    await tell(case, form, status="PENDING")
    [(_, comment)] = await case.alice.until(lambda: form.comments)
    assert NO_VOTE.format("Dave") in comment
    await case.platform.decide("ou_dave", form.instance_code, "APPROVED", "me too")
    if kind != "ADD_APPROVER_AFTER":
        await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
    await case.platform.decide("ou_carol", form.instance_code, "APPROVED")
    await case.fabu.until_status("executing")
    assert sorted(await case.fabu.votes()) == [("bob", "approve", ""), ("carol", "approve", "")]


async def test_a_rejection_by_who_was_added_frees_the_plan_and_names_them(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    case.feishu.approvals.add_approver(form.instance_code, "ou_bob", "ou_dave")
    await case.platform.decide("ou_dave", form.instance_code, "REJECTED", "not today")
    await case.fabu.until_status("denied")
    await case.channel_card("The approval form is rejected, but these votes do not count", "Dave")
    assert await case.fabu.votes() == []


async def test_an_approver_of_the_plan_who_is_added_needs_no_word(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol", rule="any")])
    form = await case.form()
    case.feishu.approvals.add_approver(form.instance_code, "ou_bob", "ou_carol")
    await case.platform.decide("ou_carol", form.instance_code, "APPROVED")
    await case.fabu.until_status("executing")
    assert form.comments == []


@pytest.mark.parametrize("kind", ["ROLLBACK", "ROLLBACK_SELECTED"])
@pytest.mark.parametrize("comment", ["没有回滚方案", ""])
async def test_a_returned_form_frees_its_plan_and_says_who_returned_it(
    case: FeishuOffice, kind: str, comment: str
) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    await case.platform.decide("ou_carol", form.instance_code, "APPROVED")
    case.feishu.approvals.roll_back(form.instance_code, "ou_bob", comment, kind)
    await tell(case, form, status="ROLLBACK", extra='{"rollback_node_ids":["START"]}')
    await case.fabu.until_status("denied")
    await case.channel_card("rejected", f"Bob returned the approval form{': ' + comment if comment else '.'}")
    await case.alice.until(lambda: form.status == "CANCELED")
    assert form.comments == [], "its submitter decides nothing there"
    await case.alice.says("replan 1")
    await case.alice.says("submit 1")
    again = await case.form(1)
    await case.platform.decide("ou_bob", again.instance_code, "APPROVED")
    await case.platform.decide("ou_carol", again.instance_code, "APPROVED")
    await case.fabu.until_status("executing")


async def test_before_the_execution_a_revoked_form_opens_its_stage_again(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob"), FEISHU.stage("Operations", "dave")])
    form = await case.form()
    await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
    asked = await case.dave.card_with("Approve")
    await revoke(case, form)
    again = await case.form(1)
    assert again.uuid != form.uuid
    assert await case.fabu.votes() == []
    plan = await case.fabu.plan()
    assert (plan["status"], plan["approval"]["current"]) == ("wait_for_approval", 0)
    await case.dave.until(lambda: not case.dave.offers(asked, "Approve"))
    await case.alice.until(lambda: "The approval form of stage QA was revoked" in "\n".join(case.thread()))
    await case.platform.decide("ou_bob", again.instance_code, "APPROVED", "again")
    await case.dave.clicks("Approve")
    await case.fabu.until_status("executing")
    assert await case.fabu.votes() == [("bob", "approve", "again"), ("dave", "approve", "")]


async def test_a_form_that_is_revoked_before_its_approval_is_known_counts_nothing(asking: FeishuOffice) -> None:
    asking.feishu.fail("instance.get", 3, status=503)
    await asking.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await asking.form()
    asking.feishu.approvals.decide(form.instance_code, "ou_bob", "APPROVED")
    asking.feishu.approvals.revert(form.instance_code)
    again = await asking.form(1)
    assert "voted" not in await asking.fabu.events()
    asking.feishu.approvals.decide(again.instance_code, "ou_bob", "APPROVED")
    await asking.fabu.until_status("executing")


async def test_events_of_a_revoked_form_that_come_late_and_twice_change_nothing(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob"), FEISHU.stage("Operations", "dave")])
    form = await case.form()
    await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
    await case.dave.card_with("Approve")
    await revoke(case, form)
    again = await case.form(1)
    await tell_revoked(case, form)
    await tell(case, form, status="APPROVED")
    await case.platform.decide("ou_bob", again.instance_code, "APPROVED")
    await eventually(case.fabu.events, wanted=lambda events: events.count("stage_passed") == 2)
    await case.dave.clicks("Approve")
    await case.fabu.until_status("executing")
    await tell_revoked(case, form)
    assert (await case.fabu.events()).count("form_reverted") == 1
    assert len(case.feishu.approvals.instances) == 2


async def test_while_a_plan_executes_the_schedule_stops_runs_go_on_and_people_are_told(
    case: FeishuOffice, tmp_path: Path
) -> None:
    form = await approved(
        case,
        script("first", f"until [ -e {tmp_path}/go ]; do sleep 0.05; done"),
        script("second", "true", needs=["first"]),
        schedule_at=(datetime.now(UTC) + timedelta(seconds=5)).isoformat(),
    )
    await eventually(lambda: case.fabu.item("first"), wanted=lambda item: item["status"] == "running")
    await revoke(case, form)
    await case.channel_card(REVOKED, HELD)
    for person in (case.alice, case.dave):
        assert person.offers(await person.sees(REVOKED, HELD), "Replan")
    stage = (await case.fabu.plan())["approval"]["stages"][0]
    assert (stage["revoked"], [vote["person"] for vote in stage["votes"]]) == (True, ["bob"])
    (tmp_path / "go").touch()
    await eventually(lambda: case.fabu.item("first"), wanted=lambda item: item["status"] == "done")
    assert (await case.fabu.item("second"))["status"] == "todo"
    assert "schedule_fired" not in (await case.fabu.events())[(await case.fabu.events()).index("form_reverted") :]
    assert "“Second” is running" in await case.alice.says("execute 1 second")


async def test_a_click_on_replan_in_the_message_leads_to_a_new_form(case: FeishuOffice) -> None:
    form = await approved(case, step("notes"))
    await revoke(case, form)
    message = await case.dave.sees(REVOKED)
    assert "planning" in await case.dave.clicks("Replan", message)
    await case.fabu.until_status("planning")
    assert not (await case.fabu.plan())["approval"]["stages"][0]["revoked"]
    await tell_revoked(case, form)
    await case.alice.says("submit 1")
    again = await case.form(1)
    await case.platform.decide("ou_bob", again.instance_code, "APPROVED")
    await case.fabu.until_status("executing")


async def test_a_form_that_is_revoked_while_its_plan_executes_is_seen_without_an_event(asking: FeishuOffice) -> None:
    await asking.fabu.submitted(step("notes"), stages=[by_form("QA", "bob")])
    form = await asking.form()
    asking.feishu.approvals.decide(form.instance_code, "ou_bob", "APPROVED")
    await asking.fabu.until_status("executing")
    asking.feishu.approvals.revert(form.instance_code)
    await asking.alice.sees(REVOKED)
    assert await asking.fabu.status() == "executing"


async def test_after_the_end_there_is_an_entry_and_a_message_alone(case: FeishuOffice) -> None:
    form = await approved(case, step("notes"))
    await case.alice.says("execute 1 notes")
    await case.fabu.until_status("success")
    await revoke(case, form)
    for person in (case.alice, case.dave):
        card = await person.sees(REVOKED)
        assert not person.offers(card, "Replan")
        assert HELD not in person.read(card)
    assert await case.fabu.status() == "success"
    assert (await case.fabu.events())[-1] == "form_reverted"
