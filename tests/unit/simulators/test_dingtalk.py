from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from adapters.common.system import SystemClock
from adapters.dingtalk.client import Approvers, DingTalkClient, Space
from adapters.dingtalk.crypto import CardVerifier, EventCrypto, EventVerifier, RobotVerifier
from adapters.dingtalk.events import CardCallback, RobotMessage, parse_event
from adapters.dingtalk.settings import DingTalkSettings
from adapters.dingtalk.validate import FLAGS, PUBLIC, ROWS
from core.errors import Unauthorized
from tests.simulators.dingtalk import DingTalkSimulator
from tests.simulators.dingtalk_platform import Console

CARD_SECRET = "card-secret"


class Receiver:
    """The smallest app in HTTP mode: verifies, keeps what it got, answers."""

    def __init__(self, ding: DingTalkSimulator) -> None:
        self.got: list[Any] = []
        console = Console()
        self._robot = RobotVerifier(ding.client_secret, ding.robot_code)
        self._card = CardVerifier(CARD_SECRET)
        self._events = EventVerifier(EventCrypto(console.token, console.aes_key, ding.client_id))

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post(f"/{name}", getattr(self, name)) for name in ("robot", "card", "events")])
        return app

    async def robot(self, request: web.Request) -> web.Response:
        body = self._robot.verify(request.headers, await request.read(), datetime.now(UTC))
        self.got.append(RobotMessage.model_validate(body))
        return web.json_response({})

    async def card(self, request: web.Request) -> web.Response:
        try:
            body = self._card.verify(request.headers, await request.read(), datetime.now(UTC))
        except Unauthorized:
            return web.Response(status=401)
        self.got.append(CardCallback.model_validate(body))
        return web.json_response({"userPrivateData": {"cardParamMap": {"note": "收到"}}})

    async def events(self, request: web.Request) -> web.Response:
        body = self._events.verify(request.query, await request.read(), datetime.now(UTC))
        self.got.append(body if parse_event(body["EventType"], body) else None)
        return web.json_response(self._events.answer(datetime.now(UTC)))


@pytest.fixture
async def ding() -> AsyncIterator[DingTalkSimulator]:
    async with DingTalkSimulator() as simulator:
        simulator.add_user("alice")
        simulator.add_user("bob")
        simulator.add_group("cid1", "alice", "bob")
        yield simulator


@pytest.fixture
async def client(ding: DingTalkSimulator) -> AsyncIterator[DingTalkClient]:
    settings = DingTalkSettings(
        client_id=ding.client_id,
        client_secret=ding.client_secret,
        robot_code=ding.robot_code,
        card_template_id=ding.card_template_id,
        mode="http",
        api_url=ding.url,
        oapi_url=ding.url,
        webhook_hosts=("127.0.0.1",),
    )
    async with aiohttp.ClientSession() as session:
        yield DingTalkClient(settings, session, SystemClock())


@pytest.fixture
async def receiver(ding: DingTalkSimulator, client: DingTalkClient) -> AsyncIterator[Receiver]:
    receiver = Receiver(ding)
    async with TestServer(receiver.app()) as server:
        ding.console = Console(str(server.make_url("/robot")), str(server.make_url("/events")))
        await client.register_card_callback(str(server.make_url("/card")), CARD_SECRET)
        yield receiver


PARTS = ("risk", "changes", "votes", "rest")


def params(**changes: str) -> dict[str, str]:
    return {name: "false" if name in FLAGS else "" for name in PUBLIC} | {"status_color": "blue"} | changes


async def test_messages_over_http_and_their_reply(
    ding: DingTalkSimulator, receiver: Receiver, client: DingTalkClient
) -> None:
    assert (await ding.say("alice", "列表", group="cid1")).status == 200
    (message,) = receiver.got
    assert (message.sender_staff_id, message.command, message.conversation_id) == ("alice", "列表", "cid1")
    await client.reply_session_webhook(message.session_webhook, "text", {"content": "没有计划"})
    assert [said.text for said in ding.robot_messages("cid1")] == ["没有计划"]


async def test_a_message_from_outside_the_organisation_has_no_user_id(
    ding: DingTalkSimulator, receiver: Receiver
) -> None:
    await ding.say("stranger", "列表", group="cid1")
    assert receiver.got[0].sender_staff_id == ""


async def test_clicks_over_http(ding: DingTalkSimulator, receiver: Receiver, client: DingTalkClient) -> None:
    shown = params(ref="r1", show_reject="true", show_input="true")
    await client.create_and_deliver("c1", Space("group", "cid1"), shown)
    (card,) = ding.cards("cid1")
    assert (await ding.click("bob", card, "reject", text="太晚了")).status == 200
    (click,) = receiver.got
    assert (click.user_id, click.verb, click.ref, click.text) == ("bob", "reject", "r1", "太晚了")
    assert ding.vars_of(card, "bob")["note"] == "收到"
    assert "note" not in ding.vars_of(card, "alice")


async def test_a_clock_that_is_off_is_refused(
    ding: DingTalkSimulator, receiver: Receiver, client: DingTalkClient
) -> None:
    await client.create_and_deliver("c1", Space("user", "bob"), params(show_approve="true"))
    (card,) = ding.cards("bob")
    ding.clock.advance(600)
    assert (await ding.click("bob", card, "approve")).status == 401
    assert receiver.got == []


async def test_events_over_http(ding: DingTalkSimulator, receiver: Receiver, client: DingTalkClient) -> None:
    ding.workflow.add_form("PROC-1", "plan")
    steps = [Approvers("OR", ["alice", "bob"]), Approvers("NONE", ["alice"])]
    instance = await client.start_process("PROC-1", "alice", {"plan": "#12"}, steps)
    answers = await ding.workflow.decide(instance, "bob", "agree", "好")
    answers += await ding.workflow.decide(instance, "alice", "refuse")
    assert [answer.body for answer in answers] == ["success"] * 3
    first, _, last = receiver.got
    assert (first["staffId"], first["result"], first["remark"]) == ("bob", "agree", "好")
    assert (last["processInstanceId"], last["type"], last["result"]) == (instance, "finish", "refuse")
    assert (await client.get_process(instance)).status == "COMPLETED"


async def test_the_event_address_is_tried_out(ding: DingTalkSimulator, receiver: Receiver) -> None:
    assert (await ding.check_url()).body == "success"
    assert receiver.got == [None]


async def test_everybody_must_agree_where_all_are_asked(
    ding: DingTalkSimulator, receiver: Receiver, client: DingTalkClient
) -> None:
    ding.workflow.add_form("PROC-1", "plan")
    steps = [Approvers("AND", ["alice", "bob"])]
    instance = await client.start_process("PROC-1", "alice", {"plan": "#12"}, steps)
    await ding.workflow.decide(instance, "bob", "agree")
    assert (await client.get_process(instance)).status == "RUNNING"
    await ding.workflow.decide(instance, "alice", "agree")
    assert (await client.get_process(instance)).result == "agree"
    assert len(receiver.got) == 3


async def call(ding: DingTalkSimulator, path: str, body: dict[str, Any], token: str | None = None) -> dict[str, Any]:
    headers = {"x-acs-dingtalk-access-token": token} if token else {}
    async with aiohttp.ClientSession() as session, session.post(ding.url + path, json=body, headers=headers) as reply:
        answer: dict[str, Any] = await reply.json()
        return answer


async def token_of(ding: DingTalkSimulator) -> str:
    secret = {"appKey": ding.client_id, "appSecret": ding.client_secret}
    return str((await call(ding, "/v1.0/oauth2/accessToken", secret))["accessToken"])


def creation(ding: DingTalkSimulator) -> dict[str, Any]:
    return {
        "cardTemplateId": ding.card_template_id,
        "outTrackId": "c1",
        "callbackType": "STREAM",
        "cardData": {"cardParamMap": params()},
        "openSpaceId": "dtv1.card//IM_ROBOT.alice",
        "imRobotOpenSpaceModel": {"supportForward": False},
        "imRobotOpenDeliverModel": {"robotCode": ding.robot_code, "spaceType": "IM_ROBOT"},
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"cardTemplateId": "other"}, "param.templateNotExist"),
        ({"cardData": {"cardParamMap": {"title": "x"}}}, "invalidParameter"),
        ({"cardData": {"cardParamMap": params(ask="发" * 342)}}, "invalidParameter"),
        ({"cardData": {"cardParamMap": {**params(), "ask": 7}}}, "invalidParameter"),
        ({"cardData": {"cardParamMap": {**params(), "item": ""}}}, "invalidParameter"),
        ({"cardData": {"cardParamMap": params(n1_skip="yes")}}, "invalidParameter"),
        (
            {"cardData": {"cardParamMap": params(**dict.fromkeys((*ROWS, *PARTS), "a" * 1024))}},
            "invalidParameter",
        ),
        ({"openSpaceId": "alice"}, "invalidParameter"),
        ({"openSpaceId": "dtv1.card//IM_GROUP.cid1"}, "invalidParameter"),
        ({"imRobotOpenDeliverModel": {"robotCode": "other", "spaceType": "IM_ROBOT"}}, "param.robotCodeError"),
        ({"callbackType": "HTTP", "callbackRouteKey": "none"}, "param.callbackRouteKeyNotExist"),
        ({"colour": "red"}, "invalidParameter"),
    ],
)
async def test_a_wrong_card_is_refused(ding: DingTalkSimulator, changes: dict[str, Any], code: str | None) -> None:
    body = {**creation(ding), **changes}
    answer = await call(ding, "/v1.0/card/instances/createAndDeliver", body, await token_of(ding))
    assert answer.get("code") == code


async def test_a_token_ends_after_two_hours(ding: DingTalkSimulator) -> None:
    token = await token_of(ding)
    ding.clock.advance(7201)
    answer = await call(ding, "/v1.0/card/instances/createAndDeliver", creation(ding), token)
    assert answer["code"] == "InvalidAuthentication"


@pytest.mark.parametrize(("late", "used"), [(91, False), (0, True)])
async def test_a_ticket_is_good_once_and_for_90_seconds(ding: DingTalkSimulator, late: float, used: bool) -> None:
    body = {
        "clientId": ding.client_id,
        "clientSecret": ding.client_secret,
        "subscriptions": [{"type": "EVENT", "topic": "*"}],
    }
    opened = await call(ding, "/v1.0/gateway/connections/open", body)
    address = {"url": opened["endpoint"], "params": {"ticket": opened["ticket"]}}
    async with aiohttp.ClientSession() as session:
        if used:
            async with session.ws_connect(**address):
                pass
        ding.clock.advance(late)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(**address)


async def test_a_card_without_callback_address_is_clicked_over_stream(ding: DingTalkSimulator) -> None:
    await call(ding, "/v1.0/card/instances/createAndDeliver", creation(ding), await token_of(ding))
    (card,) = ding.cards("alice")
    with pytest.raises(ConnectionError, match="not connected"):
        await ding.click_raw("alice", card.out_track_id, ["approve"], {})
