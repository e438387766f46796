from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.feishu.events import ApprovalInstance, ApprovalTask, CardAction, Envelope, Message, parse_event


def envelope(event_type: str, event: dict[str, Any]) -> Envelope:
    header = {"event_id": "e1", "event_type": event_type, "token": "t", "new_field": 1}
    parsed = Envelope.parse({"schema": "2.0", "header": header, "event": event, "new_field": 1})
    assert isinstance(parsed, Envelope)
    return parsed


def click(**action: Any) -> CardAction:
    event = {
        "operator": {"open_id": "ou_alice", "user_id": None},
        "action": {"tag": "button", "new_field": [], **action},
        "context": {"open_message_id": "om_1", "open_chat_id": "oc_1"},
    }
    parsed = parse_event(envelope("card.action.trigger", event))
    assert isinstance(parsed, CardAction)
    return parsed


BOT = "ou_bot"


def message(text: str, *, message_type: str = "text", chat_type: str = "group", **mentions: str) -> Message:
    """A message that mentions users: their open_ids by the numbers of their keys, as in `u1="ou_bot"`."""
    event = {
        "sender": {"sender_id": {"open_id": "ou_alice", "user_id": None}, "sender_type": "user"},
        "message": {
            "message_id": "om_1",
            "chat_id": "oc_1",
            "chat_type": chat_type,
            "message_type": message_type,
            "content": json.dumps({"text": text}),
            "mentions": [
                {"key": f"@_user_{key[1:]}", "id": {"open_id": open_id}, "name": "X"}
                for key, open_id in mentions.items()
            ],
        },
    }
    parsed = parse_event(envelope("im.message.receive_v1", event))
    assert isinstance(parsed, Message)
    return parsed


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        ({"ref": "r1"}, {"ref": "r1"}),
        ('{"ref": "r1"}', {"ref": "r1"}),
        ("r1", {"value": "r1"}),
        ("[1]", {"value": "[1]"}),
        (None, {}),
    ],
)
def test_a_button_value_may_be_an_object_or_a_string(sent: object, understood: dict[str, Any]) -> None:
    assert click(value=sent).action.value == understood


def test_a_form_and_an_input_carry_what_was_typed() -> None:
    action = click(form_value={"reason": "too risky"}, input_value=None).action
    assert action.form_value == {"reason": "too risky"}
    assert action.input_value == ""


def test_a_click_without_a_person_is_malformed() -> None:
    event = {"operator": {"open_id": ""}, "action": {}, "context": {"open_message_id": "om_1"}}
    with pytest.raises(ValueError, match="open_id"):
        parse_event(envelope("card.action.trigger", event))


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("@_user_1 approve 3 looks good", "approve 3 looks good"),
        ("@_user_1发布 列表", "发布 列表"),
        ("show 3 @_user_1", "show 3"),
        ("@_user_1 note @_user_12 and @_user_9", "note @_user_12 and @_user_9"),
        ("@_user_1 line\nbreak", "line\nbreak"),
        ("@_user_1", ""),
    ],
)
def test_the_mention_of_the_bot_is_no_part_of_the_text(text: str, understood: str) -> None:
    assert message(text, u1=BOT).text_for(BOT) == understood


@pytest.mark.parametrize(
    "text", ["@_user_1 delegate 3 @_user_2", "delegate 3 @_user_2 @_user_1", "delegate @_user_1 3 @_user_2"]
)
def test_mentions_of_people_stand_for_them_wherever_the_bot_is_mentioned(text: str) -> None:
    sent = message(text, u1=BOT, u2="ou_carol")
    assert sent.text_for(BOT) == "delegate 3 @ou_carol"
    assert sent.calls(BOT)


def test_only_a_mention_of_the_bot_calls_it() -> None:
    assert message("@_user_1 list", u1=BOT).calls(BOT)
    assert message("list", chat_type="p2p").calls(BOT)
    assert not message("@_user_1 list", u1="ou_carol").calls(BOT)
    assert not message("@_all list", u1="").calls("")
    assert not message("list").calls(BOT)


def test_a_message_without_mentions_is_taken_as_written() -> None:
    assert message(" list @_user_1 ").text_for(BOT) == "list @_user_1"


def test_a_picture_has_no_text() -> None:
    assert message("ignored", message_type="image").text_for(BOT) == ""


def test_a_message_is_known_again_by_its_message_id() -> None:
    event = {
        "sender": {"sender_id": {"open_id": "ou_alice"}},
        "message": {
            "message_id": "om_7",
            "chat_id": "oc_1",
            "chat_type": "p2p",
            "message_type": "text",
            "content": "{}",
        },
    }
    assert envelope("im.message.receive_v1", event).key == "om_7"
    assert envelope("card.action.trigger", {}).key == "e1"


def test_approval_events_come_in_the_old_envelope() -> None:
    instance = {"type": "approval_instance", "approval_code": "A", "instance_code": "I", "status": "APPROVED"}
    task = instance | {"type": "approval_task", "task_id": "T", "open_id": "ou_bob", "user_id": None}
    parsed = [
        Envelope.parse({"uuid": f"u{number}", "token": "t", "ts": "1.5", "type": "event_callback", "event": event})
        for number, event in enumerate((instance | {"operate_time": 1}, task | {"operate_time": "1"}))
    ]
    first, second = parsed
    assert isinstance(first, Envelope)
    assert isinstance(second, Envelope)
    assert (first.key, second.key) == ("u0", "u1")
    assert isinstance(parse_event(first), ApprovalInstance)
    decided = parse_event(second)
    assert isinstance(decided, ApprovalTask)
    assert (decided.instance_code, decided.task_id) == ("I", "T")


def test_unknown_kinds_of_event_are_nothing_to_act_upon() -> None:
    assert parse_event(envelope("contact.user.updated_v3", {"object": {}})) is None
