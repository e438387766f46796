"""A strict DingTalk: one organisation with one app, its people, groups, cards, robot messages and approval forms.

It runs in a thread of its own. The app under test calls `url` (both the open API and the older one); the test acts as
the people: `say`, `click`, and decisions on forms. They reach the app over HTTP if a `Console` is set or a callback
address is registered for the card, and over Stream otherwise.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import web

from .dingtalk_api import Json, Refused, Tokens, endpoint
from .dingtalk_gateway import Gateway
from .dingtalk_platform import (
    CARD_SECONDS,
    CARD_TOPIC,
    CHECK_SECONDS,
    ROBOT_TOPIC,
    SECONDS,
    Answer,
    Console,
    EventSeal,
    card_headers,
    post,
    post_event,
    robot_headers,
)
from .dingtalk_schema import (
    SESSION_MESSAGES,
    CardAnswer,
    CreateCard,
    RegisterCallback,
    SendGroup,
    SendUsers,
    UpdateCard,
)
from .dingtalk_thread import ThreadSimulator
from .dingtalk_workflow import Workflow

ROBOT = "$:LWCP_v1:robot"
_SESSION_LIFE = 2 * 3600


@dataclass
class Card:
    """One card; `params` is what everybody sees now and `history` what they saw before."""

    out_track_id: str
    chat: str
    params: dict[str, str]
    private: dict[str, dict[str, str]]
    callback_route_key: str = ""
    history: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class RobotMessage:
    """One message of the robot in a chat; replies over a session webhook have the key `text`."""

    chat: str
    msg_key: str
    params: Json

    @property
    def text(self) -> str:
        """The words of the message."""
        return str(self.params.get("text") or self.params.get("content"))


class CannotClick(AssertionError):
    """The person does not see such a button, or has no field to type into."""


class DingTalkSimulator(ThreadSimulator):
    """The organisation `ding_corp` and the app `ding_app`."""

    corp_id = "ding_corp"
    client_id = "ding_app"
    client_secret = "ding-app-secret"
    robot_code = "ding_app"
    card_template_id = "fabu.schema"

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[str, str] = {}
        self.mailboxes: dict[str, str] = {}
        self.inactive: set[str] = set()
        self.groups: dict[str, set[str]] = {}
        self.undeliverable: dict[str, str] = {}
        self.sent: list[RobotMessage] = []
        self.tokens = Tokens(self.clock, self.client_id, self.client_secret)
        self.gateway = Gateway(self.clock, self.client_id, self.client_secret, lambda: self.url, self.notify)
        self.workflow = Workflow(self.clock, lambda: set(self.users), self.event)
        self.console: Console | None = None
        self.proxied: dict[str, str] = {}
        """Where the addresses behind a reverse proxy are served, by their public beginning."""
        self._cards: dict[str, Card] = {}
        self._callbacks: dict[str, RegisterCallback] = {}
        self._sessions: dict[str, tuple[str, float]] = {}
        self._numbers = count(1)

    # What a test arranges and looks at.

    def add_user(self, user_id: str, mobile: str = "", mailbox: str = "", *, active: bool = True) -> None:
        """Let a member of the organisation exist; one who is not active has never signed in to DingTalk."""
        self.users[user_id] = mobile
        self.mailboxes[user_id] = mailbox
        if not active:
            self.inactive.add(user_id)

    def add_group(self, conversation_id: str, *members: str) -> None:
        """Let a group exist that the robot is in."""
        self.groups[conversation_id] = set(members)

    def cards(self, chat: str) -> list[Card]:
        """Return the cards in a group, or in a user's chat with the robot, oldest first."""
        return [card for card in self._cards.values() if card.chat == chat]

    def remove_card(self, out_track_id: str) -> None:
        """Let a card vanish."""
        del self._cards[out_track_id]

    def vars_of(self, card: Card, user: str = "") -> dict[str, str]:
        """Return the variables of a card as everybody sees them now, or as one user does."""
        return {**card.params, **card.private.get(user, {})}

    def robot_messages(self, chat: str) -> list[RobotMessage]:
        """Return what the robot said in a group or to a user, oldest first."""
        return [message for message in self.sent if message.chat == chat]

    # What people and the platform do.

    def offers(self, card: Card, verb: str, item: str = "", user: str = "") -> str:
        """Return the variable with the reference that a button sends; empty if the card shows no such button.

        A button for an item stands in each slot that shows it; with `item`, in the slot with this text.
        """
        shown = self.vars_of(card, user)
        if not item and shown.get(f"show_{verb}") == "true":
            return "ref"
        slots = (slot for slot in ("n1", "n2", "n3") if shown[f"show_{slot}"] == "true" and item in shown[slot])
        return next((f"{slot}_ref" for slot in slots if shown.get(f"{slot}_{verb}") == "true"), "")

    async def click(self, user: str, card: Card, verb: str, text: str = "", item: str = "") -> Answer:
        """Press a button that the card shows to this user, and show what the app answers.

        With `item`, the button of the slot with this text. A text is typed into the input above the button.
        """
        shown = self.vars_of(card, user)
        if user != card.chat and user not in self.groups.get(card.chat, ()):
            raise CannotClick(f"{user} does not see this card")
        ref = self.offers(card, verb, item, user)
        if not ref:
            raise CannotClick(f"there is no button {verb}; status: {shown.get('status')}")
        if text and shown["show_input" if ref == "ref" else "show_input_item"] != "true":
            raise CannotClick("there is no field to type into")
        answer = await self.click_raw(user, card.out_track_id, [verb], {"ref": shown[ref], "text": text})
        if answer.status == 200:
            self._show(user, card, CardAnswer.model_validate(answer.body or {}))
        return answer

    async def click_raw(self, user: str, out_track_id: str, action_ids: list[str], params: Json) -> Answer:
        """Send a click as it is, whatever the card shows; raise TimeoutError if the app takes over 2 seconds."""
        card = self._cards.get(out_track_id)
        private = {"cardPrivateData": {"actionIds": action_ids, "params": params}}
        body = {
            "type": "actionCallback",
            "outTrackId": out_track_id,
            "corpId": self.corp_id,
            "userId": user,
            "userIdType": 1,
            "extension": "{}",
            "content": json.dumps(private, ensure_ascii=False),
            "value": json.dumps(private, ensure_ascii=False),
        }
        callback = self._callbacks.get(card.callback_route_key) if card else None
        if callback:
            headers = card_headers(callback.api_secret, self.milliseconds())
            return await post(self._served(callback.callback_url), body, headers, CARD_SECONDS)
        ack = await self.push("CALLBACK", {"topic": CARD_TOPIC}, body, CARD_SECONDS)
        return Answer(ack["code"], json.loads(ack["data"])["response"])

    async def say(self, user: str, text: str, group: str = "", **changes: Any) -> Answer:
        """Write to the robot, in private or with a mention in a group; `changes` replace fields of the message.

        Members who are mentioned (`@carol`) are in `atUsers`, as is the robot, whose mention is not in the text.
        """
        mentioned = [name for name in re.findall(r"@(\S+)", text) if name in self.users]
        robot = [{"dingtalkId": ROBOT}] if group else []
        session = f"session-{next(self._numbers)}"
        self._sessions[session] = (group or user, self.clock.now() + _SESSION_LIFE)
        body = {
            "msgId": f"msg-{next(self._numbers)}",
            "conversationId": group or f"cid-{user}",
            "conversationType": "2" if group else "1",
            "chatbotCorpId": self.corp_id,
            "chatbotUserId": ROBOT,
            "atUsers": robot + [{"dingtalkId": f"$:LWCP_v1:{name}", "staffId": name} for name in mentioned],
            "robotCode": self.robot_code,
            "senderId": f"$:LWCP_v1:{user}",
            "senderNick": user,
            "senderCorpId": self.corp_id,
            **({"senderStaffId": user} if user in self.users else {}),
            "sessionWebhook": f"{self.url}/robot/sendBySession?session={session}",
            "sessionWebhookExpiredTime": int((self.clock.now() + _SESSION_LIFE) * 1000),
            "createAt": int(self.clock.now() * 1000),
            "isInAtList": bool(group),
            "msgtype": "text",
            **({} if "msgtype" in changes else {"text": {"content": f" {text}" if group else text}}),
            **changes,
        }
        if self.console:
            return await post(self.console.robot_url, body, robot_headers(self.client_secret, self.milliseconds()))
        ack = await self.push("CALLBACK", {"topic": ROBOT_TOPIC}, body, SECONDS)
        return Answer(ack["code"], json.loads(ack["data"])["response"])

    async def event(self, event_type: str, fields: Json, event_id: str = "") -> Answer:
        """Tell the app of an event; the answer's body is `success` over HTTP, SUCCESS or LATER over Stream."""
        event_id = event_id or f"event-{next(self._numbers)}"
        if self.console:
            names = {"EventType": event_type, "eventId": event_id, "CorpId": self.corp_id}
            return await post_event(self.console.events_url, self.seal(), names | fields, self.milliseconds())
        headers = {"topic": "*", "eventType": event_type, "eventId": event_id, "eventCorpId": self.corp_id}
        ack = await self.push("EVENT", headers | {"eventBornTime": self.milliseconds()}, fields, SECONDS)
        return Answer(ack["code"], json.loads(ack["data"])["status"])

    async def check_url(self) -> Answer:
        """Try out the app's event address, as the console does; it has 1.5 seconds."""
        assert self.console
        url = self.console.events_url
        return await post_event(url, self.seal(), {"EventType": "check_url"}, self.milliseconds(), CHECK_SECONDS)

    async def push(self, kind: str, headers: Json, data: Json, seconds: float = SECONDS) -> Json:
        """Send one frame over the Stream and return its acknowledgement."""
        return await self.there(self.gateway.push(kind, headers, data, seconds))

    def milliseconds(self) -> str:
        """Return the simulator's time as DingTalk writes it into signatures."""
        return str(int(self.clock.now() * 1000))

    def seal(self) -> EventSeal:
        """Return the crypto of the event subscription that the console holds."""
        console = self.console or Console()
        return EventSeal(console.token, console.aes_key, self.client_id)

    # What the app calls.

    def operation(self, request: web.Request) -> str:
        """Return the name of the API, as in `card.create`."""
        return request.match_info.route.name or request.path

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the open API, the older API and the Stream gateway."""
        apis = [
            ("POST", "card/instances/createAndDeliver", self._create_card, "card.create"),
            ("PUT", "card/instances", self._update_card, "card.update"),
            ("POST", "card/callbacks/register", self._register, "card.register"),
            ("POST", "robot/oToMessages/batchSend", self._send_users, "robot.users"),
            ("POST", "robot/groupMessages/send", self._send_group, "robot.group"),
            ("POST", "robot/groups/robots/query", self._list_robots, "robot.list"),
            ("POST", "workflow/processInstances", self.workflow.start, "workflow.start"),
            ("GET", "workflow/processInstances", self.workflow.get, "workflow.get"),
            ("POST", "workflow/processInstances/comments", self.workflow.comment, "workflow.comment"),
            ("POST", "workflow/processInstances/terminate", self.workflow.terminate, "workflow.terminate"),
            ("POST", "workflow/processes/instanceIds/query", self.workflow.list_ids, "workflow.list"),
        ]
        return [
            *(web.route(m, f"/v1.0/{path}", endpoint(act, self.tokens), name=name) for m, path, act, name in apis),
            web.post("/v1.0/oauth2/accessToken", endpoint(self.tokens.issue, None), name="token"),
            web.post("/v1.0/gateway/connections/open", endpoint(self.gateway.open, None), name="gateway.open"),
            web.get("/connect", self.gateway.connect, name="gateway.connect"),
            web.post("/topapi/v2/user/getbymobile", self._user_by_mobile, name="user.by_mobile"),
            web.post("/topapi/v2/user/get", self._get_user, name="user.get"),
            web.post("/robot/sendBySession", self._reply, name="robot.session"),
        ]

    async def disconnect(self) -> None:
        """End the Stream."""
        await self.gateway.close()

    async def _create_card(self, body: Json) -> Json:
        asked = CreateCard.model_validate(body)
        if asked.card_template_id != self.card_template_id:
            raise Refused("param.templateNotExist", "卡片模板不存在")
        if asked.robot_code != self.robot_code:
            raise Refused("param.robotCodeError", "robotCode 不存在")
        if asked.callback_type == "HTTP" and asked.callback_route_key not in self._callbacks:
            raise Refused("param.callbackRouteKeyNotExist", "callbackRouteKey 未注册")
        reason = ""
        if asked.out_track_id not in self._cards:  # one that could not be delivered is there as well, and stays unseen
            reason = self._undeliverable(asked.chat)
            private = {user: data.card_param_map for user, data in asked.private_data.items()}
            chat, params = "" if reason else asked.chat, asked.card_data.card_param_map
            card = Card(asked.out_track_id, chat, params, private, asked.callback_route_key)
            self._cards[asked.out_track_id] = card
        result = {"spaceId": asked.chat, "spaceType": "IM", "success": not reason, "errorMsg": reason}
        return {"success": True, "result": {"outTrackId": asked.out_track_id, "deliverResults": [result]}}

    async def _update_card(self, body: Json) -> Json:
        asked = UpdateCard.model_validate(body)
        card = self._cards.get(asked.out_track_id)
        if card is None:
            raise Refused("param.outTrackIdNotExist", "卡片不存在")
        options = asked.card_update_options
        if asked.card_data:
            kept = card.params if options.update_card_data_by_key else {}
            card.history.append(card.params)
            card.params = {**kept, **asked.card_data.card_param_map}
        for user, data in asked.private_data.items():
            kept = card.private.get(user, {}) if options.update_private_data_by_key else {}
            card.private[user] = {**kept, **data.card_param_map}
        return {"success": True, "result": True}

    async def _register(self, body: Json) -> Json:
        asked = RegisterCallback.model_validate(body)
        if asked.callback_route_key in self._callbacks and not asked.force_update:
            raise Refused("param.callbackRouteKeyExist", "callbackRouteKey 已存在")
        self._callbacks[asked.callback_route_key] = asked
        return {"success": True, "result": {"callbackUrl": asked.callback_url, "apiSecret": asked.api_secret}}

    async def _send_users(self, body: Json) -> Json:
        asked = SendUsers.model_validate(body)
        self._robot(asked.robot_code)
        invalid = [user for user in asked.user_ids if user not in self.users]
        for user in asked.user_ids:
            if user in self.users:
                self.sent.append(RobotMessage(user, asked.msg_key, asked.params))
        return {"processQueryKey": "key", "invalidStaffIdList": invalid, "flowControlledStaffIdList": []}

    async def _send_group(self, body: Json) -> Json:
        asked = SendGroup.model_validate(body)
        self._robot(asked.robot_code)
        if asked.open_conversation_id not in self.groups:
            raise Refused("miss.openConversationId", "群不存在或机器人不在群内")
        self.sent.append(RobotMessage(asked.open_conversation_id, asked.msg_key, asked.params))
        return {"processQueryKey": "key"}

    async def _user_by_mobile(self, request: web.Request) -> web.Response:
        if not self.tokens.good(request.query.get("access_token", "")):
            return web.json_response({"errcode": 40014, "errmsg": "不合法的access_token"})
        mobile = (await request.json())["mobile"]
        for user, known in self.users.items():
            if mobile and mobile == known:
                return web.json_response({"errcode": 0, "errmsg": "ok", "result": {"userid": user}})
        return web.json_response({"errcode": 60121, "errmsg": "找不到该用户"})

    async def _get_user(self, request: web.Request) -> web.Response:
        if not self.tokens.good(request.query.get("access_token", "")):
            return web.json_response({"errcode": 40014, "errmsg": "不合法的access_token"})
        user = (await request.json())["userid"]
        if user not in self.users:
            return web.json_response({"errcode": 60121, "errmsg": "找不到该用户"})
        profile = {
            "userid": user,
            "name": user,
            "active": user not in self.inactive,
            "mobile": self.users[user],
            "email": "whatever-i-like@example.com",
            "org_email": self.mailboxes[user],
        }
        return web.json_response({"errcode": 0, "errmsg": "ok", "result": profile})

    async def _list_robots(self, body: Json) -> Json:
        if body["openConversationId"] not in self.groups:
            raise Refused("miss.openConversationId", "群不存在或机器人不在群内")
        return {"chatbotInstanceVOList": [{"robotCode": self.robot_code, "name": "Fabu", "openRobotType": 4}]}

    async def _reply(self, request: web.Request) -> web.Response:
        chat, ends = self._sessions.get(request.query.get("session", ""), ("", 0.0))
        if ends < self.clock.now():
            return web.json_response({"errcode": 300001, "errmsg": "session 不存在或已过期"})
        body = await request.json()
        kind = body.get("msgtype")
        if kind not in SESSION_MESSAGES or not all(body[kind].get(name) for name in SESSION_MESSAGES[kind]):
            return web.json_response({"errcode": 40035, "errmsg": "缺少参数"})
        self.sent.append(RobotMessage(chat, kind, body[kind]))
        return web.json_response({"errcode": 0, "errmsg": "ok"})

    def _served(self, url: str) -> str:
        return next(
            (url.replace(public, inner, 1) for public, inner in self.proxied.items() if url.startswith(public)), url
        )

    def _robot(self, code: str) -> None:
        if code != self.robot_code:
            raise Refused("invalidRobotCode", "robotCode 不存在")

    def _undeliverable(self, chat: str) -> str:
        known = chat in self.users or chat in self.groups
        return self.undeliverable.get(chat, "" if known else "space not found")

    @staticmethod
    def _show(user: str, card: Card, answer: CardAnswer) -> None:
        if answer.card_data:
            card.history.append(card.params)
            kept = card.params if answer.card_update_options.update_card_data_by_key else {}
            card.params = {**kept, **answer.card_data.card_param_map}
        if answer.user_private_data:
            kept = card.private.get(user, {}) if answer.card_update_options.update_private_data_by_key else {}
            card.private[user] = {**kept, **answer.user_private_data.card_param_map}
