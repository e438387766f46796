"""Proof of origin for the three HTTP schemes of DingTalk: robot messages, card callbacks, event subscription.

Every verifier takes the raw request, raises `Unauthorized` whatever is wrong with the proof, and returns the parsed
body; the models of `events` know the key under which a repeated delivery is recognised. The signatures of robot
messages and cards do not cover the body (DingTalk docs "Receive messages", "Event callback of cards"): within the time
window a captured header pair fits any body. The window is therefore far smaller than the hour that DingTalk allows,
and the endpoints belong behind TLS.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import from_json

from adapters.dingtalk.crypto import CryptoError, EventCrypto
from core.errors import Unauthorized

WINDOW = timedelta(minutes=5)
"""How far a request's timestamp may lie from our clock, unless the caller says otherwise."""


class RobotVerifier:
    """Checks messages to the robot: headers `timestamp` (milliseconds) and `sign`, keyed with the app secret."""

    def __init__(self, app_secret: str, robot_code: str, window: timedelta = WINDOW) -> None:
        self._secret = _given(app_secret).encode()
        self._robot_code = _given(robot_code)
        self._window = window

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> dict[str, Any]:
        """Return the message; raise Unauthorized if it is unsigned, stale, or meant for another robot."""
        timestamp = _fresh(headers.get("timestamp", ""), now, self._window)
        _require(_mac(self._secret, f"{timestamp}\n".encode() + self._secret), headers.get("sign", ""))
        payload = _json_object(body)
        _require(self._robot_code, str(payload.get("robotCode", "")))
        return payload


class CardVerifier:
    """Checks clicks on cards: `x-ddpaas-signature` over `x-ddpaas-signature-timestamp`, keyed with the card secret."""

    def __init__(self, card_secret: str, window: timedelta = WINDOW) -> None:
        self._secret = _given(card_secret).encode()
        self._window = window

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> dict[str, Any]:
        """Return the callback; raise Unauthorized if it is unsigned or stale."""
        timestamp = _fresh(headers.get("x-ddpaas-signature-timestamp", ""), now, self._window)
        _require(_mac(self._secret, timestamp.encode()), headers.get("x-ddpaas-signature", ""))
        return _json_object(body)


class EventVerifier:
    """Checks and decrypts subscribed events, and seals the answer that DingTalk expects."""

    def __init__(self, crypto: EventCrypto, window: timedelta = WINDOW) -> None:
        self._crypto = crypto
        self._window = window

    def verify(self, query: Mapping[str, str], body: bytes, now: datetime) -> dict[str, Any]:
        """Return the decrypted event; raise Unauthorized if it is unsigned, stale, or meant for another app.

        `check_url`, by which DingTalk tries out the address, is an event like any other.
        """
        timestamp = _fresh(query.get("timeStamp") or query.get("timestamp", ""), now, self._window)
        encrypt = _json_object(body).get("encrypt")
        if not isinstance(encrypt, str):
            raise Unauthorized
        signature = query.get("msg_signature") or query.get("signature", "")
        _require(self._crypto.sign(timestamp, query.get("nonce", ""), encrypt), signature)
        try:
            return _json_object(self._crypto.decrypt(encrypt).encode())
        except CryptoError as error:
            raise Unauthorized from error

    def answer(self, now: datetime) -> dict[str, str]:
        """Return the sealed "success" that acknowledges an event, `check_url` included."""
        return self._crypto.seal("success", str(int(now.timestamp() * 1000)))


def _given(setting: str) -> str:
    """Return a setting that must not be empty, or anybody could pass."""
    if not setting:
        raise ValueError("DingTalk requests cannot be verified with an empty secret or robot code")
    return setting


def _fresh(timestamp: str, now: datetime, window: timedelta) -> str:
    """Return a timestamp in milliseconds as it was sent; raise Unauthorized if it is no number or too far from now."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 14):
        raise Unauthorized
    if abs(now - datetime.fromtimestamp(int(timestamp) / 1000, UTC)) > window:
        raise Unauthorized
    return timestamp


def _mac(secret: bytes, message: bytes) -> str:
    """Return base64 of HMAC-SHA256."""
    return base64.b64encode(hmac.digest(secret, message, hashlib.sha256)).decode()


def _require(expected: str, given: str) -> None:
    """Raise Unauthorized unless both are equal; the time taken does not tell how far they agree."""
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise Unauthorized


def _json_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object; whatever else was signed did not come from DingTalk."""
    try:
        parsed = from_json(body)
    except ValueError as error:
        raise Unauthorized from error
    if not isinstance(parsed, dict):
        raise Unauthorized
    return parsed
