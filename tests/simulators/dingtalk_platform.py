"""The other half of DingTalk: it calls the app, signed and encrypted as the platform does, over HTTP or Stream."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

import aiohttp
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad, unpad

from .dingtalk_api import Json

ROBOT_TOPIC = "/v1.0/im/bot/messages/get"
CARD_TOPIC = "/v1.0/card/instances/callback"
CARD_SECONDS = 2.0
CHECK_SECONDS = 1.5
SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """What the app answered: HTTP status (over Stream the code of the acknowledgement) and JSON body."""

    status: int
    body: Any


@dataclass(frozen=True)
class Console:
    """What an administrator enters in the developer console for HTTP mode."""

    robot_url: str = ""
    events_url: str = ""
    token: str = "event-token"
    aes_key: str = "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7"


class EventSeal:
    """Event crypto, written apart from the adapter's so that both can disagree."""

    def __init__(self, token: str, aes_key: str, owner: str) -> None:
        self.token, self.owner = token, owner
        self._key = base64.b64decode(aes_key + "=")

    def _aes(self) -> Any:
        return AES.new(self._key, AES.MODE_CBC, self._key[:16])

    def seal(self, text: str) -> str:
        """Encrypt a message for the app."""
        data = text.encode()
        plain = secrets.token_bytes(16) + len(data).to_bytes(4, "big") + data + self.owner.encode()
        return base64.b64encode(self._aes().encrypt(pad(plain, 32))).decode()

    def signature(self, timestamp: str, nonce: str, encrypt: str) -> str:
        """Sign a cipher text."""
        joined = "".join(sorted([self.token, timestamp, nonce, encrypt]))
        return hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()

    def open(self, answer: Json) -> str:
        """Check and decrypt the app's answer."""
        signed = self.signature(answer["timeStamp"], answer["nonce"], answer["encrypt"])
        assert signed == answer["msg_signature"], "the answer is not signed right"
        plain = unpad(self._aes().decrypt(base64.b64decode(answer["encrypt"])), 32)
        length = int.from_bytes(plain[16:20], "big")
        assert plain[20 + length :].decode() == self.owner, "the answer names another owner"
        return bytes(plain[20 : 20 + length]).decode()


def robot_headers(app_secret: str, timestamp: str) -> dict[str, str]:
    """Sign a robot message."""
    return {"timestamp": timestamp, "sign": _mac(app_secret, f"{timestamp}\n{app_secret}")}


def card_headers(card_secret: str, timestamp: str) -> dict[str, str]:
    """Sign a click."""
    return {
        "x-ddpaas-signature-timestamp": timestamp,
        "x-ddpaas-signature": _mac(card_secret, timestamp),
    }


async def post(url: str, body: Json, headers: dict[str, str] | None = None, seconds: float = SECONDS) -> Answer:
    """Post JSON as DingTalk does; raise TimeoutError if the app is too slow."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(url, json=body, headers=headers) as reply,
    ):
        text = await reply.text()
        return Answer(reply.status, json.loads(text) if text.startswith("{") else text)


async def post_event(url: str, seal: EventSeal, event: Json, timestamp: str, seconds: float = SECONDS) -> Answer:
    """Post an encrypted event; the body of the answer is what the app sealed, `success` if all is well."""
    encrypt, nonce = seal.seal(json.dumps(event, ensure_ascii=False)), secrets.token_hex(4)
    signature = seal.signature(timestamp, nonce, encrypt)
    query = f"?signature={signature}&msg_signature={signature}&timestamp={timestamp}&nonce={nonce}"
    answer = await post(url + query, {"encrypt": encrypt}, seconds=seconds)
    return Answer(200, seal.open(answer.body)) if answer.status == 200 else answer


def _mac(key: str, message: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()).decode()
