"""What is posted to the Feishu address: forged, stale, repeated, strange, too late, by others."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.chats.feishu import FEISHU, GROUP, FeishuOffice, button_of
from tests.scenario.office import Json, step
from tests.simulators.feishu import BOT, Message
from tests.simulators.feishu_cards import elements
from tests.simulators.feishu_platform import encrypted, signed


@pytest.fixture(params=["http", "long_connection"])
def mode(request: pytest.FixtureRequest) -> str:
    """How the app is reached."""
    return str(request.param)


@pytest.fixture
async def case(tmp_path: Path, mode: str) -> AsyncIterator[FeishuOffice]:
    async with FEISHU.office(tmp_path, mode=mode) as opened:
        yield opened


posted = pytest.mark.parametrize("mode", ["http"])
"""Marks what the long connection, which proves all that comes over it, knows nothing of."""


@pytest.fixture
async def asked(case: FeishuOffice) -> Message:
    """The card that asks Bob, and Carol after him."""
    await case.fabu.submitted(stages=[FEISHU.stage("QA", "bob"), FEISHU.stage("Operations", "carol")])
    return await case.bob.card_with("Approve")


def value_of(card: Message, label: str = "Approve") -> Json:
    button = button_of(card, label)
    assert button
    assert isinstance(button.value, dict)
    return button.value


def click(case: FeishuOffice, card: Message, user: str = "ou_bob", **header: str) -> Json:
    """Return the event of a click on Approve."""
    event = {
        "operator": {"open_id": user},
        "action": {"value": value_of(card), "tag": "button"},
        "context": {"open_message_id": card.message_id, "open_chat_id": card.chat_id},
    }
    envelope = case.platform.envelope("card.action.trigger", event)
    envelope["header"] |= header
    return envelope


@posted
async def test_only_what_is_proven_is_believed(case: FeishuOffice, asked: Message) -> None:
    key, now = case.feishu.encrypt_key, case.feishu.clock.now()
    body = encrypted(click(case, asked), key)
    other = encrypted(click(case, asked, "ou_carol"), key)
    plain = json.dumps(click(case, asked)).encode()
    wrong_token = encrypted(click(case, asked, token="guessed"), key)
    posts: dict[str, tuple[bytes, dict[str, str], int]] = {
        "unsigned": (body, {}, 401),
        "without a nonce": (body, signed(body, key, now) | {"X-Lark-Request-Nonce": ""}, 401),
        "signed with another key": (body, signed(body, "guessed", now), 401),
        "signed for another body": (body, signed(other, key, now), 401),
        "made with another key": (encrypted(click(case, asked), "guessed"), signed(body, "guessed", now), 401),
        "older than five minutes": (body, signed(body, key, now - 301), 401),
        "from the future": (body, signed(body, key, now + 360), 401),
        "at no time": (body, signed(body, key, now) | {"X-Lark-Request-Timestamp": "soon"}, 401),
        "with a wrong token": (wrong_token, signed(wrong_token, key, now), 401),
        "in plaintext": (plain, {}, 401),
        "in plaintext, signed": (plain, signed(plain, key, now), 400),
        "no JSON": (b"{", signed(b"{", key, now), 400),
    }
    answers = {name: await case.platform.post(data, headers) for name, (data, headers, _) in posts.items()}
    assert {name: answer.status for name, answer in answers.items()} == {name: s for name, (*_, s) in posts.items()}
    assert all(answer.body == {} for answer in answers.values())
    assert await case.fabu.status() == "wait_for_approval"
    assert "voted" not in await case.fabu.events()


@posted
async def test_a_replay_changes_nothing(case: FeishuOffice, asked: Message) -> None:
    body = encrypted(click(case, asked), case.feishu.encrypt_key)
    headers = signed(body, case.feishu.encrypt_key, case.feishu.clock.now())
    first, again = [await case.platform.post(body, headers) for _ in range(2)]
    assert "Your approval counts" in first.toast
    assert "done already" in again.toast
    assert (await case.fabu.events()).count("voted") == 1


@posted
async def test_the_address_is_registered(case: FeishuOffice) -> None:
    assert (await case.platform.register()).status == 200


async def test_a_value_may_be_a_string(case: FeishuOffice, asked: Message) -> None:
    answer = await case.platform.click_raw("ou_bob", asked, {"tag": "button", "value": json.dumps(value_of(asked))})
    assert "Your approval counts" in answer.toast


STRANGE: list[Any] = [
    None, "", "approve", "[1]", "{", [], {"verb": 5, "ref": 5}, {"verb": "approve"}, {"ref": "1"},
    {"verb": "approve", "ref": "...."}, {"verb": "drop table", "ref": "x"}, {"verb": "approve", "ref": "a" * 9000},
]  # fmt: skip


async def test_a_strange_value_does_nothing(case: FeishuOffice, asked: Message) -> None:
    answers = [await case.platform.click_raw("ou_bob", asked, {"tag": "button", "value": value}) for value in STRANGE]
    assert {answer.status for answer in answers} == {200}
    assert await case.fabu.status() == "wait_for_approval"


async def test_who_may_not_is_told_so_and_nothing_happens(case: FeishuOffice, asked: Message) -> None:
    case.feishu.add_user("ou_mallory", email="bob@example.com.evil.example", mobile="+8613800000001")
    toasts = {
        "ou_alice": "You are not an approver of this plan.",
        "ou_erin": "You are not an approver of this plan.",
        "ou_carol": "Your stage is Operations. The plan is waiting for stage QA now",
        "ou_mallory": "Fabu does not know you yet.",
        "ou_nobody": "Fabu does not know you yet.",
    }
    card = await case.channel_card("waiting for approval")
    for user, said in toasts.items():
        answer = await case.platform.click(user, card, "Approve")
        assert said in answer.toast
        assert answer.body["toast"]["type"] == "error"
        assert answer.card is None
    forged = {"value": value_of(card) | {"user": "ou_bob", "operator": {"open_id": "ou_bob"}}, "name": "ou_bob"}
    assert "not an approver" in (await case.platform.click_raw("ou_erin", card, forged)).toast
    assert await case.fabu.status() == "wait_for_approval"
    refused = [entry.actor for entry in await case.fabu.log() if entry.event == "refused"]
    assert refused == ["alice", "erin", "carol", "erin"]


async def test_a_leaver_is_nobody(case: FeishuOffice) -> None:
    case.feishu.resigned.add("ou_carol")
    assert "does not know you" in await case.carol.says("list mine")


async def test_what_people_write_mentions_nobody(case: FeishuOffice) -> None:
    name, all_of_them = '<at id=all></at> & **v2** <at user_id="all">x</at>', "<at id=all></at>"
    step_ = step("notes", name=all_of_them, content=f"<p>{all_of_them}</p>")
    await case.fabu.submitted(step_, name=name, description=all_of_them, stages=[FEISHU.stage(all_of_them, "bob")])
    await case.bob.clicks("Reject", text=all_of_them)
    card = await case.channel_card("rejected", f"#1 {name}", all_of_them)
    await case.alice.until(lambda: any("The plan is rejected" in line for line in case.thread()))
    await case.alice.asks("log 1", GROUP)
    for message in case.feishu.messages_in(GROUP) + case.bob.cards:
        assert message.msg_type in ("interactive", "post")
        if message.msg_type == "interactive":
            written = [one["content"] for one, _ in elements(message.content) if one["tag"] == "markdown"]
            ours = [re.sub(r"</?(font|text_tag)[^<>]*>|\[Open\]\([^()]*\)", "", one) for one in written]
            assert not any("<" in one or "[" in one for one in ours)
    assert card.content["header"]["title"]["tag"] == "plain_text"


async def test_a_click_on_an_outdated_card_answers_with_the_plan_as_it_is(case: FeishuOffice, asked: Message) -> None:
    old = case.feishu.add_message(asked.chat_id, BOT, "interactive", asked.content)
    await case.alice.says("replan 1")
    await case.alice.says("submit 1")
    answer = await case.bob.clicks("Approve", on=old)
    assert "This card is out of date. Here is the plan as it is now." in answer
    assert "voted" not in await case.fabu.events()
    assert "Your approval counts" in await case.bob.clicks("Approve", on=old), "the card is the present one now"


async def test_a_click_after_the_end_is_answered_with_the_end(case: FeishuOffice, asked: Message) -> None:
    old = case.feishu.add_message(asked.chat_id, BOT, "interactive", asked.content)
    await case.alice.says("cancel 1 no time")
    assert "cancelled" in await case.bob.clicks("Approve", on=old)
    await case.channel_card("cancelled", "no time")


async def test_two_clicks_of_one_person_count_once(case: FeishuOffice, asked: Message) -> None:
    value = {"tag": "button", "value": value_of(asked)}
    toasts = await asyncio.gather(*(case.platform.click_raw("ou_bob", asked, value) for _ in range(2)))
    counted, again = sorted((answer.toast for answer in toasts), key=lambda toast: "counts once" in toast)
    assert "Your approval counts" in counted
    assert "You have decided already: approved. It counts once." in again
    assert (await case.fabu.events()).count("voted") == 1


async def test_a_message_that_is_delivered_again_is_answered_once(case: FeishuOffice) -> None:
    sent = await case.platform.write("ou_alice", "new Shop 7", GROUP)
    await case.alice.until(lambda: case.alice.sentences)
    again = case.platform.envelope("im.message.receive_v1", sent.envelope["event"])
    for envelope in (sent.envelope, again):
        assert (await case.platform.push(envelope)).status == 200
    assert "Plan #2" in await case.alice.says("new Shop 8", GROUP)
    assert len(case.alice.sentences) == 2


async def test_events_of_no_concern_are_taken_and_left_alone(case: FeishuOffice) -> None:
    written = (await case.platform.write("ou_alice", "web")).envelope["event"]
    [_] = await case.alice.until(lambda: case.alice.sentences)
    message, sender = written["message"], written["sender"]
    of_no_concern: dict[str, Json] = {
        "contact.user.updated_v3": {"object": {"open_id": "ou_bob"}},
        "im.message.reaction.created_v1": {},
    }
    pushes = [case.platform.envelope(kind, event) for kind, event in of_no_concern.items()]
    from_bot = {"sender": sender | {"sender_type": "app"}, "message": message | {"message_id": "2"}}
    talk = {"sender": sender, "message": message | {"message_id": "3", "chat_type": "group"}}
    pushes += [case.platform.envelope("im.message.receive_v1", event) for event in (from_bot, talk)]
    old = {"uuid": "u", "token": case.feishu.verification_token, "ts": "1.0", "type": "event_callback"}
    pushes += [old | {"event": {"type": "out_approval"}}, old | {"event": {"type": "approval_cc"}}]
    foreign = {"type": "approval_instance", "approval_code": "x", "instance_code": "of-others", "status": "APPROVED"}
    pushes.append(old | {"event": foreign})
    answers = [await case.platform.push(envelope) for envelope in pushes]
    assert {(answer.status, len(answer.body)) for answer in answers} == {(200, 0)}
    assert "sign-in" in await case.alice.says("web")
    assert len(case.alice.sentences) == 2
