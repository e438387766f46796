"""Verifies DingTalk's three kinds of HTTP requests, and encrypts and decrypts its event subscription.

Every verifier takes the raw request and returns the parsed body; it raises `Unauthorized` unless the request is proven
to come from DingTalk. The signatures of robot messages and cards do not cover the body (DingTalk docs "Receive
messages", "Event callback of cards"): within the time window, captured headers are valid for any body. Therefore the
window is far smaller than DingTalk's hour, and the endpoints must be behind TLS.

Wire format of events (DingTalk docs "Configure event subscription", sample open-dingtalk/DingTalk-Callback-Crypto):

- key: base64 of the 43-character `aes_key` plus "="; AES-256-CBC with the first 16 bytes of the key as IV;
- plaintext: 16 random bytes, the length of the message in bytes (4, big-endian), the message, the owner key;
- padding: PKCS#7 with a block of 32 bytes;
- signature: SHA-1, in hexadecimal, of token, timestamp, nonce and cipher text, sorted and joined.

The owner key is the AppKey of an app that subscribes in the console; the CorpId or suite key in older registrations.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pydantic_core import from_json

from core.errors import Unauthorized

WINDOW = timedelta(minutes=5)
"""How far the timestamp of a request may differ from our clock, by default."""
AES_KEY_CHARACTERS = 43
_BLOCK_BITS = 32 * 8
_NOISE = 16
_HEADER = _NOISE + 4


class CryptoError(ValueError):
    """The cipher text is damaged, is encrypted with another key, or is for another owner."""


class EventCrypto:
    """Encrypts and decrypts the bodies of one event subscription."""

    def __init__(self, token: str, aes_key: str, owner: str) -> None:
        """Take the three values of the subscription; raise ValueError if one is empty or the key is malformed."""
        if not (token and owner and len(aes_key) == AES_KEY_CHARACTERS):
            raise ValueError(
                f"DingTalk events need a token, an owner key and an AES key of {AES_KEY_CHARACTERS} characters"
            )
        self._token = token
        self._owner = owner.encode()
        key = base64.b64decode(aes_key + "=", validate=True)
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def sign(self, timestamp: str, nonce: str, encrypt: str) -> str:
        """Return the signature of these values, in lower-case hexadecimal."""
        joined = "".join(sorted([self._token, timestamp, nonce, encrypt]))
        return hashlib.sha1(joined.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()

    def encrypt(self, message: str) -> str:
        """Return the cipher text of a message, as base64."""
        data = message.encode()
        padder = PKCS7(_BLOCK_BITS).padder()
        plain = secrets.token_bytes(_NOISE) + len(data).to_bytes(4, "big") + data + self._owner
        encryptor = self._cipher.encryptor()
        sealed = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypt: str) -> str:
        """Return the message in a cipher text; raise CryptoError if it is damaged or for another owner."""
        try:
            decryptor = self._cipher.decryptor()
            padded = decryptor.update(base64.b64decode(encrypt, validate=True)) + decryptor.finalize()
            unpadder = PKCS7(_BLOCK_BITS).unpadder()
            plain = unpadder.update(padded) + unpadder.finalize()
            end = _HEADER + int.from_bytes(plain[_NOISE:_HEADER], "big")
            message, owner = plain[_HEADER:end], plain[end:]
            if len(plain) < end or not hmac.compare_digest(owner, self._owner):
                raise CryptoError("the event is for another app")
            return message.decode()
        except (ValueError, binascii.Error) as error:
            raise CryptoError(str(error)) from error

    def seal(self, message: str, timestamp: str) -> dict[str, str]:
        """Return the signed and encrypted answer to an event; `timestamp` is in milliseconds since the epoch."""
        nonce, encrypt = secrets.token_hex(8), self.encrypt(message)
        signature = self.sign(timestamp, nonce, encrypt)
        return {"msg_signature": signature, "timeStamp": timestamp, "nonce": nonce, "encrypt": encrypt}


class RobotVerifier:
    """Verifies messages to the robot: headers `timestamp` (milliseconds) and `sign`, keyed with the app secret."""

    def __init__(self, app_secret: str, robot_code: str, window: timedelta = WINDOW) -> None:
        self._secret = _require_set(app_secret).encode()
        self._robot_code = _require_set(robot_code)
        self._window = window

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> dict[str, Any]:
        """Return the message; raise Unauthorized if it is unsigned, expired, or for another robot."""
        timestamp = _require_fresh(headers.get("timestamp", ""), now, self._window)
        _require_equal(_mac(self._secret, f"{timestamp}\n".encode() + self._secret), headers.get("sign", ""))
        payload = _json_object(body)
        _require_equal(self._robot_code, str(payload.get("robotCode", "")))
        return payload


class CardVerifier:
    """Verifies clicks on cards: `x-ddpaas-signature` of `x-ddpaas-signature-timestamp`, keyed with the card secret."""

    def __init__(self, card_secret: str, window: timedelta = WINDOW) -> None:
        self._secret = _require_set(card_secret).encode()
        self._window = window

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> dict[str, Any]:
        """Return the callback; raise Unauthorized if it is unsigned or expired."""
        timestamp = _require_fresh(headers.get("x-ddpaas-signature-timestamp", ""), now, self._window)
        _require_equal(_mac(self._secret, timestamp.encode()), headers.get("x-ddpaas-signature", ""))
        return _json_object(body)


class EventVerifier:
    """Verifies and decrypts events, and encrypts the answer that DingTalk expects."""

    def __init__(self, crypto: EventCrypto, window: timedelta = WINDOW) -> None:
        self._crypto = crypto
        self._window = window

    def verify(self, query: Mapping[str, str], body: bytes, now: datetime) -> dict[str, Any]:
        """Return the decrypted event; raise Unauthorized if it is unsigned, expired, or for another app.

        `check_url`, with which DingTalk tests the URL, is an event like any other.
        """
        timestamp = _require_fresh(query.get("timeStamp") or query.get("timestamp", ""), now, self._window)
        encrypt = _json_object(body).get("encrypt")
        if not isinstance(encrypt, str):
            raise Unauthorized
        signature = query.get("msg_signature") or query.get("signature", "")
        _require_equal(self._crypto.sign(timestamp, query.get("nonce", ""), encrypt), signature)
        try:
            return _json_object(self._crypto.decrypt(encrypt).encode())
        except CryptoError as error:
            raise Unauthorized from error

    def answer(self, now: datetime) -> dict[str, str]:
        """Return the signed and encrypted "success" that acknowledges an event."""
        return self._crypto.seal("success", str(int(now.timestamp() * 1000)))


def _require_set(setting: str) -> str:
    """Return a setting; raise ValueError if it is empty, since every request would then be valid."""
    if not setting:
        raise ValueError("DingTalk requests cannot be verified with an empty secret or robot code")
    return setting


def _require_fresh(timestamp: str, now: datetime, window: timedelta) -> str:
    """Return a timestamp in milliseconds; raise Unauthorized if it is no number, or differs too much from `now`."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 14):
        raise Unauthorized
    if abs(now - datetime.fromtimestamp(int(timestamp) / 1000, UTC)) > window:
        raise Unauthorized
    return timestamp


def _mac(secret: bytes, message: bytes) -> str:
    """Return base64 of HMAC-SHA256."""
    return base64.b64encode(hmac.digest(secret, message, hashlib.sha256)).decode()


def _require_equal(expected: str, given: str) -> None:
    """Raise Unauthorized unless both are equal; compares in constant time."""
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise Unauthorized


def _json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; raise Unauthorized if there is none, since DingTalk sends nothing else."""
    try:
        parsed = from_json(body)
    except ValueError as error:
        raise Unauthorized from error
    if not isinstance(parsed, dict):
        raise Unauthorized
    return parsed
