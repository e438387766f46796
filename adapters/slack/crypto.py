"""Verifies that a request comes from Slack, by the signature of its raw bytes, before it is parsed.

Slack docs: authentication/verifying-requests-from-slack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from slack_sdk.signature import Clock as UnixClock
from slack_sdk.signature import SignatureVerifier

from core.errors import Unauthorized
from core.ports.clock import Clock

_SECONDS = re.compile(r"[0-9]{1,12}")


class _Unix(UnixClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class Verifier:
    """Verifies requests with the signing secret of one app. Raises ValueError without a secret."""

    def __init__(self, signing_secret: str, clock: Clock) -> None:
        self._verifier = SignatureVerifier(signing_secret, _Unix(clock))

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raise Unauthorized unless Slack signed the request within the last five minutes."""
        timestamp, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
        if not (_SECONDS.fullmatch(timestamp) and signature.isascii()):  # slack_sdk raises on both
            raise Unauthorized
        try:
            is_signed = self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:  # Slack sends UTF-8 alone
            raise Unauthorized from None
        if not is_signed:
            raise Unauthorized
