"""Signed payloads of the vendors with nulls and numbers where they document optional fields: each is answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.scenario.chats.dingtalk import DINGTALK
from tests.scenario.chats.feishu import FEISHU, button_of
from tests.scenario.chats.slack import SLACK
from tests.simulators.dingtalk_platform import card_headers, post, robot_headers
from tests.simulators.slack import FORM_TYPE
from tests.simulators.slack_payloads import encode, form, signed
from tests.simulators.slack_reading import find


async def test_slack(tmp_path: Path) -> None:
    async with SLACK.office(tmp_path) as case:
        await case.fabu.submitted(stages=[SLACK.stage("QA", "bob", "carol", "dave")])

        async def send(payload: dict[str, Any], kind: str = "") -> int:
            body = encode(payload).encode() if kind else form({"payload": encode(payload)})
            return (await case.slack.post(body, kind or FORM_TYPE, signed(body, case.slack.signing_secret))).status

        card = await case.bob.card_with("Approve")
        _, button = find(card, "approve")
        click = {
            "type": "block_actions", "user": {"id": case.bob.id, "team_id": None}, "response_url": None,
            "container": {"type": None, "channel_id": card.channel, "message_ts": float(card.ts), "thread_ts": None},
            "actions": [{"action_id": "approve", "value": button["value"], "action_ts": 1.5}],
            "trigger_id": None, "state": {"values": None},
        }  # fmt: skip
        assert await send(click) == 200
        await case.bob.hears("Your approval counts.")
        event = {
            "type": "message", "user": case.carol.id, "channel": case.slack.workspace.direct(case.carol.id).id,
            "channel_type": "im", "text": "approve 1", "ts": 1.5, "thread_ts": None, "bot_id": None, "subtype": None,
        }  # fmt: skip
        envelope = {"type": "event_callback", "event_id": "Ev1", "event": event, "authorizations": None}
        assert await send(envelope, "application/json") == 200
        values = {"text": {"text": {"value": None}}}
        view = {
            "id": "V1", "callback_id": "approve", "hash": None, "state": {"values": values},
            "private_metadata": json.dumps({"ref": button["value"], "channel": None, "response_url": None}),
        }  # fmt: skip
        assert await send({"type": "view_submission", "user": {"id": case.dave.id}, "view": view}) == 200
        await case.fabu.until_status("executing")


async def test_feishu(tmp_path: Path) -> None:
    async with FEISHU.office(tmp_path) as case:
        await case.fabu.submitted(stages=[FEISHU.stage("QA", "bob", "carol")])
        card = await case.bob.card_with("Approve")
        button = button_of(card, "Approve")
        assert button
        click = {
            "operator": {"open_id": case.bob.id, "union_id": None},
            "action": {"value": button.value, "name": None, "form_value": None, "input_value": 7, "tag": "button"},
            "context": {"open_message_id": card.message_id, "open_chat_id": None},
        }
        assert (
            "approval counts" in (await case.platform.push(case.platform.envelope("card.action.trigger", click))).toast
        )
        stranger = click | {"action": {"value": 5}}
        assert (await case.platform.push(case.platform.envelope("card.action.trigger", stranger))).status == 200
        message = {
            "sender": {"sender_id": {"open_id": case.carol.id, "union_id": None}, "sender_type": None},
            "message": {
                "message_id": "om_1", "chat_id": "oc_p2p_ou_carol", "chat_type": "p2p", "message_type": "text",
                "content": json.dumps({"text": "approve 1"}), "mentions": None, "root_id": None,
            },
        }  # fmt: skip
        assert (await case.platform.push(case.platform.envelope("im.message.receive_v1", message))).status == 200
        await case.fabu.until_status("executing")


async def test_dingtalk(tmp_path: Path) -> None:
    async with DINGTALK.office(tmp_path, mode="http") as case:
        await case.fabu.submitted(stages=[DINGTALK.stage("QA", "bob", "dave")])
        card = await case.bob.card_with("Approve")
        await case.fabu.until_seen("dave")
        ding = case.ding
        content = {"cardPrivateData": {"actionIds": ["approve"], "params": {"ref": card.params["ref"], "text": None}}}
        click = {"outTrackId": card.out_track_id, "userId": "bob", "content": json.dumps(content), "spaceId": None}
        at = str(int(ding.milliseconds()))
        headers = card_headers("card-secret", at)
        assert (await post(f"{case.fabu.url}/dingtalk/card", click, headers)).status == 200
        ding.fail("robot.users", status=200, body={"invalidStaffIdList": None, "flowControlledStaffIdList": None})
        message = {
            "msgId": 1, "conversationId": "cid-dave", "conversationType": 1, "chatbotCorpId": ding.corp_id,
            "senderCorpId": None, "senderStaffId": "dave", "robotCode": ding.robot_code, "sessionWebhook": None,
            "sessionWebhookExpiredTime": None, "msgtype": None, "text": {"content": "approve 1"},
        }  # fmt: skip
        await case.fabu.until_seen("dave")
        signed_headers = robot_headers(ding.client_secret, at)
        assert (await post(f"{case.fabu.url}/dingtalk/robot", message, signed_headers)).status == 200
        await case.fabu.until_status("executing")
        picture = message | {"msgId": "2", "text": None, "msgtype": "picture"}
        assert (await post(f"{case.fabu.url}/dingtalk/robot", picture, signed_headers)).status == 200
