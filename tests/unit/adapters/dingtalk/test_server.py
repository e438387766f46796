from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from adapters.dingtalk.settings import DingTalkSettings
from core.card import Field, Form, State, Tone
from core.chat import Reply
from core.ports.messenger import Place
from tests.adapters import changed
from tests.simulators.dingtalk import Card, DingTalkSimulator
from tests.simulators.dingtalk_platform import card_headers, post, post_event, robot_headers
from tests.unit.adapters.bot import Bot

from .cards import APPROVE, REJECT, item, plan_card
from .serving import WORDS, Mode, Served, serving

CARD = plan_card(item(1), item(2, "execute", "skip"), buttons=(APPROVE, REJECT))
NEW = Form("new", "", "新建发布计划", "创建", (Field("名称", "name"),))
PATHS = ("robot", "card", "events")


@pytest.fixture
def bot() -> Bot:
    return Bot(Reply("好的"))


@pytest.fixture(params=["http", "stream"])
async def served(
    request: pytest.FixtureRequest, ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot
) -> AsyncIterator[Served]:
    mode: Mode = request.param
    async with serving(ding, settings, bot, mode) as served:
        yield served


async def posted(ding: DingTalkSimulator, served: Served, chat: str = "cid1") -> Card:
    await served.messenger.post(Place(channel=chat) if chat in ding.groups else Place(user=chat), CARD, "key-1")
    return ding.cards(chat)[-1]


async def test_a_click(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    card = await posted(ding, served)
    bot.reply = Reply("已驳回")
    answer = await ding.click("bob", card, "reject", " 缺少回滚方案 ")
    assert answer.status == 200
    (asked,) = bot.asked
    assert (asked.platform, asked.user, asked.verb, asked.ref) == ("dingtalk", "bob", "reject", "plan.r1")
    assert (asked.values, asked.message) == ({"text": "缺少回滚方案"}, "key-1")


async def test_the_answer_to_a_click_is_for_who_clicked_alone(
    ding: DingTalkSimulator, served: Served, bot: Bot
) -> None:
    card = await posted(ding, served)
    bot.reply = Reply("您不是审批人")
    await ding.click("bob", card, "approve")
    assert ding.vars_of(card, "bob")["note"] == "您不是审批人"
    assert "note" not in ding.vars_of(card, "alice")
    assert ding.vars_of(card, "bob")["title"] == "#12 支付服务"


async def test_a_click_on_an_item_carries_its_reference(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    await ding.click("bob", await posted(ding, served), "execute")
    assert (bot.asked[0].verb, bot.asked[0].ref) == ("execute", "plan.r1.i2")


async def test_a_click_on_an_outdated_card_shows_the_plan_as_it_is(
    ding: DingTalkSimulator, served: Served, bot: Bot
) -> None:
    card = await posted(ding, served)
    bot.reply = Reply("卡片已过期", card=plan_card(state=State(Tone.BAD, "❌", "已拒绝")))
    await ding.click("bob", card, "approve")
    assert (card.params["status"], card.params["show_approve"], card.params["ref"]) == ("已拒绝", "false", "")
    assert ding.vars_of(card, "bob")["note"] == "卡片已过期"


@pytest.mark.parametrize("late", [False, True])
async def test_what_is_opened_beside_a_card_is_sent_alone(
    ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot, late: bool
) -> None:
    async with serving(ding, settings, bot, "http", answer_within=0.05 if late else 2) as served:
        card = await posted(ding, served)
        before = dict(card.params)
        bot.reply = Reply(card=plan_card(title="2 部署", buttons=(APPROVE,)), aside=True)
        if late:
            bot.free.clear()
        await ding.click("bob", card, "approve")
        bot.free.set()
        opened = await ding.until(lambda: next((c for c in ding.cards("bob") if c.params["title"] == "2 部署"), None))
        assert ding.vars_of(card, "bob")["note"] == ("稍后回复" if late else "It is in your chat with me.")
    assert (opened is not card, card.params) == (True, before)


async def test_who_clicks_is_told_by_the_envelope_alone(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    card = await posted(ding, served)
    claims = {"ref": "plan.r1", "text": "", "user": "root", "userId": "root", "operator": {"userId": "root"}}
    await ding.click_raw("bob", card.out_track_id, ["approve"], claims)
    assert [asked.user for asked in bot.asked] == ["bob"]
    assert bot.asked[0].values == {"text": ""}


async def test_the_same_button_pressed_twice_is_two_requests(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    card = await posted(ding, served)
    await ding.click("bob", card, "execute")
    ding.clock.advance(1)
    await ding.click("bob", card, "execute")
    assert len({asked.key for asked in bot.asked}) == 2


@pytest.mark.parametrize("text", ["批准 12", "@发布 批准 12", "　批准 12\u2005"])
async def test_a_command_in_private_is_answered_where_it_was_said(
    ding: DingTalkSimulator, served: Served, bot: Bot, text: str
) -> None:
    await ding.say("bob", text)
    (asked,) = bot.asked
    assert (asked.text, asked.user, asked.private, asked.verb) == ("批准 12", "bob", True, "")
    assert [(message.msg_key, message.text) for message in ding.robot_messages("bob")] == [("text", "好的")]


async def test_a_command_in_a_group_is_answered_in_private(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    bot.reply = Reply("https://fabu.example/sign-in/secret", link="https://fabu.example/sign-in/secret")
    await ding.say("bob", "网页", group="cid1")
    assert (bot.asked[0].text, bot.asked[0].private, bot.asked[0].channel) == ("网页", False, "cid1")
    assert [message.text for message in ding.robot_messages("bob")] == ["https://fabu.example/sign-in/secret"]
    assert ding.robot_messages("cid1") == []


async def test_who_gets_no_messages_is_told_what_to_do(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    bot.reply = Reply("https://fabu.example/sign-in/secret", link="https://fabu.example/sign-in/secret")
    body = {"processQueryKey": "key", "invalidStaffIdList": ["bob"], "flowControlledStaffIdList": []}
    ding.fail("robot.users", status=200, body=body)
    await ding.say("bob", "网页", group="cid1")
    assert [message.text for message in ding.robot_messages("cid1")] == [WORDS.unreachable]


@pytest.mark.parametrize(
    "changes",
    [{"senderStaffId": ""}, {"senderCorpId": "another_corp"}, {"senderStaffId": "", "senderNick": "alice"}],
)
async def test_people_from_outside_are_refused(
    ding: DingTalkSimulator, served: Served, bot: Bot, changes: dict[str, str]
) -> None:
    await ding.say("bob", "批准 12", **changes)
    assert bot.asked == []
    assert [message.text for message in ding.robot_messages("bob")] == ["只有组织成员可以使用"]


async def test_a_foreign_session_address_is_not_used(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    await ding.say("bob", "列表", sessionWebhook="https://evil.example/robot")
    assert [message.msg_key for message in ding.robot_messages("bob")] == ["sampleText"]


async def test_an_expired_session_is_not_used(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    await ding.say("bob", "列表", sessionWebhookExpiredTime=1)
    assert [message.msg_key for message in ding.robot_messages("bob")] == ["sampleText"]
    assert ding.calls_to("robot.session") == []


async def test_a_plan_that_is_asked_for_comes_as_a_card_to_who_asked(
    ding: DingTalkSimulator, served: Served, bot: Bot
) -> None:
    bot.reply = Reply("已批准", card=CARD)
    await ding.say("bob", "批准 12", group="cid1")
    (card,) = ding.cards("bob")
    assert (card.params["title"], ding.vars_of(card, "bob")["note"]) == ("#12 支付服务", "已批准")
    assert ding.sent == []


async def test_a_list_comes_as_a_message(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    bot.reply = Reply("共一个", card=plan_card(item(1), title="发布计划"))
    await ding.say("bob", "列表")
    (message,) = ding.robot_messages("bob")
    assert message.msg_key == "markdown"
    assert message.text.startswith("共一个\n\n### 发布计划")
    assert ding.cards("bob") == []


async def test_a_form_is_replaced_by_words(ding: DingTalkSimulator, served: Served, bot: Bot) -> None:
    bot.reply = Reply(form=NEW)
    await ding.say("bob", "新建")
    (message,) = ding.robot_messages("bob")
    assert "`新建 NAME`" in message.text
    assert served.url in message.text


@pytest.mark.parametrize("mode", ["http", "stream"])
async def test_a_slow_answer_to_a_click_follows_as_a_message(
    ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot, mode: Mode
) -> None:
    async with serving(ding, settings, bot, mode, answer_within=0.05) as served:
        card = await posted(ding, served)
        bot.free.clear()
        bot.reply = Reply("卡片已过期", card=plan_card(state=State(Tone.BAD, "❌", "已拒绝")))
        await ding.click("bob", card, "approve")
        assert ding.vars_of(card, "bob")["note"] == "稍后回复"
        assert card.params["show_approve"] == "true"
        bot.free.set()
        await ding.until(lambda: ding.robot_messages("bob"))
    assert [message.text for message in ding.robot_messages("bob")] == ["卡片已过期"]
    assert card.params["status"] == "已拒绝"


@pytest.mark.parametrize("refusal", [{"status": 503}, {"status": 200, "body": {"success": False}}])
async def test_a_slow_answer_whose_card_cannot_be_changed_is_a_message(
    ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot, refusal: dict[str, Any]
) -> None:
    async with serving(ding, settings, bot, "http", answer_within=0.05) as served:
        card = await posted(ding, served)
        bot.free.clear()
        bot.reply = Reply("卡片已过期", card=plan_card(state=State(Tone.BAD, "❌", "已拒绝")))
        ding.fail("card.update", **refusal)
        await ding.click("bob", card, "approve")
        bot.free.set()
        [answer] = await ding.until(lambda: ding.robot_messages("bob"))
    assert answer.text.startswith("卡片已过期\n\n")
    assert "已拒绝" in answer.text


@pytest.mark.parametrize("mode", ["http", "stream"])
async def test_a_slow_answer_to_a_message_is_given_before_the_server_stops(
    ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot, mode: Mode
) -> None:
    bot.free.clear()
    async with serving(ding, settings, bot, mode, answer_within=0.05):
        assert (await ding.say("bob", "列表")).status == 200
        assert ding.sent == []
        bot.free.set()
    assert [message.text for message in ding.robot_messages("bob")] == ["好的"]


async def test_a_handler_that_fails_is_owned_up_to(
    ding: DingTalkSimulator, served: Served, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    card = await posted(ding, served)
    bot.error = RuntimeError("broken")
    await ding.click("bob", card, "approve")
    await ding.say("bob", "列表")
    assert ding.vars_of(card, "bob")["note"] == WORDS.failed
    assert [message.text for message in ding.robot_messages("bob")] == [WORDS.failed]
    assert "a request from DingTalk failed" in caplog.text


async def test_an_answer_that_reaches_nobody_is_logged(
    ding: DingTalkSimulator, served: Served, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    ding.fail("robot.session", status=503)
    ding.fail("robot.users", status=400, body={"code": "invalidParameter", "message": "robot 不可用"})
    assert (await ding.say("bob", "列表")).status == 200
    assert "an answer did not reach its DingTalk user" in caplog.text


async def test_events_of_forms_are_passed_on(ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot) -> None:
    changed: list[str] = []

    async def form_changed(form: str) -> None:
        changed.append(form)

    fields = {"processInstanceId": "p1", "type": "finish", "result": "agree"}
    for mode, accepted in (("http", "success"), ("stream", "SUCCESS")):
        async with serving(ding, settings, bot, mode, form_changed=form_changed):  # type: ignore[arg-type]
            assert (await ding.event("bpms_task_change", fields)).body == accepted
            assert (await ding.event("user_add_org", {"userId": ["x"]})).body == accepted
        ding.console = None
    assert changed == ["p1", "p1"]


async def test_an_event_that_could_not_be_handled_is_asked_for_again(
    ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot
) -> None:
    async def form_changed(form: str) -> None:
        raise RuntimeError("not now")

    fields = {"processInstanceId": "p1", "type": "finish"}
    async with serving(ding, settings, bot, "stream", form_changed=form_changed):
        assert (await ding.event("bpms_instance_change", fields)).body == "LATER"
    async with serving(ding, settings, bot, "http", form_changed=form_changed):
        assert (await ding.event("bpms_instance_change", fields)).status == 500


@pytest.mark.parametrize("frame", [{}, {"msgId": "m1"}, {"outTrackId": "c1", "userId": "bob", "content": "{"}])
async def test_a_frame_that_cannot_be_read_is_left_out_without_quoting_it(
    ding: DingTalkSimulator,
    settings: DingTalkSettings,
    bot: Bot,
    frame: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(ding, settings, bot, "stream"):
        for topic in ("/v1.0/im/bot/messages/get", "/v1.0/card/instances/callback"):
            await ding.push("CALLBACK", {"topic": topic}, {**frame, "sessionWebhook": "secret"})
    assert bot.asked == []
    assert "secret" not in caplog.text


async def test_stream_mode_lets_nobody_in(ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot) -> None:
    async with serving(ding, settings, bot, "stream") as served:
        assert served.server.paths == {}


# Mode http: nothing is believed that is not proven.


@pytest.fixture
async def http(ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot) -> AsyncIterator[Served]:
    async with serving(ding, settings, bot, "http") as served:
        yield served


async def raw(served: Served, path: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{served.url}/dingtalk/{path}", data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def test_the_event_address_passes_the_trial(ding: DingTalkSimulator, http: Served) -> None:
    assert (await ding.check_url()).body == "success"


def test_every_endpoint_is_among_the_tested(http: Served) -> None:
    assert list(http.server.paths) == [f"/dingtalk/{path}" for path in PATHS]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"", b"{}", b'{"userId": "secret"}', b'{"encrypt": "secret"}', b"\xff", b"[" * 9999])
async def test_what_is_not_signed_is_refused(
    http: Served, bot: Bot, path: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    status, answer = await raw(http, path, body)
    assert (status, "secret" in answer, "secret" in caplog.text, bot.asked) == (401, False, False, [])


async def test_a_signature_with_another_secret_or_an_old_one_is_refused(
    ding: DingTalkSimulator, http: Served, bot: Bot
) -> None:
    now, old = ding.milliseconds(), str(int(ding.milliseconds()) - 3_000_000)
    forged = [
        ("robot", robot_headers("other", now)),
        ("robot", robot_headers(ding.client_secret, old)),
        ("card", card_headers("other", now)),
        ("card", card_headers("card-secret", old)),
    ]
    assert [(await raw(http, path, b"{}", headers))[0] for path, headers in forged] == [401] * 4
    assert bot.asked == []


async def test_a_message_to_another_robot_is_refused(ding: DingTalkSimulator, http: Served, bot: Bot) -> None:
    assert (await ding.say("bob", "批准 12", robotCode="another")).status == 401
    assert bot.asked == []


async def test_what_is_signed_but_cannot_be_read_is_refused(ding: DingTalkSimulator, http: Served, bot: Bot) -> None:
    robot = f'{{"robotCode": "{ding.robot_code}", "text": "secret"}}'.encode()
    answers = [
        await raw(http, "robot", robot, robot_headers(ding.client_secret, ding.milliseconds())),
        await raw(http, "card", b'{"userId": "secret"}', card_headers("card-secret", ding.milliseconds())),
    ]
    assert [(status, "secret" in text) for status, text in answers] == [(400, False)] * 2
    event = {"EventType": "bpms_task_change", "title": "secret"}
    assert ding.console
    answer = await post_event(ding.console.events_url, ding.seal(), event, ding.milliseconds())
    assert (answer.status, "secret" in str(answer.body), bot.asked) == (400, False, [])


async def test_what_is_too_large_is_refused(ding: DingTalkSimulator, http: Served) -> None:
    body = b'{"text": "' + b"x" * 70_000 + b'"}'
    assert [(await raw(http, path, body))[0] for path in PATHS] == [413] * 3


async def test_what_has_no_secret_is_refused(ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot) -> None:
    async with serving(ding, settings, bot, "http", secrets={}) as served:
        headers = card_headers("", ding.milliseconds())
        assert (await post(f"{served.url}/dingtalk/card", {"userId": "bob"}, headers)).status == 401
        assert (await ding.check_url()).status == 401
        assert (await ding.say("bob", "列表")).status == 200


async def test_a_setting_that_cannot_be_right_is_told_at_once(
    ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot
) -> None:
    with pytest.raises(ValueError, match="AES key of 43 characters"):
        async with serving(ding, settings, bot, "http", secrets={"token": "t", "aes_key": "short"}):
            """It does not come to this."""


async def test_the_address_of_clicks_is_registered_until_it_is_taken(
    ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    ding.fail("card.register", status=503)
    with caplog.at_level(logging.WARNING):
        async with serving(ding, settings, bot, "http") as served:
            await ding.until(lambda: len(ding.calls_to("card.register")) == 2 or None)
            await ding.click("bob", await posted(ding, served), "approve")
    assert "clicks on cards do not reach Fabu yet" in caplog.text
    assert [asked.verb for asked in bot.asked] == ["approve"]


async def test_without_a_template_there_is_nothing_to_register(
    ding: DingTalkSimulator, settings: DingTalkSettings, bot: Bot
) -> None:
    bot.reply = Reply(card=CARD)
    async with serving(ding, changed(settings, card_template_id=""), bot, "http"):
        await ding.say("bob", "查看 12")
    assert ding.calls_to("card.register") == []
    (message,) = ding.robot_messages("bob")
    assert "`批准 12`" in message.text
