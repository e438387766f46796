"""The adapter with the real engine, dispatch and card keeping behind it: a release in DingTalk from plan to end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from adapters.common.system import SystemIds
from adapters.dingtalk.settings import DingTalkSettings
from adapters.store.open import open_store
from bot.chat.dispatch import Dispatch
from bot.i18n import Locale
from bot.outbox.cards import CardSync
from bot.outbox.worker import Courier, Couriers, DeliveryWorker, patient
from bot.people.identities import Identities
from core import commands as c
from core.chat import Handler, Inbound, Reply
from core.context import Environment, Policy
from core.draft import PlanDraft
from core.effects import DestinationKind
from core.engine import Engine
from core.people import Directory, Person
from core.plan import Plan
from core.ports.store import Store
from core.status import ItemStatus, PlanStatus
from tests.simulators.dingtalk import Card, DingTalkSimulator

from .serving import Mode, Served, SimulatorClock, serving

PEOPLE = {
    "alice": Person("alice", "Alice", dingtalk="alice"),
    "bob": Person("bob", "Bob", phone="13800000002"),
    "carol": Person("carol", "Carol", dingtalk="carol"),
}
DRAFT = PlanDraft.model_validate(
    {
        "name": "支付服务",
        "manager": "alice",
        "approval": {"stages": [{"name": "QA", "channel": "dingtalk", "approvers": ["bob"]}]},
        "items": [{"key": k, "name": k.title(), "type": "text", "content": "by hand"} for k in ("notes", "smoke")],
    }
)
LOCALE = Locale("en", "UTC")


@dataclass
class Release:
    """One plan, and the people around it."""

    ding: DingTalkSimulator
    served: Served
    store: Store
    plan_id: str

    async def plan(self) -> Plan:
        return await self.store.read(lambda reading: reading.plans.get(self.plan_id, whole=True))

    async def card(self, chat: str, status: str) -> Card:
        """Wait for the newest card of a chat to show a status."""
        return await self.ding.until(
            lambda: next((card for card in self.ding.cards(chat)[-1:] if card.params["status"] == status), None)
        )

    def note(self, card: Card, user: str) -> str:
        return self.ding.vars_of(card, user).get("note", "")


@pytest.fixture(params=["http", "stream"])
async def release(
    request: pytest.FixtureRequest, ding: DingTalkSimulator, settings: DingTalkSettings
) -> AsyncIterator[Release]:
    mode: Mode = request.param
    ding.add_user("bob", "13800000002")
    ding.add_user("carol")
    ding.add_group("cid1", "alice", "bob", "carol")
    clock, ids, handlers = SimulatorClock(ding), SystemIds(), list[Handler]()

    async def handler(inbound: Inbound) -> Reply:
        return await handlers[0](inbound)

    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(serving(ding, settings, handler, mode))
        store = open_store("memory://", bytes(32), clock)
        stack.push_async_callback(store.close)
        await store.write(lambda writing: writing.people.put(list(PEOPLE.values()), []))
        environment = Environment(Policy(destinations=("dingtalk",)), Directory(PEOPLE, {}))
        engine = Engine(store, clock, ids, environment, b"key")
        messengers = {"dingtalk": served.messenger}
        identities = Identities(store, engine, clock, messengers)
        handlers.append(Dispatch(engine, store, identities, clock, ids, locale=LOCALE, public_url=served.url))
        sync = CardSync(
            served.messenger, "cid1", store, engine, identities, clock, ids, LOCALE, served.url, ("dingtalk",)
        )
        couriers: Couriers = {DestinationKind.CHAT: Courier(sync.deliver, patient)}
        worker = DeliveryWorker(store, clock, couriers, engine)
        engine.listen(lambda _: worker.wake())
        worker.start()
        stack.push_async_callback(worker.stop)
        command = c.Create(plan_id=ids.new(), draft=DRAFT)
        await engine.execute(command, engine.directory.actor("alice", "api"))
        yield Release(ding, served, store, command.plan_id)


async def test_a_release_from_plan_to_end(release: Release) -> None:
    ding = release.ding
    await ding.say("alice", "提交 1")
    (answer,) = ding.cards("alice")
    assert answer.params["status"] == "waiting for approval"
    asked = await release.card("bob", "waiting for approval")
    await ding.click("bob", asked, "approve", "可以发布")
    assert "now: executing" in release.note(asked, "bob")
    group = await release.card("cid1", "executing")
    assert (group.params["item"], group.params["show_execute"]) == ("▫️ 1. Notes · to do", "true")
    await ding.click("alice", group, "execute", "已通知")
    assert "“Notes” is done" in release.note(group, "alice")
    await ding.until(lambda: group.params["item"].startswith("▫️ 2. Smoke") or None)
    await ding.say("alice", "完成 1 smoke 正常", group="cid1")
    group = await release.card("cid1", "successful")
    assert (group.params["status_color"], group.params["show_execute"], group.params["item"]) == ("green", "false", "")
    plan = await release.plan()
    assert plan.status is PlanStatus.SUCCESS
    assert [item.remark for item in plan.items.values()] == ["已通知", "正常"]
    assert [(vote.person, vote.comment) for vote in plan.votes] == [("bob", "可以发布")]


async def test_who_may_not_approve_is_told_alone_and_nothing_happens(release: Release) -> None:
    await release.ding.say("alice", "提交 1")
    card = await release.card("cid1", "waiting for approval")
    await release.ding.click("carol", card, "approve")
    assert "You are not an approver" in release.note(card, "carol")
    assert release.note(card, "bob") == release.note(card, "alice") == ""
    assert (await release.plan()).votes == ()


async def test_claims_in_a_click_give_no_right(release: Release) -> None:
    await release.ding.say("alice", "提交 1")
    card = await release.card("cid1", "waiting for approval")
    claims = {"ref": card.params["ref"], "text": "", "userId": "bob", "person": "bob", "approver": "bob"}
    await release.ding.click_raw("carol", card.out_track_id, ["approve"], claims)
    await release.ding.click_raw("nobody", card.out_track_id, ["approve"], claims)
    assert (await release.plan()).votes == ()


async def test_a_double_click_counts_once(release: Release) -> None:
    await release.ding.say("alice", "提交 1")
    card = await release.card("cid1", "waiting for approval")
    params = {"ref": card.params["ref"], "text": ""}
    answers = [await release.ding.click_raw("bob", card.out_track_id, ["approve"], params) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert len((await release.plan()).votes) == 1


async def test_a_click_on_an_outdated_card_shows_the_plan_as_it_is(release: Release) -> None:
    ding = release.ding
    await ding.say("alice", "提交 1")
    (answer,) = ding.cards("alice")
    old = answer.params["ref"]
    await ding.say("alice", "撤回 1")
    await release.card("cid1", "planning")
    await ding.click("alice", answer, "replan")
    assert "out of date" in release.note(answer, "alice")
    assert (answer.params["status"], answer.params["show_submit"]) == ("planning", "true")
    assert answer.params["ref"] != old
    assert (await release.plan()).status is PlanStatus.PLANNING


async def test_what_must_have_a_reason_asks_for_it(release: Release) -> None:
    await release.ding.say("alice", "提交 1")
    card = await release.card("cid1", "waiting for approval")
    await release.ding.click("bob", card, "reject")
    assert "reason" in release.note(card, "bob")
    await release.ding.click("bob", card, "reject", "缺少回滚方案")
    assert (await release.plan()).status is PlanStatus.DENIED


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("列表", "#1 支付服务"),
        ("帮助", "驳回 拒绝"),
        ("查看 9", "There is no plan 9"),
        ("aprove 1", "Did you mean `approve`"),
    ],
)
async def test_commands(release: Release, text: str, answer: str) -> None:
    await release.ding.say("bob", text)
    (message,) = release.ding.robot_messages("bob")
    assert answer in message.text


async def test_new_plans_are_started_by_a_line(release: Release) -> None:
    await release.ding.say("bob", "新建 订单服务")
    (card,) = release.ding.cards("bob")
    assert (card.params["title"], card.params["show_submit"]) == ("#2 订单服务", "true")
    assert "started" in release.note(card, "bob")


async def test_somebody_unknown_is_told_what_to_do(release: Release) -> None:
    release.ding.add_user("eve", "13999999999")
    await release.ding.say("eve", "批准 1")
    (message,) = release.ding.robot_messages("eve")
    assert "Ask an administrator to add dingtalk user eve" in message.text


async def test_an_outage_of_dingtalk_delays_cards_and_loses_nothing(release: Release) -> None:
    ding = release.ding
    ding.fail("card.create", 2, status=503)
    await ding.say("alice", "列表")
    await ding.say("alice", "提交 1", group="cid1")
    await release.card("cid1", "waiting for approval")
    assert (await release.plan()).status is PlanStatus.WAIT_FOR_APPROVAL


async def test_the_same_button_can_be_pressed_again_later(release: Release) -> None:
    ding = release.ding
    await ding.say("alice", "提交 1")
    await ding.click("bob", await release.card("bob", "waiting for approval"), "approve")
    card = await release.card("cid1", "executing")
    await ding.click("alice", card, "skip")
    assert "reason" in release.note(card, "alice")
    ding.clock.advance(1)
    await ding.click("alice", card, "skip", "不需要")
    assert [item.status for item in (await release.plan()).items.values()] == [ItemStatus.SKIPPED, ItemStatus.TODO]
