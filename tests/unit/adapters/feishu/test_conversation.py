"""From a click or a message in Feishu through the engine to the cards, over real HTTP and the long connection."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from core import commands as c
from core.plan import Channel, Plan
from core.status import PlanStatus
from tests.simulators.feishu import FeishuSimulator, Message
from tests.simulators.feishu_cards import buttons, elements, text_of

from .app import listening
from .fabu import Fabu, fabu

BY_BOB: dict[str, Any] = {"approvers": ["bob"], "channel": Channel.FEISHU}


@pytest.fixture(autouse=True)
def more_people(feishu: FeishuSimulator) -> None:
    feishu.add_user("ou_carol", email="carol@example.com")
    feishu.add_user("ou_dave")


def card_of(feishu: FeishuSimulator, chat_or_user: str) -> Message:
    (card,) = feishu.cards_in(chat_or_user)
    return card


async def last_entries(bot: Fabu, plan: Plan) -> list[str]:
    entries = await bot.store.read(lambda reading: reading.log.of_plan(plan.id))
    return [entry.event for entry in entries]


@pytest.mark.parametrize("mode", ["http", "long_connection"])
async def test_an_approval_card_is_decided_in_the_chat(
    feishu: FeishuSimulator, mode: Literal["http", "long_connection"]
) -> None:
    async with fabu(feishu) as bot, listening(feishu, bot.dispatch, mode) as platform:
        plan = await bot.submitted(BY_BOB)
        answer = await platform.click("ou_bob", card_of(feishu, "ou_bob"), "Approve")
        assert answer.body["toast"]["type"] == "success"
        assert await bot.status(plan) is PlanStatus.EXECUTING
        await bot.idle()
        assert "executing" in text_of(card_of(feishu, "oc_ops").content)


async def test_a_rejection_needs_a_reason(feishu: FeishuSimulator) -> None:
    async with fabu(feishu) as bot, listening(feishu, bot.dispatch) as platform:
        plan = await bot.submitted(BY_BOB)
        card = card_of(feishu, "ou_bob")
        answer = await platform.click("ou_bob", card, "Reject")
        assert answer.body["toast"]["type"] == "error"
        assert "say why" in answer.toast
        assert await bot.status(plan) is PlanStatus.WAIT_FOR_APPROVAL
        (name,) = (one["name"] for one, _ in elements(card.content) if one["tag"] == "input")
        await platform.click("ou_bob", card, "Reject", {name: "no rollback"})
        assert (await bot.plan(plan.id)).reason == "no rollback"
        assert await bot.status(plan) is PlanStatus.DENIED


async def test_who_is_no_approver_cannot_approve_whatever_the_card_says(feishu: FeishuSimulator) -> None:
    async with fabu(feishu) as bot, listening(feishu, bot.dispatch) as platform:
        plan = await bot.submitted(BY_BOB)
        card = card_of(feishu, "oc_ops")
        assert "not an approver" in (await platform.click("ou_dave", card, "Approve")).toast
        value = {"verb": "approve", "ref": plan.ref, "user": "ou_bob", "open_id": "ou_bob"}
        forged = await platform.click_raw("ou_dave", card, {"value": value, "form_value": {"user_1": "ou_bob"}})
        assert "not an approver" in forged.toast
        assert "does not know you" in (await platform.click("ou_stranger", card, "Approve")).toast
        assert await bot.status(plan) is PlanStatus.WAIT_FOR_APPROVAL
        assert (await last_entries(bot, plan)).count("refused") == 2


async def test_somebody_is_recognised_by_the_address_that_feishu_confirms(feishu: FeishuSimulator) -> None:
    async with fabu(feishu) as bot, listening(feishu, bot.dispatch) as platform:
        plan = await bot.submitted({"approvers": ["carol"], "channel": "feishu"})
        await platform.click("ou_carol", card_of(feishu, "ou_carol"), "Approve")
        assert await bot.status(plan) is PlanStatus.EXECUTING


async def test_a_click_that_is_delivered_twice_counts_once(feishu: FeishuSimulator) -> None:
    async with fabu(feishu) as bot, listening(feishu, bot.dispatch) as platform:
        plan = await bot.submitted({"approvers": ["bob", "carol"], "channel": "feishu"})
        answer = await platform.click("ou_bob", card_of(feishu, "ou_bob"), "Approve")
        again = await platform.push(answer.envelope)
        assert "done already" in again.toast
        assert len((await bot.plan(plan.id)).votes) == 1


async def test_a_card_of_an_earlier_revision_is_replaced_and_decides_nothing(feishu: FeishuSimulator) -> None:
    async with fabu(feishu) as bot, listening(feishu, bot.dispatch) as platform:
        plan = await bot.submitted(BY_BOB)
        old = feishu.add_message("oc_ops", "ou_bot", "interactive", card_of(feishu, "oc_ops").content)
        await bot.do(c.Replan(plan_id=plan.id))
        await bot.do(c.Submit(plan_id=plan.id))
        answer = await platform.click("ou_bob", old, "Approve")
        assert "out of date" in answer.toast
        assert await bot.status(plan) is PlanStatus.WAIT_FOR_APPROVAL
        present = await bot.plan(plan.id)
        values = [one.value for one in buttons(old.content) if one.text == "Approve"]
        assert values == [{"verb": "approve", "ref": present.ref}]


async def test_a_plan_is_started_by_a_card_and_shown_by_a_command(feishu: FeishuSimulator) -> None:
    async with fabu(feishu) as bot, listening(feishu, bot.dispatch) as platform:
        await platform.write("ou_alice", "new")
        await feishu.until(lambda: feishu.cards_in("ou_alice"))
        form = card_of(feishu, "ou_alice")
        names = [one["name"] for one, _ in elements(form.content) if one["tag"] == "input"]
        filled = dict(zip(names, ["Shop", "", "bob", "", "backup\ndeploy"], strict=True))
        wrong = await platform.click("ou_alice", form, "Create", filled | {names[3]: "soon"})
        assert wrong.body["toast"]["type"] == "error"
        assert wrong.card is None, "what was typed stays"
        created = await platform.click("ou_alice", form, "Create", filled)
        assert created.card is not None
        assert "#1 Shop" in text_of(created.card)
        await platform.write("ou_alice", "show 1", "oc_ops")
        shown = await feishu.until(lambda: feishu.cards_in("oc_ops"))
        assert "2. deploy" in text_of(shown[-1].content)


async def test_a_sign_in_link_is_given_alone_and_never_shown_to_a_group(feishu: FeishuSimulator) -> None:
    async with fabu(feishu) as bot, listening(feishu, bot.dispatch) as platform:
        await platform.write("ou_alice", "web", "oc_ops")
        await feishu.until(lambda: feishu.messages_in("ou_alice"))
        await platform.write("ou_alice", "web")
        _, link = await feishu.until(lambda: feishu.messages_in("ou_alice")[1:] and feishu.messages_in("ou_alice"))
    assert "https://fabu.example/sign-in/" in link.text
    assert feishu.messages_in("oc_ops") == []


async def test_the_name_of_a_plan_mentions_nobody(feishu: FeishuSimulator) -> None:
    async with fabu(feishu) as bot:
        await bot.submitted(BY_BOB, name="<at id=all></at> ship")
    shown = card_of(feishu, "oc_ops").content
    assert shown["header"]["title"] == {"tag": "plain_text", "content": "#1 <at id=all></at> ship"}
    assert not any("<at" in one["content"] for one, _ in elements(shown) if one["tag"] == "markdown")


async def test_a_card_that_has_grown_old_is_posted_anew(feishu: FeishuSimulator) -> None:
    async with fabu(feishu) as bot:
        plan = await bot.submitted(BY_BOB)
        feishu.clock.advance(15 * 24 * 3600)
        await bot.do(c.Cancel(plan_id=plan.id))
        await bot.idle()
    old, new = feishu.cards_in("oc_ops")
    assert "waiting for approval" in text_of(old.content)
    assert "cancelled" in text_of(new.content)
