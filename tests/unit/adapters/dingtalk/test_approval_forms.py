from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.dingtalk.approval_forms import LOOK_BACK, DingTalkForms
from adapters.dingtalk.client import DingTalkClient
from adapters.dingtalk.connection import StreamClient
from adapters.dingtalk.settings import DingTalkSettings
from core.errors import DeliveryError
from core.messages import Message
from core.plan import Decision, Rule
from core.ports.approval_forms import FormOrder, FormReturn, FormState, FormStatus, FormTransfer
from tests.clock import ManualClock
from tests.simulators.dingtalk import DingTalkSimulator

ORDER = FormOrder(
    "key-1", "plan", 12, "#12 支付服务", [("负责人", "Alice"), ("", "灰度发布"), ("发布项", "1. 通知\n2. 发布")],
    "https://fabu.example/plans/12", "alice", ["bob"],
)  # fmt: skip


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def forms(
    ding: DingTalkSimulator, settings: DingTalkSettings, client: DingTalkClient, clock: ManualClock
) -> AsyncIterator[DingTalkForms]:
    async def unheard(*_: object) -> dict[str, Any]:
        return {}

    ding.workflow.add_form("PROC-1", "发布计划", "发布内容", "链接", "编号")
    ding.add_user("carol")
    stream = StreamClient(settings, client.session, unheard)
    stream.start()
    await ding.until(lambda: ding.gateway.sockets)
    yield DingTalkForms(client, clock, "PROC-1")
    await stream.stop()


async def test_a_form_shows_the_plan_and_is_decided_with_a_comment(
    ding: DingTalkSimulator, forms: DingTalkForms
) -> None:
    form = await forms.start(ORDER)
    assert ding.workflow.processes[form].form == {
        "发布计划": "#12 支付服务",
        "发布内容": "负责人: Alice\n灰度发布\n发布项: 1. 通知\n2. 发布",
        "链接": "https://fabu.example/plans/12",
        "编号": "key-1",
    }
    assert await forms.state(form) == FormState(FormStatus.OPEN, voters=("bob",))
    await ding.workflow.decide(form, "bob", "agree", "可以发布")
    state = await forms.state(form)
    assert state.status is FormStatus.APPROVED
    (vote,) = state.votes
    assert (vote.user, vote.decision, vote.comment) == ("bob", Decision.APPROVE, "可以发布")
    assert vote.at == datetime.fromtimestamp(ding.clock.now() // 60 * 60, UTC)


@pytest.mark.parametrize("date", ["", "yesterday", "2026-11-24T08:00"])
async def test_a_time_that_tells_no_moment_is_left_out(
    ding: DingTalkSimulator, forms: DingTalkForms, date: str
) -> None:
    form = await forms.start(ORDER)
    await ding.workflow.decide(form, "bob", "agree")
    ding.workflow.processes[form].records[0]["date"] = date
    assert [vote.at for vote in (await forms.state(form)).votes] == [None]


async def test_a_refusal(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    form = await forms.start(ORDER)
    await ding.workflow.decide(form, "bob", "refuse", "缺少回滚方案")
    state = await forms.state(form)
    assert (state.status, state.votes[0].decision, state.votes[0].comment) == (
        FormStatus.REJECTED, Decision.REJECT, "缺少回滚方案",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("approvers", "rule", "action"),
    [
        (["bob"], "all", "NONE"),
        (["bob", "carol"], "any", "OR"),
        (["bob", "carol"], 1, "OR"),
        (["bob", "carol"], "all", "AND"),
        (["alice", "bob", "carol"], 2, "AND"),
    ],
)
async def test_who_decides(
    ding: DingTalkSimulator, forms: DingTalkForms, approvers: list[str], rule: Rule, action: str
) -> None:
    form = await forms.start(replace(ORDER, approvers=approvers, rule=rule))
    (step,) = ding.workflow.processes[form].steps
    assert (step.action_type, step.user_ids) == (action, approvers)


async def test_one_of_several_decides(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    form = await forms.start(replace(ORDER, approvers=["bob", "carol"], rule="any"))
    await ding.workflow.decide(form, "carol", "agree")
    state = await forms.state(form)
    assert (state.status, [vote.user for vote in state.votes]) == (FormStatus.APPROVED, ["carol"])


async def test_a_form_whose_answer_got_lost_is_found(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    ding.fail("workflow.start", how="close", applied=True)
    with pytest.raises(DeliveryError) as caught:
        await forms.start(ORDER)
    assert (caught.value.retryable, caught.value.sent) == (True, True)
    others = [await forms.start(replace(ORDER, key=f"other-{n}")) for n in range(25)]  # more than one page
    assert await forms.start(ORDER) == "proc-1"
    assert await forms.start(replace(ORDER, key="other-3")) == others[3]
    assert len(ding.workflow.processes) == 26


async def test_a_form_is_found_by_its_key_whoever_submitted_it(forms: DingTalkForms) -> None:
    await forms.start(replace(ORDER, key="other", submitter="carol"))
    form = await forms.start(replace(ORDER, submitter="bob"))
    assert await forms.find(ORDER.key) == form
    assert await forms.find("another-key") == ""


async def test_forms_are_looked_for_within_some_days(
    ding: DingTalkSimulator, forms: DingTalkForms, clock: ManualClock
) -> None:
    await forms.start(ORDER)
    clock.advance(LOOK_BACK + timedelta(hours=1))
    await forms.start(ORDER)
    assert len(ding.workflow.processes) == 2


async def test_a_withdrawn_form(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    form = await forms.start(ORDER)
    await forms.cancel(form)
    state = await forms.state(form)
    assert (state.status, state.votes, state.reason) == (FormStatus.ENDED, (), Message("withdrawn"))


async def test_a_form_that_another_one_revokes(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    form = await forms.start(ORDER)
    await ding.workflow.decide(form, "bob", "agree")
    await ding.workflow.revoke(form)
    assert (await forms.state(form)).status is FormStatus.REVERTED


@pytest.mark.parametrize(
    "change",
    [{"biz_action": "MODIFY"}, {"result": "refuse"}, {"status": "RUNNING", "result": ""}, {"status": "DELETED"}],
)
async def test_a_form_that_no_other_one_revokes(
    ding: DingTalkSimulator, forms: DingTalkForms, change: dict[str, str]
) -> None:
    form = await forms.start(ORDER)
    await ding.workflow.decide(form, "bob", "agree")
    await ding.workflow.revoke(form)
    [other] = ding.workflow.processes[form].attached
    for name, value in change.items():
        setattr(ding.workflow.processes[other], name, value)
    assert (await forms.state(form)).status is FormStatus.APPROVED


async def test_who_got_a_task_is_asked_after_all_others(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    form = await forms.start(replace(ORDER, approvers=["bob", "carol"]))
    await ding.workflow.append(form, "bob", "erin")
    await ding.workflow.redirect(form, "carol", "dave")
    await ding.workflow.redirect(form, "bob", "alice")
    state = await forms.state(form)
    assert state.transfers == (FormTransfer("carol", "dave"), FormTransfer("bob", "alice"))
    assert state.voters == ("bob", "carol", "erin", "dave", "alice")
    ding.workflow.processes[form].tasks.clear()
    assert (await forms.state(form)).transfers == ()


async def test_the_last_return_counts(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    form = await forms.start(ORDER)
    assert (await forms.state(form)).returned is None
    await ding.workflow.send_back(form, "bob", "没有回滚方案")
    assert (await forms.state(form)).returned == FormReturn("bob", "没有回滚方案")


async def test_a_comment_is_added_once(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    form = await forms.start(ORDER)
    for text in ("one", "one", "two"):
        await forms.comment(form, text)
    remarks = [(each["userId"], each["remark"]) for each in ding.workflow.processes[form].records]
    assert remarks == [("alice", "one"), ("alice", "two")]
    await forms.comment("unknown", "nobody reads it")
    await forms.cancel(form)
    assert len(ding.calls_to("workflow.terminate")) == 1


async def test_a_decided_form_is_left_alone(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    form = await forms.start(ORDER)
    await ding.workflow.decide(form, "bob", "agree")
    await forms.cancel(form)
    assert (await forms.state(form)).status is FormStatus.APPROVED


async def test_a_deleted_form(ding: DingTalkSimulator, forms: DingTalkForms) -> None:
    form = await forms.start(ORDER)
    del ding.workflow.processes[form]
    assert await forms.state(form) == FormState(FormStatus.ENDED, (), Message("deleted"))
    await forms.cancel(form)
    assert ding.calls_to("workflow.terminate") == []


@pytest.mark.parametrize(("status", "retryable"), [(503, True), (403, False)])
async def test_a_form_that_cannot_be_asked_after_is_not_over(
    ding: DingTalkSimulator, forms: DingTalkForms, status: int, retryable: bool
) -> None:
    form = await forms.start(ORDER)
    ding.fail("workflow.get", status=status, body={"code": "Forbidden", "message": "no permission"})
    with pytest.raises(DeliveryError) as caught:
        await forms.state(form)
    assert caught.value.retryable is retryable
