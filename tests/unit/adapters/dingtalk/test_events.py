from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.dingtalk.events import CardCallback, FormChange, RobotMessage, parse_event


def click(**changes: Any) -> CardCallback:
    params = {"ref": "r1", "text": " 太晚了 ", **changes.pop("params", {})}
    content = {"cardPrivateData": {"actionIds": ["reject"], "params": params}}
    body = {"outTrackId": "c1", "userId": "bob", "content": json.dumps(content), "spaceType": "im", **changes}
    return CardCallback.model_validate(body)


def test_a_message_in_a_group() -> None:
    message = RobotMessage.model_validate(
        {
            "msgId": "m1",
            "conversationId": "cid1",
            "conversationType": "2",
            "senderStaffId": "bob",
            "text": {"content": " 列表 "},
            "createAt": 1,
        }
    )
    assert (message.in_group, message.command, message.sender_staff_id) == (True, "列表", "bob")
    assert message.key == "dingtalk:robot:m1"


def test_a_picture_from_outside_the_organisation_has_neither_text_nor_user() -> None:
    body = {"msgId": "m1", "conversationId": "cid2", "conversationType": "1", "msgtype": "picture"}
    message = RobotMessage.model_validate(body)
    assert (message.in_group, message.command, message.sender_staff_id) == (False, "", "")


def test_mentions_may_be_null_or_absent() -> None:
    body = {"msgId": "m1", "conversationId": "cid1", "conversationType": "2", "text": {"content": "@发布 列表"}}
    for changes in ({}, {"atUsers": None, "isInAtList": None}, {"atUsers": [{"dingtalkId": "robot", "staffId": None}]}):
        message = RobotMessage.model_validate(body | {"chatbotUserId": "robot"} | changes)
        assert (message.calls_robot, message.command, message.mentioned) == (True, "列表", [])


def test_several_nicknames_stay_as_they_are() -> None:
    users = [{"dingtalkId": name, "staffId": name} for name in ("bob", "carol")]
    body = {"msgId": "m1", "conversationId": "cid1", "conversationType": "2", "text": {"content": "委托 1 @鲍勃 @卡罗"}}
    message = RobotMessage.model_validate(body | {"atUsers": users})
    assert message.command == "委托 1 @鲍勃 @卡罗"


def test_a_click() -> None:
    assert (click().verb, click().ref, click().text) == ("reject", "r1", "太晚了")
    assert click(content=json.loads(click_content())).ref == "r1"


def click_content() -> str:
    return '{"cardPrivateData":{"actionIds":["approve"],"params":{"ref":"r1"}}}'


def test_a_click_on_a_foreign_template_has_no_verb() -> None:
    foreign = click(content='{"cardPrivateData":{"params":{"ref":7}}}')
    assert (foreign.verb, foreign.ref, foreign.text) == ("", "", "")


def test_a_repeated_click_has_the_same_key_and_another_one_has_not() -> None:
    key = click().key("1")
    assert (
        key == click(corpId="ding_corp").key("1") == click(content=click().content.model_dump(by_alias=True)).key("1")
    )
    others = [click(userId="eve"), click(outTrackId="c2"), click(params={"ref": "r2"}), click(params={"text": ""})]
    assert len({key, click().key("2"), *(other.key("1") for other in others)}) == 6


@pytest.mark.parametrize("content", ["", "[]", "{", 7, None, "[" * 100_000])
def test_a_click_without_proper_content_is_refused(content: object) -> None:
    with pytest.raises(ValidationError):
        click(content=content)


@pytest.mark.parametrize("event_type", ["bpms_task_change", "bpms_instance_change"])
def test_form_events(event_type: str) -> None:
    fields = {"processInstanceId": "p1", "type": "finish", "result": "agree", "taskId": 12, "resource": "/v1.0/event"}
    parsed = FormChange(process_instance_id="p1", task_id="12", type="finish", result="agree")
    assert parse_event(event_type, fields) == parsed
    assert not parsed.is_approval
    del fields["taskId"]
    approved = parse_event(event_type, fields)
    assert approved is not None
    assert approved.is_approval
    with pytest.raises(ValidationError):
        parse_event(event_type, {"type": "finish"})


def test_other_events_are_not_ours() -> None:
    assert parse_event("check_url", {}) is None
