"""The errors of Feishu's API.

Feishu docs, "Generic error codes", "Rate limits" and the error tables of the im and approval APIs. Feishu sends errors
with HTTP 200 as well as 4xx, so the `code` in the body decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from core.errors import DeliveryError
from core.messages import Message

SYSTEM: Final = "Feishu"
TOKEN_REFUSED: Final = frozenset({99991661, 99991663, 99991668})  # missing, invalid or expired
RATE_LIMITED: Final = 99991400
MESSAGE_RATE_LIMITED: Final = 230020
MESSAGE_IN_FLIGHT: Final = 230049
RECALLED: Final = 230011
TOO_OLD: Final = 230031  # a message older than 14 days cannot be updated
NO_SUCH_USER: Final = frozenset({41012, 41050})  # unknown, or outside the contacts that the app may read
CARD_REFUSED: Final = 230099  # the content of a card: a component, a property, or too much of one
UUID_USED: Final = 60012  # an approval instance has this uuid already
NO_SUCH_INSTANCE: Final = 1390003
SUBSCRIBED: Final = 1390007  # events of this approval definition are subscribed to already

DELETED: Final = 230110  # the message of a card was deleted
_LIMITED: Final = frozenset({11232, RATE_LIMITED, MESSAGE_RATE_LIMITED})
"""The rate limits of all messages, of an API, and of one message or receiver."""
_LIMITED_FOR: Final = 1.0
"""Seconds to wait after a rate limit without `x-ogw-ratelimit-reset`: the limits are those of a second."""
_BUSY: Final = _LIMITED | {2200, 1395001, MESSAGE_IN_FLIGHT}
"""The rate limits, the internal errors of messages and approvals, and a message that is being sent."""
_FINAL: Final = (
    NO_SUCH_USER
    | {RECALLED, TOO_OLD, UUID_USED, NO_SUCH_INSTANCE, SUBSCRIBED, DELETED, CARD_REFUSED}
    | {10003, 10014, 99991672, 99991679, 99992351, 99992402}  # credentials, permissions, fields
    | {230001, 230002, 230006, 230013, 230015, 230017, 230018, 230019, 230022, 230025, 230027, 230028, 230029, 230034}
    | {230035, 230038, 230053, 230054, 230055, 230072, 230075, 230111}  # messages
    | {60009, 1390001, 1390002, 1390008, 1390013, 1390015}  # approvals
)
"""Refusals that hold until somebody changes something. An unknown code is given some attempts."""

_OBJECT = TypeAdapter(dict[str, Any])


class FeishuError(DeliveryError):
    """Feishu refused a call or could not be reached. `vendor_code` is Feishu's `code`; 0 without an answer."""

    def __init__(
        self,
        reason: Message,
        *,
        retryable: bool,
        vendor_code: int = 0,
        retry_after: float | None = None,
        sent: bool = True,
        known: bool = True,
        limited: bool = False,
    ) -> None:
        super().__init__(
            SYSTEM, reason, retryable=retryable, retry_after=retry_after, sent=sent, known=known, limited=limited
        )
        self.vendor_code = vendor_code


def is_outage(error: DeliveryError) -> bool:
    """Return whether Feishu does not answer, or only with server errors; refusals and rate limits are no outage."""
    has_code = isinstance(error, FeishuError) and error.vendor_code
    return error.retryable and error.retry_after is None and not has_code


def parse_answer(content: bytes) -> dict[str, Any]:
    """Return the JSON object in an answer; an empty one, which `read_error` reports, if there is none."""
    try:
        return _OBJECT.validate_json(content)
    except ValueError:
        return {}


def read_error(status: int, headers: Mapping[str, str], answer: Mapping[str, Any]) -> FeishuError | None:
    """Return the error in an answer, or None if the call succeeded. `headers` have names in lower case."""
    code = answer.get("code")
    if status < 400 and code == 0:
        return None
    reset = headers.get("x-ogw-ratelimit-reset") or headers.get("retry-after") or ""
    limited = status == 429 or code in _LIMITED
    text = str(answer.get("msg") or "") or Message("unreadable answer")
    return FeishuError(
        Message("{answer} (HTTP {status}, code {code})", {"answer": text, "status": status, "code": str(code)}),
        vendor_code=code if isinstance(code, int) else 0,
        retryable=status == 429 or status >= 500 or code not in _FINAL,
        known=status == 429 or status >= 500 or code in _FINAL | _BUSY | TOKEN_REFUSED or code is None,
        retry_after=float(reset) if reset.isascii() and reset.isdigit() else _LIMITED_FOR if limited else None,
        limited=limited,
        sent=status >= 500 or code is None,
    )
