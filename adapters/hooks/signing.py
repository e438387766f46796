"""Standard Webhooks 1.0.0 signatures: `v1,base64(HMAC-SHA256(secret, id.timestamp.body))`.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from adapters.hooks.settings import SecretError, decode_secret
from core.errors import Unauthorized

TOLERANCE = timedelta(minutes=5)
"""How far a timestamp may differ from our clock, in either direction."""

_TIMESTAMP = re.compile(r"[0-9]{1,11}")


class Flaw(StrEnum):
    """What is wrong with a signed message."""

    MISSING_HEADER = "missing_header"
    BAD_TIMESTAMP = "bad_timestamp"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    NO_MATCH = "no_match"


class SignatureError(Unauthorized):
    """The signature of a message does not prove its sender; `flaw` is the reason."""

    code = "bad_signature"
    message = "The signature is not valid ({flaw}). Check the secret and the clock of the sender."

    def __init__(self, flaw: Flaw) -> None:
        self.flaw = flaw
        super().__init__(flaw=flaw.value)


def sign(body: bytes, message_id: str, at: datetime, secrets: Sequence[str]) -> dict[str, str]:
    """Return the three headers of a message, with one signature for each secret (two during a rotation).

    Raises:
        SecretError: a secret is not valid, or there is none.
    """
    if not secrets:
        raise SecretError("signing needs a secret")
    timestamp = str(int(at.timestamp()))
    signatures = (_signature(body, message_id, timestamp, decode_secret(secret)) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(value).decode()}" for value in signatures),
    }


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime) -> str:
    """Return the id of a message that is signed with one of `secrets`; pass the raw body, before it is parsed.

    Raises:
        SignatureError: the signature does not prove the sender.
        SecretError: one of `secrets` is not valid.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, given = (lowered.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and timestamp and given):
        raise SignatureError(Flaw.MISSING_HEADER)
    _check_age(timestamp, now)
    expected = [_signature(body, message_id, timestamp, decode_secret(secret)) for secret in secrets]
    candidates = [_decode_signature(part) for part in given.split(" ")]
    if not any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in candidates):
        raise SignatureError(Flaw.NO_MATCH)
    return message_id


def _signature(body: bytes, message_id: str, timestamp: str, key: bytes) -> bytes:
    # aiohttp decodes header bytes that are not UTF-8 to surrogates
    signed = b".".join((message_id.encode(errors="surrogateescape"), timestamp.encode(), body))
    return hmac.digest(key, signed, "sha256")


def _check_age(timestamp: str, now: datetime) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureError(Flaw.BAD_TIMESTAMP)
    age = now - datetime.fromtimestamp(int(timestamp), UTC)
    if age > TOLERANCE:
        raise SignatureError(Flaw.TOO_OLD)
    if age < -TOLERANCE:
        raise SignatureError(Flaw.TOO_NEW)


def _decode_signature(part: str) -> bytes:
    """Return the bytes of a `v1,<base64>` part; for another version or invalid base64 b"", which matches nothing."""
    version, _, text = part.partition(",")
    if version != "v1":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
