from __future__ import annotations

from typing import Literal

import pytest

from adapters.feishu.render import render_card
from core.card import Button, Card, Field, Form, Option, Picker, Row, Section, Style, Tone, Weight
from core.chat import Reply
from tests.simulators.feishu import FeishuSimulator, Message
from tests.simulators.feishu_cards import buttons as pressable
from tests.simulators.feishu_cards import text_of
from tests.simulators.feishu_platform import encrypted, signed
from tests.unit.adapters.bot import Bot

from .app import listening

APPROVE = Button("approve", "Approve", "p1.n1", Style.PRIMARY)
REJECT = Button("reject", "Reject", "p1.n1", Style.DANGER, Field("Why?", required=True))
MODES = ["http", "long_connection"]
Mode = Literal["http", "long_connection"]


@pytest.fixture
def bot() -> Bot:
    return Bot(Reply("ok"))


def posted(feishu: FeishuSimulator, *buttons: Button, chat: str = "oc_ops") -> Message:
    return feishu.add_message(chat, "ou_bot", "interactive", render_card(Card("#7 Release", "#7", buttons=buttons)))


@pytest.mark.parametrize("mode", MODES)
async def test_a_click_is_asked_and_answered_with_a_toast(feishu: FeishuSimulator, bot: Bot, mode: Mode) -> None:
    message = posted(feishu, APPROVE, REJECT)
    bot.reply = Reply("Rejected.", Tone.GOOD)
    async with listening(feishu, bot, mode) as platform:
        answer = await platform.click("ou_alice", message, "Reject", {"text_1": "too risky"})
    assert answer.body == {"toast": {"type": "success", "content": "Rejected."}}
    (asked,) = bot.asked
    assert (asked.platform, asked.user, asked.verb, asked.ref) == ("feishu", "ou_alice", "reject", "p1.n1")
    assert asked.values == {"text": "too risky"}
    assert (asked.channel, asked.message) == ("oc_ops", message.message_id)


@pytest.mark.parametrize("mode", MODES)
async def test_what_is_written_is_asked_and_answered_below_it(feishu: FeishuSimulator, bot: Bot, mode: Mode) -> None:
    bot.reply = Reply("Here you are.", card=Card("#7 Release", "#7"))
    async with listening(feishu, bot, mode) as platform:
        assert (await platform.write("ou_alice", "show 7")).body == {}
    (asked,) = bot.asked
    assert (asked.text, asked.private, asked.verb) == ("show 7", True, "")
    text, card = feishu.messages_in("ou_alice")
    assert text.text == "Here you are."
    assert text.parent_id == card.parent_id == asked.message
    assert "#7 Release" in text_of(card.content)


async def test_in_a_group_the_card_is_shown_and_the_words_are_whispered(feishu: FeishuSimulator, bot: Bot) -> None:
    link = "https://fabu.example/x"
    bot.reply = Reply(f"Open this link, it works once: {link}", card=Card("#7 Release", "#7"), link=link)
    async with listening(feishu, bot) as platform:
        await platform.write("ou_alice", "show 7", "oc_ops")
    (asked,) = bot.asked
    assert (asked.text, asked.private, asked.channel) == ("show 7", False, "oc_ops")
    assert [one.msg_type for one in feishu.messages_in("oc_ops")] == ["interactive"]
    assert [one.text for one in feishu.messages_in("ou_alice")] == [bot.reply.text]


async def test_a_form_is_a_card_for_the_one_who_asked(feishu: FeishuSimulator, bot: Bot) -> None:
    fields = (Field("Name", "name", required=True), Field("Items", "items", multiline=True))
    bot.reply = Reply(form=Form("new", "", "New plan", "Create", fields))
    async with listening(feishu, bot) as platform:
        await platform.write("ou_alice", "new", "oc_ops")
        await feishu.until(lambda: feishu.cards_in("ou_alice"))
        assert feishu.messages_in("oc_ops") == []
        bot.reply = Reply("Plan #8 is started.", Tone.GOOD, Card("#8 Shop", "#8"))
        filled = {"name_1": "Shop", "items_2": "a\nb"}
        answer = await platform.click("ou_alice", feishu.cards_in("ou_alice")[0], "Create", filled)
    assert bot.asked[-1].verb == "new"
    assert bot.asked[-1].values == {"name": "Shop", "items": "a\nb"}
    assert answer.card is not None
    assert "#8 Shop" in text_of(answer.card)


async def test_a_form_that_a_click_opens_ends_as_a_sentence(feishu: FeishuSimulator, bot: Bot) -> None:
    message = posted(feishu, Button("skip", "Skip", "p1.n1.plan"))
    bot.reply = Reply(form=Form("skip", "p1.n1.plan", "Skip: 7 Deploy", "Skip", (Field("Why?", required=True),)))
    async with listening(feishu, bot) as platform:
        assert (await platform.click("ou_alice", message, "Skip")).toast == "The form is in your chat with me."
        [form] = await feishu.until(lambda: feishu.cards_in("ou_alice"))
        bot.reply = Reply("Too short.", Tone.BAD)
        assert (await platform.click("ou_alice", form, "Skip", {"text_1": "x"})).card is None
        bot.reply = Reply("It is skipped.", Tone.GOOD, Card("#7 Release 2", "#7"), replaces=True)
        answer = await platform.click("ou_alice", form, "Skip", {"text_1": "too late"})
        await feishu.until(lambda: "#7 Release 2" in text_of(message.content))
    assert bot.asked[-1].values == {"text": "too late"}
    assert answer.card == form.content
    assert tuple(filter(None, text_of(form.content).split("\n"))) == ("Skip: 7 Deploy", "It is skipped.")
    assert pressable(form.content) == []


async def test_a_button_whose_text_may_be_empty_needs_one_click(feishu: FeishuSimulator, bot: Bot) -> None:
    done = Button("execute", "Done", "p1.n1", field=Field("Remark"))
    sections = (Section(rows=tuple(Row(name, Weight.PERSON, buttons=(done,)) for name in ("a", "b"))),)
    message = feishu.add_message("oc_ops", "ou_bot", "interactive", render_card(Card("#7", "#7", sections=sections)))
    async with listening(feishu, bot) as platform:
        [_, alone] = pressable(message.content)
        assert alone.form is None
        await platform.click("ou_alice", message, "Done", beside="b")
    assert bot.asked[0].values == {"text": ""}


async def test_the_present_card_takes_the_place_of_an_outdated_one(feishu: FeishuSimulator, bot: Bot) -> None:
    message = posted(feishu, APPROVE)
    bot.reply = Reply("This card is out of date.", Tone.BAD, Card("#7 Release 2", "#7"))
    async with listening(feishu, bot) as platform:
        answer = await platform.click("ou_alice", message, "Approve")
    assert answer.body["toast"]["type"] == "error"
    assert "#7 Release 2" in text_of(message.content)


async def test_a_plan_chosen_from_a_list_comes_beside_the_list(feishu: FeishuSimulator, bot: Bot) -> None:
    message = posted(feishu, Button("show", "Show", "p1"))
    bot.reply = Reply(card=Card("#7 Release", "#7"))
    async with listening(feishu, bot) as platform:
        assert (await platform.click("ou_alice", message, "Show")).body == {}
    (shown,) = feishu.messages_in("oc_ops")[1:]
    assert shown.parent_id == message.message_id


async def test_what_is_picked_is_sent_to_who_picks_it_alone(feishu: FeishuSimulator, bot: Bot) -> None:
    picker = Picker("Any item…", "show", tuple(Option(f"{n} Deploy", f"p1..i{n}") for n in range(1, 101)))
    card = render_card(Card("#7", "#7", picker=picker))
    message = feishu.add_message("oc_ops", "ou_bot", "interactive", card)
    bot.reply = Reply(card=Card("2 Deploy", "2 Deploy"), aside=True)
    async with listening(feishu, bot) as platform:
        answer = await platform.pick("ou_alice", message, "2 Deploy")
    assert answer.toast == "It is in your chat with me."
    assert [(asked.verb, asked.ref) for asked in bot.asked] == [("show", "p1..i2")]
    assert ["2 Deploy" in text_of(one.content) for one in feishu.messages_in("ou_alice")] == [True]
    assert feishu.messages_in("oc_ops") == [message]


async def test_who_clicked_is_the_operator_whatever_the_value_says(feishu: FeishuSimulator, bot: Bot) -> None:
    value = {"verb": "approve", "ref": "p1.n1", "user": "ou_boss", "operator": {"open_id": "ou_boss"}}
    async with listening(feishu, bot) as platform:
        await platform.click_raw("ou_mallory", posted(feishu), {"value": value, "tag": "button"})
    assert [asked.user for asked in bot.asked] == ["ou_mallory"]


async def test_a_value_may_come_as_a_string(feishu: FeishuSimulator, bot: Bot) -> None:
    action = {
        "value": '{"verb": "approve", "ref": "p1.n1"}',
        "tag": "button",
        "form_value": {"text_4": "ok", "x_1": None},
    }
    async with listening(feishu, bot) as platform:
        await platform.click_raw("ou_alice", posted(feishu), action)
    (asked,) = bot.asked
    assert (asked.verb, asked.ref, asked.values) == ("approve", "p1.n1", {"text": "ok"})


@pytest.mark.parametrize("value", [{}, "approve", {"verb": 1, "ref": "p"}, {"verb": "approve"}, {"op": "x"}, None])
async def test_a_button_that_is_none_of_ours_asks_nothing(feishu: FeishuSimulator, bot: Bot, value: object) -> None:
    async with listening(feishu, bot) as platform:
        answer = await platform.click_raw("ou_alice", posted(feishu), {"value": value, "tag": "button"})
    assert (answer.status, answer.body, bot.asked) == (200, {}, [])


async def test_bots_and_other_events_ask_nothing(feishu: FeishuSimulator, bot: Bot) -> None:
    async with listening(feishu, bot) as platform:
        written = (await platform.write("ou_alice", "list")).envelope
        event = {**written["event"], "sender": {**written["event"]["sender"], "sender_type": "app"}}
        assert (await platform.push({**written, "event": event})).status == 200
        assert (await platform.push(platform.envelope("im.chat.updated_v1", {}))).status == 200
    assert len(bot.asked) == 1


async def test_an_event_pushed_again_has_the_same_key_and_is_answered_once(feishu: FeishuSimulator, bot: Bot) -> None:
    async with listening(feishu, bot) as platform:
        answer = await platform.write("ou_alice", "list")
        await platform.push(answer.envelope)
    first, again = bot.asked
    assert first.key == again.key
    assert len(feishu.messages_in("ou_alice")) == 1


async def test_a_slow_answer_comes_as_a_message(feishu: FeishuSimulator, bot: Bot) -> None:
    message = posted(feishu, APPROVE)
    bot.reply = Reply("Your approval counts.", Tone.GOOD, Card("#7 Release 2", "#7"))
    bot.free.clear()
    async with listening(feishu, bot, answer_within=0.02) as platform:
        answer = await platform.click("ou_alice", message, "Approve")
        assert (answer.status, answer.body) == (200, {})
        bot.free.set()
    assert [one.text for one in feishu.messages_in("ou_alice")] == ["Your approval counts."]
    assert "#7 Release 2" in text_of(message.content)


async def test_a_slow_answer_whose_card_cannot_be_changed_comes_as_a_new_card(
    feishu: FeishuSimulator, bot: Bot
) -> None:
    message = posted(feishu, APPROVE)
    bot.reply = Reply("", Tone.GOOD, Card("#7 Release 2", "#7"))
    bot.free.clear()
    feishu.fail("im.message.patch", status=400, body={"code": 230031, "msg": "The message is too old"})
    async with listening(feishu, bot, answer_within=0.02) as platform:
        await platform.click("ou_alice", message, "Approve")
        bot.free.set()
    [answer] = [one for one in feishu.messages.values() if one.parent_id == message.message_id]
    assert "#7 Release 2" in text_of(answer.content)


async def test_a_request_that_fails_is_reported_so_that_feishu_pushes_it_again(
    feishu: FeishuSimulator, bot: Bot
) -> None:
    bot.error = RuntimeError("secret detail")
    async with listening(feishu, bot) as platform:
        answer = await platform.write("ou_alice", "list")
    assert answer.status == 500
    assert answer.body == {}


async def test_an_answer_that_feishu_refuses_is_logged(
    feishu: FeishuSimulator, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = {"code": 230013, "msg": "Bot has NO availability to this user."}
    for operation in ("im.message.reply", "im.message.create"):
        feishu.fail(operation, status=200, body=refusal)
    async with listening(feishu, bot) as platform:
        assert (await platform.write("ou_alice", "list")).status == 200
    assert "NO availability" in caplog.text


async def test_the_address_proves_itself(feishu: FeishuSimulator, bot: Bot) -> None:
    async with listening(feishu, bot) as platform:
        await platform.register()
    assert bot.asked == []


async def test_what_is_not_from_feishu_is_refused_without_a_word(feishu: FeishuSimulator, bot: Bot) -> None:
    async with listening(feishu, bot) as platform:
        good = await platform.write("ou_alice", "list")
        body = encrypted(good.envelope, feishu.encrypt_key)
        now = feishu.clock.now()
        forged = [
            ({}, 401),
            (signed(body, "another-key", now), 401),
            (signed(body, feishu.encrypt_key, now - 301), 401),
            (signed(body + b" ", feishu.encrypt_key, now), 401),
        ]
        for headers, status in forged:
            answer = await platform.post(body, headers)
            assert (answer.status, answer.body) == (status, {})
        other = encrypted({**good.envelope, "header": {**good.envelope["header"], "token": "x"}}, feishu.encrypt_key)
        assert (await platform.post(other, signed(other, feishu.encrypt_key, now))).status == 401
        plain = b'{"schema": "2.0"}'
        assert (await platform.post(plain, signed(plain, feishu.encrypt_key, now))).status == 400
        broken = encrypted({**good.envelope, "event": {}}, feishu.encrypt_key)
        assert (await platform.post(broken, signed(broken, feishu.encrypt_key, now))).status == 400
    assert len(bot.asked) == 1


@pytest.mark.parametrize("kind", ["approval_instance", "approval_task"])
async def test_the_change_of_an_approval_form_is_passed_on(feishu: FeishuSimulator, bot: Bot, kind: str) -> None:
    event = {"type": kind, "approval_code": "A", "instance_code": "I-1", "status": "APPROVED", "task_id": "T"}
    envelope = {"uuid": "u1", "token": feishu.verification_token, "type": "event_callback", "event": event}
    async with listening(feishu, bot, bot=bot) as platform:
        assert (await platform.push(envelope)).status == 200
    assert bot.forms == ["I-1"]
