"""A strict Feishu open platform: tokens, messages and cards, contacts, approvals and the long connection.

It refuses what Feishu refuses, with Feishu's codes: foreign tokens, unknown receivers, invalid cards, cards older than
14 days, more than 5 messages or updates a second. The other half, Feishu calling the app, is `feishu_platform`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import web

from adapters.feishu.validate import problems

from .base import Simulator
from .feishu_api import Rate, Refused, Tokens, endpoint, parsed, text
from .feishu_approval import Approvals
from .feishu_cards import elements
from .feishu_socket import Sockets

HOUR = 3600.0
UPDATABLE = 14 * 24 * HOUR
RECEIVE_ID_TYPES = {"open_id", "chat_id", "email"}
TEXT_BYTES = 150 * 1024
POST_BYTES = 30 * 1024
POST_PARTS: dict[str, set[str]] = {
    "text": {"tag", "text"},
    "a": {"tag", "text", "href"},
    "at": {"tag", "user_id"},
}
"""The keys of those parts of a formatted message that an app of texts, links and mentions needs."""
BOT = "ou_bot"


@dataclass
class Message:
    """One message of a chat; of a card, `content` is what is shown now and `history` what was shown before."""

    message_id: str
    chat_id: str
    sender: str
    msg_type: str
    content: dict[str, Any]
    sent_at: float
    parent_id: str = ""
    recalled: bool = False
    history: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words of a text message, or of a formatted one."""
        if self.msg_type == "post":
            return "\n".join(
                "".join(part.get("text") or f"@{part['user_id']}" for part in line)
                for line in self.content["zh_cn"]["content"]
            )
        return str(self.content["text"])


class FeishuSimulator(Simulator):
    """One tenant with one app, its users and its chats."""

    app_id = "cli_fabu"
    app_secret = "feishu-app-secret"
    verification_token = "feishu-verification-token"
    encrypt_key = "feishu-encrypt-key"

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[str, dict[str, str]] = {}
        self.resigned: set[str] = set()
        self.chats: set[str] = set()
        self.scopes = {"im:message", "im:chat:readonly", "contact:user.id:readonly", "contact:contact.base:readonly"}
        self.scopes |= {"contact:user.email:readonly", "contact:user.phone:readonly", "approval:approval"}
        self.activate_status = 2
        self.takes_tables = True
        """Whether cards may have tables; not in the app of an old tenant."""
        self.messages: dict[str, Message] = {}
        self.tokens = Tokens(self.clock, {"app_id": self.app_id, "app_secret": self.app_secret})
        self.rate = Rate(self.clock)
        self.approvals = Approvals(self.clock)
        self.sockets = Sockets({"AppID": self.app_id, "AppSecret": self.app_secret}, lambda: self.url, self.notify)
        self._uuids: dict[str, Message] = {}
        self._numbers = count(1)

    def add_user(self, open_id: str, *, email: str = "", mobile: str = "") -> None:
        """Let a user exist, and be found by the given e-mail address and mobile number."""
        self.users[open_id] = {"email": email, "mobile": mobile}
        self.chats.add(self.chat_with(open_id))

    def add_chat(self, chat_id: str) -> None:
        """Let a group exist that the bot is in."""
        self.chats.add(chat_id)

    def chat_with(self, open_id: str) -> str:
        """Return the chat between a user and the bot."""
        return f"oc_p2p_{open_id}"

    def messages_in(self, chat_or_user: str) -> list[Message]:
        """Return what the bot sent to a chat, or to a user alone, oldest first."""
        chat = self.chat_with(chat_or_user) if chat_or_user in self.users else chat_or_user
        return [message for message in self.messages.values() if message.chat_id == chat and message.sender == BOT]

    def cards_in(self, chat_or_user: str) -> list[Message]:
        """Return the cards among `messages_in`."""
        return [message for message in self.messages_in(chat_or_user) if message.msg_type == "interactive"]

    def add_message(
        self, chat_id: str, sender: str, msg_type: str, content: dict[str, Any], parent_id: str = ""
    ) -> Message:
        """Put a message into a chat."""
        message_id = f"om_{next(self._numbers):032x}"
        message = Message(message_id, chat_id, sender, msg_type, content, self.clock.now(), parent_id)
        self.messages[message_id] = message
        return message

    def operation(self, request: web.Request) -> str:
        """Return the name of the API, as in `im.message.create`."""
        return request.match_info.route.name or request.path

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the open platform."""
        apis = [
            ("POST", "im/v1/messages", self._create, "im.message.create"),
            ("PATCH", "im/v1/messages/{message_id}", self._patch, "im.message.patch"),
            ("POST", "im/v1/messages/{message_id}/reply", self._reply, "im.message.reply"),
            ("GET", "im/v1/chats/{chat_id}/members/is_in_chat", self._in_chat, "im.chat.is_in_chat"),
            ("POST", "contact/v3/users/batch_get_id", self._lookup, "contact.user.batch_get_id"),
            ("GET", "contact/v3/users/{user_id}", self._user, "contact.user.get"),
            ("GET", "application/v6/scopes", self._scopes, "application.scope.list"),
            *self.approvals.apis(),
        ]
        return [
            web.post("/open-apis/auth/v3/tenant_access_token/internal", self.tokens.issue, name="auth.token"),
            web.get("/open-apis/bot/v3/info", endpoint(self.tokens, self._bot, under="bot"), name="bot.info"),
            *(web.route(m, f"/open-apis/{path}", endpoint(self.tokens, api), name=name) for m, path, api, name in apis),
            *self.sockets.routes(),
        ]

    async def stop(self) -> None:
        """Close the long connections, then the server."""
        await self.sockets.close()
        await super().stop()

    def _create(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        id_type = request.query.get("receive_id_type")
        if id_type not in RECEIVE_ID_TYPES:
            raise Refused(99992402, "field validation failed: receive_id_type")
        return self._deliver(self._chat(id_type, text(body, "receive_id")), body)

    def _reply(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        answered = self._message(request)
        return self._deliver(answered.chat_id, body, answered.message_id)

    def _patch(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        message = self._message(request)
        if message.sender != BOT or message.msg_type != "interactive":
            raise Refused(230001, "Your request contains an invalid request parameter, ext=this is not a card of yours")
        if message.sent_at < self.clock.now() - UPDATABLE:
            raise Refused(230031, "Message can only be modified within 14 days after sending.")
        self.rate.count(message.message_id)
        card = self._checked("interactive", body)
        message.history.append(message.content)
        message.content = card
        return {}

    def _lookup(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        if request.query.get("user_id_type") != "open_id":
            raise Refused(99992402, "field validation failed: user_id_type")
        found = []
        for kind, plural in (("email", "emails"), ("mobile", "mobiles")):
            wanted = body.get(plural) or []
            if len(wanted) > 50:
                raise Refused(40001, f"invalid parameter: {plural} has more than 50 entries")
            for value in wanted:
                owner = next((o for o, user in self.users.items() if _domestic(user[kind]) == _domestic(value)), None)
                found.append({kind: value} | ({"user_id": owner} if owner and owner not in self.resigned else {}))
        return {"user_list": found}

    def _user(self, request: web.Request, _: dict[str, Any]) -> dict[str, Any]:
        open_id = request.match_info["user_id"]
        if request.query.get("user_id_type") != "open_id":
            raise Refused(99992402, "field validation failed: user_id_type")
        if open_id not in self.users:
            raise Refused(41012, "user id invalid error")
        status = {"is_activated": True, "is_resigned": open_id in self.resigned, "is_frozen": False}
        return {"user": {"open_id": open_id, **self.users[open_id], "status": status}}

    def _scopes(self, _: web.Request, __: dict[str, Any]) -> dict[str, Any]:
        granted = [{"scope_name": name, "grant_status": 1} for name in sorted(self.scopes)]
        return {"scopes": [*granted, {"scope_name": "drive:drive", "grant_status": 2}]}

    def _bot(self, _: web.Request, __: dict[str, Any]) -> dict[str, Any]:
        return {"activate_status": self.activate_status, "app_name": "Fabu", "open_id": BOT}

    def _in_chat(self, request: web.Request, _: dict[str, Any]) -> dict[str, Any]:
        return {"is_in_chat": request.match_info["chat_id"] in self.chats}

    def _chat(self, id_type: str, receive_id: str) -> str:
        if id_type == "email":
            receive_id = next((open_id for open_id, user in self.users.items() if user["email"] == receive_id), "")
        chat = receive_id if id_type == "chat_id" else self.chat_with(receive_id)
        if chat not in self.chats:
            raise Refused(230001, "Your request contains an invalid request parameter, ext=invalid receive_id")
        return chat

    def _message(self, request: web.Request) -> Message:
        message = self.messages.get(request.match_info["message_id"])
        if message is None:
            raise Refused(230001, "Your request contains an invalid request parameter, ext=invalid message_id")
        if message.recalled:
            raise Refused(230011, "The message is recalled.")
        return message

    def _deliver(self, chat_id: str, body: dict[str, Any], parent_id: str = "") -> dict[str, Any]:
        uuid = text(body, "uuid", 50) if body.get("uuid") else ""
        known = self._uuids.get(uuid)
        if known and known.sent_at > self.clock.now() - HOUR:
            return {"message_id": known.message_id, "chat_id": known.chat_id}
        self.rate.count(chat_id)
        msg_type = text(body, "msg_type")
        message = self.add_message(chat_id, BOT, msg_type, self._checked(msg_type, body), parent_id)
        if uuid:
            self._uuids[uuid] = message
        return {"message_id": message.message_id, "chat_id": chat_id, "msg_type": msg_type, "parent_id": parent_id}

    def card_problems(self, card: dict[str, Any]) -> list[str]:
        """Return why Feishu refuses a card; empty if it takes it."""
        has_table = any(element["tag"] == "table" for element, _ in elements(card))
        if has_table and not self.takes_tables:
            return ["ErrCode: 200861; ErrMsg: cards no longer support this; ErrorValue: unsupported tag table"]
        return problems(card)

    def _checked(self, msg_type: str, body: dict[str, Any]) -> dict[str, Any]:
        content: dict[str, Any] = parsed(body, "content")
        if msg_type == "interactive":
            if found := self.card_problems(content):
                raise Refused(230099, f"Failed to create card content, ext={'; '.join(found)}")
        elif msg_type == "text":
            if not isinstance(content.get("text"), str) or len(json.dumps(content).encode()) > TEXT_BYTES:
                raise Refused(230001, "Your request contains an invalid request parameter, ext=invalid text")
        elif msg_type == "post":
            if len(json.dumps(body).encode()) > POST_BYTES or not _is_post(content):
                raise Refused(230001, "Your request contains an invalid request parameter, ext=invalid post")
        else:
            raise Refused(230001, "Your request contains an invalid request parameter, ext=invalid msg_type")
        return content


def _is_post(content: dict[str, Any]) -> bool:
    """Return whether a formatted message has a title and lines of parts, none of them empty."""
    posts = list(content.values())
    lines = [line for post in posts for line in post.get("content", ())]
    parts = [part for line in lines for part in line]
    return bool(parts) and all(
        part.keys() == POST_PARTS.get(part.get("tag"))
        and all(isinstance(value, str) and value for value in part.values())
        for part in parts
    )


def _domestic(address: str) -> str:
    """Return a mobile number of mainland China without +86, which may be left out of a question."""
    return address.removeprefix("+86")
