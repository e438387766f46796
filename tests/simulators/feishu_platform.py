"""Feishu as the caller: what its users do reaches the app as events, over HTTP or the long connection.

Encryption and signature are made here by means of their own (pycryptodome, hashlib), not by the adapter's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

from adapters.feishu.validate import problems

from .feishu import BOT, UPDATABLE, FeishuSimulator, Message
from .feishu_cards import Button, buttons, elements, fields

_MENTION = re.compile(r"@(ou_\w+)")
ANSWER_WITHIN = aiohttp.ClientTimeout(total=3)


@dataclass(frozen=True)
class Answer:
    """What the app answered to an event; `envelope` can be pushed again."""

    status: int
    body: dict[str, Any]
    envelope: dict[str, Any] = field(repr=False)

    @property
    def toast(self) -> str:
        """The short text that only the person who clicked sees, or an empty string."""
        return str(self.body.get("toast", {}).get("content", ""))

    @property
    def card(self) -> dict[str, Any] | None:
        """The card that replaces the clicked one at once, if any."""
        card = self.body.get("card")
        return card["data"] if card else None


def encrypted(envelope: dict[str, Any], encrypt_key: str) -> bytes:
    """Return the body in which Feishu sends an event when an Encrypt Key is set."""
    iv = os.urandom(AES.block_size)
    cipher = AES.new(hashlib.sha256(encrypt_key.encode()).digest(), AES.MODE_CBC, iv)
    data = iv + cipher.encrypt(pad(json.dumps(envelope).encode(), AES.block_size))
    return json.dumps({"encrypt": base64.b64encode(data).decode()}, separators=(",", ":")).encode()


def signed(body: bytes, encrypt_key: str, timestamp: float, nonce: str = "nonce") -> dict[str, str]:
    """Return the headers in which Feishu proves that it sent `body` at `timestamp` (unix seconds)."""
    seconds = str(int(timestamp))
    digest = hashlib.sha256(f"{seconds}{nonce}{encrypt_key}".encode() + body).hexdigest()
    return {"X-Lark-Request-Timestamp": seconds, "X-Lark-Request-Nonce": nonce, "X-Lark-Signature": digest}


class FeishuPlatform:
    """Pushes events to the app: to `events_url`, or without one over the long connection."""

    def __init__(self, simulator: FeishuSimulator, events_url: str = "") -> None:
        self._simulator = simulator
        self._url = events_url

    async def click(
        self, user: str, message: Message, button: str, form_value: dict[str, Any] | None = None, beside: str = ""
    ) -> Answer:
        """Press the button of that name or text in the shown card, after filling the form around it.

        `beside` is a part of the text that it stands beside, where several have the same text.

        AssertionError if a person could not do so: no such button, a required field left empty, a card too old.
        """
        found = [one for one in buttons(message.content) if button in {one.name, one.text} and beside in one.beside]
        assert found, f"no button {button!r} among {[one.text for one in buttons(message.content)]}"
        pressed = found[0]
        assert pressed.value is not None, f"{button!r} opens {pressed.url}, it sends nothing"
        assert message.sent_at > self._simulator.clock.now() - UPDATABLE, "cards can be used for 14 days"
        action: dict[str, Any] = {"value": pressed.value, "tag": "button", "name": pressed.name}
        if pressed.submits:
            action["form_value"] = _filled(pressed, form_value or {})
        else:
            assert not form_value, f"{button!r} does not submit a form"
        answer = await self.click_raw(user, message, action)
        if answer.card is not None:
            if not self._simulator.takes_tables and self._simulator.card_problems(answer.card):
                return answer  # whoever clicked sees that something went wrong, and the card stays
            assert not problems(answer.card), problems(answer.card)
            message.history.append(message.content)
            message.content = answer.card
        return answer

    async def pick(self, user: str, message: Message, option: str) -> Answer:
        """Pick the option of that text in the list of the shown card."""
        menus = [one for one, _ in elements(message.content) if one["tag"] == "select_static"]
        found = [(m, each) for m in menus for each in m["options"] if each["text"]["content"] == option]
        assert found, f"no option {option!r} in {menus}"
        menu, picked = found[0]
        [value] = [each["value"] for each in menu["behaviors"] if each["type"] == "callback"]
        return await self.click_raw(user, message, {"value": value, "tag": menu["tag"], "option": picked["value"]})

    async def click_raw(self, user: str, message: Message, action: dict[str, Any]) -> Answer:
        """Send a card callback with any `action`, whether the card has such a button or not."""
        event = {
            "operator": {"tenant_key": "tenant", "open_id": user, "union_id": f"on_{user}"},
            "token": f"c-{uuid.uuid4().hex}",
            "action": {"timezone": "Asia/Shanghai", **action},
            "host": "im_message",
            "context": {"open_message_id": message.message_id, "open_chat_id": message.chat_id},
        }
        return await self.push(self.envelope("card.action.trigger", event))

    async def write(self, user: str, text: str, chat_id: str = "") -> Answer:
        """Write to the bot: in a group by mentioning it, first unless the text does; without `chat_id` to it alone."""
        return await self.talk(user, text if not chat_id or f"@{BOT}" in text else f"@{BOT} {text}", chat_id)

    async def talk(self, user: str, text: str, chat_id: str = "") -> Answer:
        """Write in a chat whose messages the app gets all; `@ou_…` mentions a user, `@all` everybody."""
        keys = {name: f"@_user_{number}" for number, name in enumerate(dict.fromkeys(_MENTION.findall(text)), 1)}
        content = {"text": _MENTION.sub(lambda found: keys[found[1]], text).replace("@all", "@_all")}
        mentions = [
            {"key": key, "id": {"open_id": name}, "name": name.title(), "tenant_key": "tenant"}
            for name, key in keys.items()
        ]
        if "@_all" in content["text"]:
            mentions.append({"key": "@_all", "id": {"open_id": ""}, "name": "所有人", "tenant_key": "tenant"})
        return await self.send(user, "text", content, mentions, chat_id)

    async def send(
        self, user: str, kind: str, content: dict[str, Any], mentions: list[dict[str, Any]], chat_id: str = ""
    ) -> Answer:
        """Send a message of any type."""
        message = self._simulator.add_message(chat_id or self._simulator.chat_with(user), user, kind, content)
        event = {
            "sender": {"sender_id": {"open_id": user}, "sender_type": "user", "tenant_key": "tenant"},
            "message": {
                "message_id": message.message_id,
                "create_time": str(int(message.sent_at * 1000)),
                "chat_id": message.chat_id,
                "chat_type": "group" if chat_id else "p2p",
                "message_type": kind,
                "content": json.dumps(content),
                **({"mentions": mentions} if mentions else {}),
            },
        }
        return await self.push(self.envelope("im.message.receive_v1", event))

    async def decide(self, user: str, instance_code: str, decision: str, comment: str = "") -> list[Answer]:
        """Let an approver decide (APPROVED or REJECTED) on an approval form; the app hears of it if it subscribed."""
        task, ended = self._simulator.approvals.decide(instance_code, user, decision, comment)
        answers = []
        if self._simulator.approvals.instances[instance_code].approval_code in self._simulator.approvals.subscribed:
            task_event = {"task_id": task.task_id, "open_id": user, "user_id": "", "status": decision}
            answers.append(await self.push_approval("approval_task", instance_code, task_event))
            if ended:
                answers.append(await self.push_approval("approval_instance", instance_code, {"status": ended}))
        return answers

    async def push_approval(self, kind: str, instance_code: str, changed: dict[str, Any]) -> Answer:
        """Push an approval event, which comes in the old (1.0) envelope."""
        instance = self._simulator.approvals.instances[instance_code]
        event = {
            "app_id": self._simulator.app_id,
            "tenant_key": "tenant",
            "type": kind,
            "approval_code": instance.approval_code,
            "instance_code": instance_code,
            "operate_time": str(int(self._simulator.clock.now() * 1000)),
            "uuid": instance.uuid,
            **changed,
        }
        envelope = {
            "uuid": uuid.uuid4().hex,
            "token": self._simulator.verification_token,
            "ts": f"{self._simulator.clock.now():.7f}",
            "type": "event_callback",
            "event": event,
        }
        return await self.push(envelope)

    async def register(self) -> Answer:
        """Ask the app to prove that the address is its own, as when it is entered in the developer console."""
        challenge = {"challenge": f'"{uuid.uuid4()}"', "token": self._simulator.verification_token}
        answer = await self.push({**challenge, "type": "url_verification"})
        assert answer.body == {"challenge": challenge["challenge"]}, answer
        return answer

    def envelope(self, event_type: str, event: dict[str, Any]) -> dict[str, Any]:
        """Wrap an event in the present (2.0) envelope."""
        header = {
            "event_id": uuid.uuid4().hex,
            "token": self._simulator.verification_token,
            "create_time": str(int(self._simulator.clock.now() * 1_000_000)),
            "event_type": event_type,
            "tenant_key": "tenant",
            "app_id": self._simulator.app_id,
        }
        return {"schema": "2.0", "header": header, "event": event}

    async def push(self, envelope: dict[str, Any]) -> Answer:
        """Send an envelope as it is; TimeoutError if the app takes longer than Feishu waits."""
        if not self._url:
            code, body = await self._simulator.sockets.push(envelope)
            return Answer(code, body, envelope)
        if not self._simulator.encrypt_key:
            return await self.post(json.dumps(envelope).encode(), {}, envelope)
        sealed = encrypted(envelope, self._simulator.encrypt_key)
        headers = signed(sealed, self._simulator.encrypt_key, self._simulator.clock.now())
        return await self.post(sealed, headers, envelope)

    async def post(self, body: bytes, headers: dict[str, str], envelope: dict[str, Any] | None = None) -> Answer:
        """Send any bytes under any headers to the app's address."""
        headers = {"Content-Type": "application/json; charset=utf-8", **headers}
        async with (
            aiohttp.ClientSession(timeout=ANSWER_WITHIN) as session,
            session.post(self._url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            text = await response.text()
            is_json = response.content_type == "application/json"
            return Answer(response.status, json.loads(text) if is_json else {}, envelope or {})


def _filled(pressed: Button, given: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the form's fields as the client sends them, after its own checks."""
    assert pressed.form
    known = fields(pressed.form)
    assert not given.keys() - known.keys(), f"no field {given.keys() - known.keys()} among {list(known)}"
    values = {}
    for name, element in known.items():
        value = given.get(name, element.get("default_value", ""))
        assert value or not element.get("required"), f"field {name!r} must be filled"
        assert len(value) <= element.get("max_length", 1000), f"field {name!r} is too long"
        values[name] = value
    return values
