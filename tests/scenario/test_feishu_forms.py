"""Stages that are decided in Feishu's own approval form, followed by its events and by asking."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.common.system import SystemClock
from adapters.feishu.client import FeishuClient
from bot import app
from config.settings import Settings
from tests.scenario.feishu_case import (
    Office,
    by_form,
    in_feishu,
    known_people,
    office,
    platform_of,
    section_for,
    shows,
)
from tests.scenario.office import PATIENCE, eventually, opened, step, written_for
from tests.scenario.process import serving
from tests.simulators.feishu_platform import FeishuPlatform
from tests.unit.adapters.feishu.app import section_of
from tests.unit.adapters.feishu.test_approval_calls import definition

ENDS = {
    "CANCELED": "The approval form was withdrawn.",
    "DELETED": "The approval form was deleted.",
    "REVERTED": "The approval form was reverted.",
    "OVERTIME_CLOSE": "The approval form was expired.",
}


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as opened:
        yield opened


@pytest.fixture(params=["http", "long_connection"])
async def either(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """An office where the app is reached in either way."""
    async with office(tmp_path, mode=request.param) as opened:
        yield opened


@pytest.fixture
async def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """An office where Fabu asks after forms all the time, and Feishu tells nothing by itself."""
    monkeypatch.setattr(app, "POLL", 0.1)
    async with office(tmp_path) as opened:
        yield opened


async def votes(case: Office) -> list[tuple[str, str, str]]:
    stages = (await case.fabu.plan())["approval"]["stages"]
    return [(vote["person"], vote["decision"], vote["comment"]) for stage in stages for vote in stage["votes"]]


async def test_a_form_is_decided_in_feishu_and_a_card_decides_the_next_stage(either: Office) -> None:
    await either.fabu.submitted(stages=[by_form("QA", "bob", "carol"), in_feishu("Operations", "dave")])
    form = await either.form()
    assert (form.open_id, form.approvers) == ("ou_alice", {"approvers": ["ou_bob", "ou_carol"]})
    assert form.uuid
    assert form.title == "#1 Payments 2.4"
    assert "decided in the approval form" in await either.bob.says("approve 1")
    assert either.bob.cards == [], "it is the form that asks them"

    told = await either.platform.decide("ou_bob", form.instance_code, "APPROVED", "fine")
    told += await either.platform.decide("ou_carol", form.instance_code, "APPROVED")
    assert [(answer.status, answer.body) for answer in told] == [(200, {})] * 3
    await either.dave.clicks("Approve")
    assert await either.fabu.status() == "executing"
    assert await votes(either) == [("bob", "approve", "fine"), ("carol", "approve", ""), ("dave", "approve", "")]
    await either.group_card("executing", "👍 Bob", "👍 Carol", "👍 Dave")


async def test_a_form_is_followed_without_any_event(asking: Office) -> None:
    await asking.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await asking.form()
    asking.feishu.approvals.decide(form.instance_code, "ou_bob", "APPROVED")
    await asking.group_card("👍 Bob")
    assert await asking.fabu.status() == "wait_for_approval"
    asking.feishu.approvals.decide(form.instance_code, "ou_carol", "APPROVED")
    await asking.fabu.until_status("executing")
    assert (await asking.fabu.events()).count("voted") == 2


async def test_a_rejection_tells_why(case: Office) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    await case.platform.decide("ou_carol", form.instance_code, "REJECTED", "没有回滚方案")
    await case.group_card("rejected", "没有回滚方案")
    assert await votes(case) == [("carol", "reject", "没有回滚方案")]


@pytest.mark.parametrize("verb", ["cancel", "replan"])
async def test_a_form_is_withdrawn_when_its_plan_is(case: Office, verb: str) -> None:
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
async def test_a_form_that_ends_undecided_frees_its_plan(either: Office, status: str) -> None:
    await either.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await either.form()
    either.feishu.approvals.end(form.instance_code, status)
    await either.platform.push_approval("approval_instance", form.instance_code, {"status": status, "operate_time": 1})
    await either.fabu.until_status("denied")
    await either.group_card(ENDS[status])
    await either.alice.says("replan 1")
    await either.alice.says("submit 1")
    again = await either.form(1)
    await either.platform.decide("ou_bob", again.instance_code, "APPROVED")
    await either.fabu.until_status("executing")


async def test_a_form_that_feishu_has_lost_frees_its_plan(asking: Office) -> None:
    await asking.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await asking.form()
    del asking.feishu.approvals.instances[form.instance_code]
    await asking.fabu.until_status("denied")
    await asking.group_card("The approval form was deleted.")


async def test_a_form_that_is_open_again_is_waited_for(asking: Office) -> None:
    await asking.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await asking.form()
    form.status = "OVERTIME_RECOVER"
    asked = len(asking.feishu.calls_to("instance.get"))
    await asking.alice.until(lambda: len(asking.feishu.calls_to("instance.get")) > asked + 1)
    assert await asking.fabu.status() == "wait_for_approval"
    asking.feishu.approvals.decide(form.instance_code, "ou_bob", "APPROVED")
    await asking.fabu.until_status("executing")


async def test_what_is_reverted_after_the_approval_changes_nothing(case: Office) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    form = await case.form()
    await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
    await case.fabu.until_status("executing")
    case.feishu.approvals.end(form.instance_code, "REVERTED")
    answer = await case.platform.push_approval("approval_instance", form.instance_code, {"status": "REVERTED"})
    assert answer.status == 200
    assert "successful" in await case.alice.says("execute 1 notes")


async def test_the_vote_of_somebody_else_does_not_count(case: Office) -> None:
    await case.fabu.submitted(stages=[by_form("QA", "bob", "carol")])
    form = await case.form()
    case.feishu.approvals.transfer(form.instance_code, "ou_bob", "ou_dave")
    await case.platform.decide("ou_dave", form.instance_code, "APPROVED")
    await case.platform.decide("ou_carol", form.instance_code, "APPROVED")
    await case.fabu.until_status("denied")
    assert await votes(case) == [("carol", "approve", "")]
    await case.group_card("these votes do not count", "Dave")


async def test_a_start_whose_answer_is_lost_submits_one_form(case: Office) -> None:
    case.feishu.fail("instance.create", status=502, applied=True)
    await case.fabu.submitted(step("notes"), stages=[by_form("QA", "bob")])
    form = await case.form()
    assert list(case.feishu.approvals.instances) == [form.instance_code]
    await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
    await case.fabu.until_status("executing")


async def test_after_a_kill_the_same_form_is_followed(tmp_path: Path) -> None:
    async with platform_of() as feishu:
        written = written_for(tmp_path, known_people(), feishu=section_for(feishu, mode="long_connection"))
        settings = Settings.model_validate(written)
        async with opened(settings) as fabu:
            draft = await fabu.draft(stages=[by_form("QA", "bob")])
        feishu.fail("instance.create", how="hang", applied=True)
        async with serving(written):
            await feishu.until(lambda: feishu.sockets.open, PATIENCE)
            await FeishuPlatform(feishu).write("ou_alice", f"submit {draft['number']}")
            await feishu.until(lambda: feishu.approvals.instances, PATIENCE)
        async with opened(settings) as fabu:
            await feishu.until(lambda: feishu.sockets.open, PATIENCE)
            case = Office(fabu, feishu, FeishuPlatform(feishu))
            form = await case.form()
            await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
            await fabu.until_status("executing")
        assert list(feishu.approvals.instances) == [form.instance_code]


async def test_the_definition_of_the_settings_is_used_and_subscribed_to_once(tmp_path: Path) -> None:
    async with platform_of() as feishu:
        own = await FeishuClient(section_of(feishu), SystemClock()).create_definition(definition())
        written = written_for(tmp_path, known_people(), feishu=section_for(feishu, approval_code=own))
        async with opened(Settings.model_validate(written)) as fabu:
            case = Office(fabu, feishu, FeishuPlatform(feishu, f"{fabu.url}/feishu/events"))
            for number in range(2):
                await fabu.submitted(stages=[by_form("QA", "bob")])
                await eventually(fabu.events, number + 1, wanted=lambda events: "form_linked" in events)
                form = list(feishu.approvals.instances.values())[number]
                assert form.approval_code == own
                await case.platform.decide("ou_bob", form.instance_code, "APPROVED")
                await fabu.until_status("executing", number + 1)
            assert len(feishu.calls_to("approval.create")) == 1, "that of the administrator"
            assert len(feishu.calls_to("approval.subscribe")) == 1


async def test_a_form_that_cannot_be_opened_is_told_and_frees_its_plan(case: Office) -> None:
    case.feishu.fail("approval.create", status=400, body={"code": 1390001, "msg": "param is invalid"})
    await case.fabu.submitted(stages=[by_form("QA", "bob")])
    await case.fabu.until_status("denied")
    card = await case.group_card("The approval form could not be opened")
    assert shows(card, "param is invalid")
