"""Verifies that a push comes from Feishu, by its raw bytes before it is parsed, and decrypts it.

With an Encrypt Key every push is encrypted and signed; without one the Verification Token inside the body is the only
proof. The SDK's dispatcher checks neither the timestamp nor that a body is encrypted, so both are checked here. The
engine's inbox rejects a replay within the time window, by `Envelope.key`.

Feishu docs, "Encrypt Key": the body is `{"encrypt": base64(iv + AES-256-CBC(PKCS#7(event)))}` with the key
SHA-256(encrypt_key), and the signature is the plain SHA-256 of timestamp, nonce, encrypt_key and the raw body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pydantic_core import from_json

from adapters.feishu.events import Challenge, Envelope
from core.errors import FabuError, Unauthorized
from core.messages import Message

BLOCK: Final = 16  # bytes
MAX_BODY: Final = 1 << 20  # bytes; a card callback with a full form is far smaller
FRESHNESS: Final = 300  # seconds by which a timestamp may differ from our clock, in either direction

TIMESTAMP: Final = "X-Lark-Request-Timestamp"
NONCE: Final = "X-Lark-Request-Nonce"
SIGNATURE: Final = "X-Lark-Signature"

_SECONDS = re.compile(r"[0-9]{1,15}")


class BadRequest(FabuError):
    """The push is verified, but its content is not Feishu's."""

    code = "bad_request"
    http_status = 400
    message = "The request is not a Feishu event: {reason}."

    def __init__(self, reason: Message) -> None:
        super().__init__(reason=reason)


class Verifier:
    """Verifies the pushes of one Feishu app with its two secrets, of which at least one must be set."""

    def __init__(self, verification_token: str, encrypt_key: str = "") -> None:
        if not verification_token and not encrypt_key:
            raise ValueError("a Feishu app needs a verification token or an encrypt key to tell who is calling")
        self._token = verification_token
        self._encrypt_key = encrypt_key

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Envelope | Challenge:
        """Return the event in a push, or the challenge by which Feishu registers the address.

        `headers` must ignore the case of names, as aiohttp's do. Raises Unauthorized (401) when the push does not prove
        its origin, and BadRequest (400) for a verified push that is malformed.
        """
        if len(body) > MAX_BODY:
            raise BadRequest(Message("it is larger than {limit} bytes", {"limit": MAX_BODY}))
        signed = self._check_signature(headers, body, now) if self._encrypt_key else True
        try:
            payload = self._decode(body)
            parsed = Envelope.parse(payload)
        except ValueError as error:
            # An unsigned sender must not learn whether the decryption succeeded (padding oracle).
            raise (BadRequest(Message("it cannot be read")) if signed else Unauthorized()) from error
        if not signed and not isinstance(parsed, Challenge):
            raise Unauthorized
        if self._token and not equal_secrets(self._token, parsed.token):
            raise Unauthorized
        return parsed

    def _check_signature(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Verify the signature; return False when there is none, which Feishu permits for the challenge alone."""
        timestamp, nonce, given = headers.get(TIMESTAMP, ""), headers.get(NONCE, ""), headers.get(SIGNATURE, "")
        if not (timestamp or nonce or given):
            return False
        if not _SECONDS.fullmatch(timestamp) or abs(now.timestamp() - int(timestamp)) > FRESHNESS:
            raise Unauthorized
        if not nonce or not equal_secrets(sign(timestamp, nonce, self._encrypt_key, body), given):
            raise Unauthorized
        return True

    def _decode(self, body: bytes) -> Any:
        """Return the decrypted JSON; ValueError if it is malformed or not encrypted. The parser limits the nesting."""
        outer = from_json(body)
        if not self._encrypt_key:
            return outer
        encrypted = outer.get("encrypt") if isinstance(outer, dict) else None
        if not isinstance(encrypted, str):
            raise ValueError("plaintext, although an encrypt key is set")  # noqa: TRY004 - the sender's error, not ours
        return from_json(decrypt(self._encrypt_key, encrypted))


def decrypt(encrypt_key: str, encoded: str) -> bytes:
    """Return the plaintext of an `encrypt` field; ValueError if it was not encrypted with this key."""
    data = base64.b64decode(encoded, validate=True)
    key = hashlib.sha256(encrypt_key.encode()).digest()
    decryptor = Cipher(algorithms.AES256(key), modes.CBC(data[:BLOCK])).decryptor()
    padded = decryptor.update(data[BLOCK:]) + decryptor.finalize()
    unpadder = PKCS7(BLOCK * 8).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def sign(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """Return the value of `X-Lark-Signature` for a raw (still encrypted) body."""
    return hashlib.sha256((timestamp + nonce + encrypt_key).encode() + body).hexdigest()


def equal_secrets(expected: str, given: str) -> bool:
    """Compare two secrets in constant time; any text is allowed, also non-ASCII."""
    return hmac.compare_digest(expected.encode(), given.encode(errors="surrogatepass"))
