from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from adapters.feishu.approval_forms import FeishuForms
from adapters.feishu.client import FeishuClient
from core.errors import DeliveryError
from core.messages import Message
from core.plan import Decision, Rule
from core.ports.approval_forms import ApprovalForms, FormOrder, FormReturn, FormState, FormStatus, FormTransfer
from tests.simulators.feishu import FeishuSimulator

ORDER = FormOrder(
    key="plan-1-0",
    plan_id="plan",
    plan_number=7,
    title="#7 Shop",
    lines=(("Manager", "Carol"), ("Items", "1. backup\n2. deploy")),
    url="https://fabu.example/plans/7",
    submitter="ou_carol",
    approvers=("ou_alice", "ou_bob"),
)


@pytest.fixture
def forms(client: FeishuClient) -> ApprovalForms:
    return FeishuForms(client)


async def test_a_form_shows_the_plan_and_is_submitted_once(feishu: FeishuSimulator, forms: ApprovalForms) -> None:
    form = await forms.start(ORDER)
    assert await forms.start(ORDER) == form
    (instance,) = feishu.approvals.instances.values()
    assert (instance.open_id, instance.title, instance.uuid) == ("ou_carol", "#7 Shop", "plan-1-0")
    (text,) = instance.form
    assert text["value"] == "Manager: Carol\nItems: 1. backup\n2. deploy\nhttps://fabu.example/plans/7"
    assert feishu.approvals.subscribed == set(feishu.approvals.definitions)
    assert len(feishu.approvals.definitions) == 1


async def test_votes_are_told_in_order_with_their_comments(feishu: FeishuSimulator, forms: ApprovalForms) -> None:
    form = await forms.start(ORDER)
    assert await forms.state(form) == FormState(FormStatus.OPEN, voters=("ou_alice", "ou_bob"))
    feishu.approvals.decide(form, "ou_bob", "APPROVED", "fine")
    feishu.clock.advance(60)
    feishu.approvals.decide(form, "ou_alice", "REJECTED", "too risky")
    state = await forms.state(form)
    assert state.status is FormStatus.REJECTED
    assert [(vote.user, vote.decision, vote.comment) for vote in state.votes] == [
        ("ou_bob", Decision.APPROVE, "fine"),
        ("ou_alice", Decision.REJECT, "too risky"),
    ]
    first, second = (vote.at for vote in state.votes)
    assert first is not None
    assert second is not None
    assert (second - first).total_seconds() == pytest.approx(60, abs=5)


@pytest.mark.parametrize(("rule", "votes"), [("any", 1), ("all", 2), (2, 2), (1, 2)])
async def test_the_rule_says_how_many_decide(
    feishu: FeishuSimulator, forms: ApprovalForms, rule: Any, votes: int
) -> None:
    form = await forms.start(replace(ORDER, rule=rule))
    for user in ORDER.approvers[:votes]:
        assert (await forms.state(form)).status is FormStatus.OPEN
        feishu.approvals.decide(form, user, "APPROVED")
    state = await forms.state(form)
    assert state.status is FormStatus.APPROVED
    assert len(state.votes) == votes, "whom nobody asked any more has not voted"


async def test_each_kind_of_step_has_one_definition(feishu: FeishuSimulator, forms: ApprovalForms) -> None:
    rules: list[Rule] = ["any", "all", "any", 2]
    for number, rule in enumerate(rules):
        await forms.start(replace(ORDER, key=f"k{number}", rule=rule))
    kinds = [one["node_list"][1]["node_type"] for one in feishu.approvals.definitions.values()]
    assert kinds == ["OR", "AND"]


async def test_a_handed_over_task_is_decided_by_who_got_it(feishu: FeishuSimulator, forms: ApprovalForms) -> None:
    form = await forms.start(ORDER)
    feishu.approvals.transfer(form, "ou_bob", "ou_dave")
    feishu.approvals.decide(form, "ou_dave", "APPROVED")
    assert [vote.user for vote in (await forms.state(form)).votes] == ["ou_dave"]


async def test_what_feishu_decides_by_itself_is_nobodys_vote(feishu: FeishuSimulator, forms: ApprovalForms) -> None:
    form = await forms.start(ORDER)
    feishu.approvals.instances[form].task_of("ou_bob").open_id = ""
    feishu.approvals.decide(form, "", "APPROVED")
    assert (await forms.state(form)).votes == ()


@pytest.mark.parametrize(
    ("status", "reason"),
    [("CANCELED", "withdrawn"), ("DELETED", "deleted"), ("OVERTIME_CLOSE", "expired")],
)
async def test_a_form_may_end_without_a_decision(
    feishu: FeishuSimulator, forms: ApprovalForms, status: str, reason: str
) -> None:
    form = await forms.start(ORDER)
    feishu.approvals.end(form, status)
    state = await forms.state(form)
    assert (state.status, state.votes, state.reason) == (FormStatus.ENDED, (), Message(reason))


@pytest.mark.parametrize("by_status", [True, False])
async def test_an_approved_form_may_be_revoked(feishu: FeishuSimulator, forms: ApprovalForms, by_status: bool) -> None:
    form = await forms.start(replace(ORDER, rule="any"))
    feishu.approvals.decide(form, "ou_bob", "APPROVED")
    if by_status:
        feishu.approvals.end(form, "REVERTED")
    else:
        feishu.approvals.revert(form)
    assert (await forms.state(form)).status is FormStatus.REVERTED


@pytest.mark.parametrize("field", ["open_id_list", "open_id"])
async def test_who_got_a_task_is_in_the_entry_of_the_transfer(
    feishu: FeishuSimulator, forms: ApprovalForms, field: str
) -> None:
    form = await forms.start(ORDER)
    feishu.approvals.transfer(form, "ou_bob", "ou_dave")
    [entry] = feishu.approvals.instances[form].timeline
    entry |= {"ext": json.dumps({field: json.loads(entry["ext"])[field]})}
    assert (await forms.state(form)).transfers == (FormTransfer("ou_bob", "ou_dave"),)
    for nobody in ("", "{", "[]", None, '{"open_id": "ou_bob"}', '{"open_id_list": null}'):
        entry |= {"ext": nobody}
        assert (await forms.state(form)).transfers == ()


async def test_the_last_return_counts(feishu: FeishuSimulator, forms: ApprovalForms) -> None:
    form = await forms.start(ORDER)
    assert (await forms.state(form)).returned is None
    feishu.approvals.roll_back(form, "ou_bob", "no plan B")
    assert (await forms.state(form)).returned == FormReturn("ou_bob", "no plan B")


async def test_a_comment_is_added_once_and_fits(feishu: FeishuSimulator, forms: ApprovalForms) -> None:
    form = await forms.start(ORDER)
    for text in ("one", "one", "x" * 5000):
        await forms.comment(form, text)
    first, second = feishu.approvals.instances[form].comments
    assert first == ("ou_carol", "one")
    assert len(second[1]) <= 1000
    await forms.comment("unknown", "nobody reads it")


async def test_a_form_is_withdrawn_unless_it_is_over(feishu: FeishuSimulator, forms: ApprovalForms) -> None:
    form = await forms.start(ORDER)
    await forms.cancel(form)
    await forms.cancel(form)
    assert feishu.approvals.instances[form].status == "CANCELED"
    assert len(feishu.calls_to("instance.cancel")) == 1


async def test_a_form_is_found_by_its_key(feishu: FeishuSimulator, forms: ApprovalForms) -> None:
    form = await forms.start(ORDER)
    assert await forms.find(ORDER.key) == form
    assert await forms.find("another-key") == ""


def definition(widget: str, *steps: dict[str, Any]) -> dict[str, Any]:
    widgets = [{"id": "w0", "type": "date", "name": "when"}, {"id": "w1", "type": widget, "name": "what"}]
    content = json.dumps(widgets)
    return {
        "approval_name": "@i18n@name",
        "form": {"form_content": content},
        "node_list": [{"id": "START"}, *steps, {"id": "END"}],
    }


FREE = [{"type": "Free"}]
BOSS = {"id": "boss", "node_type": "AND", "approver": [{"type": "Personal", "user_id": "ou_boss"}]}


async def test_the_definition_of_the_settings_is_filled_in(feishu: FeishuSimulator, client: FeishuClient) -> None:
    step = {"id": "n1", "node_type": "AND", "approver": FREE}
    code = await client.create_definition(definition("input", BOSS, step))
    form = await FeishuForms(client, code).start(ORDER)
    instance = feishu.approvals.instances[form]
    assert instance.approval_code == code
    assert [one["id"] for one in instance.form] == ["w1"]
    assert instance.approvers == {"n1": ["ou_alice", "ou_bob"]}


async def test_a_definition_that_does_not_suit_is_told(client: FeishuClient) -> None:
    step = {"id": "n1", "node_type": "OR", "approver": FREE}
    lax = FeishuForms(client, await client.create_definition(definition("input", step)))
    with pytest.raises(DeliveryError, match="lets one approver decide"):
        await lax.start(ORDER)
    await lax.start(replace(ORDER, rule="any"))
    fixed = FeishuForms(client, await client.create_definition(definition("input", BOSS)))
    with pytest.raises(DeliveryError, match="whose approvers the sender chooses"):
        await fixed.start(ORDER)
    textless = FeishuForms(client, await client.create_definition(definition("number", step)))
    with pytest.raises(DeliveryError, match="needs a text field"):
        await textless.start(ORDER)
