"""The errors of DingTalk's API."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from typing import Any, Final

import aiohttp

from core.errors import DeliveryError
from core.messages import Message

SYSTEM = "DingTalk"
TOKEN_REFUSED: Final = frozenset({40001, 40014, 42001})
NO_SUCH_USER: Final = frozenset({33012, 60121})
_THROTTLED: Final = frozenset({90002, 90018, 90019, 130101})
_BUSY: Final = -1
_FINAL: Final = NO_SUCH_USER | {40035, 60011, 300001, 310000, 400002}
"""Refusals of the older API that hold until somebody changes something. An unknown one is given some attempts."""
_WRAPPER: Final = 88
"""The code of the older API whose meaning is in `sub_code`."""
_FINAL_NAMES: Final = re.compile(
    r"^(param|miss|invalid|forbidden|unsupported)|not\.?(exist|found)|no\.?permission|finished$|\.error$", re.IGNORECASE
)
"""How the codes of refusals begin or end that hold until somebody changes something, as far as DingTalk names them."""
THROTTLED_FOR = 1.0
"""Seconds to wait after a rate limit: DingTalk limits requests per second, and sends no Retry-After."""
_PERSON_LIMITED_FOR = 60.0
"""Seconds to wait after too many messages to one person: the longest period of DingTalk's limits."""


class TokenRejected(Exception):
    """DingTalk rejects the access token."""


class PersonLimited(DeliveryError):
    """One person gets no more messages of the robot for now. DingTalk names no time for that."""

    def __init__(self) -> None:
        reason = Message("too many messages to one person")
        super().__init__(SYSTEM, reason, retryable=True, retry_after=_PERSON_LIMITED_FOR, limited=True)


def is_outage(error: DeliveryError) -> bool:
    """Return whether DingTalk does not answer, or only with server errors; refusals and rate limits are no outage."""
    return error.retryable and error.known and error.retry_after is None


async def translate_errors(call: Awaitable[Any]) -> Any:
    """Await a call of the SDK; raise its errors as DeliveryError, without the request, which may contain secrets."""
    from Tea.exceptions import TeaException, UnretryableException

    try:
        return await call
    except UnretryableException as error:
        cause = error.inner_exception
        answered = isinstance(cause, TeaException)
        raise (_refusal(cause.code or "", cause.data or {}) if answered else _unreachable(cause)) from None


def _refusal(code: str, data: Mapping[str, Any]) -> Exception:
    """Return the error in an answer with status 4xx or 5xx."""
    if code == "InvalidAuthentication":
        return TokenRejected()
    status = int(data.get("statusCode", 0))
    named = code not in ("", "None")
    throttled = status == 429 or "QpsLimit" in code or "Throttling" in code
    is_final = bool(_FINAL_NAMES.search(code))
    return DeliveryError(
        SYSTEM,
        Message.verbatim(f"{code}: {data.get('message', '')}" if named else f"HTTP {status}"),
        retryable=throttled or status >= 500 or (named and not is_final),
        known=throttled or status >= 500 or is_final or not named,
        retry_after=THROTTLED_FOR if throttled else None,
        limited=throttled,
    )


def older_code(answer: Mapping[str, Any]) -> int:
    """Return the code of an answer of the older API; 0 for success."""
    code = int(answer.get("errcode", _BUSY))
    sub_code = str(answer.get("sub_code") or "")
    return int(sub_code) if code == _WRAPPER and sub_code.isdecimal() else code


def read_older_error(answer: Mapping[str, Any]) -> DeliveryError:
    """Return the error in an answer of the older API."""
    code = older_code(answer)
    text = answer.get("sub_msg") or answer.get("errmsg") or ""
    return DeliveryError(
        SYSTEM,
        Message.verbatim(f"{code}: {text}"),
        retryable=code not in _FINAL,
        retry_after=THROTTLED_FOR if code in _THROTTLED else None,
        limited=code in _THROTTLED,
        known=code in _FINAL | _THROTTLED | TOKEN_REFUSED | {_BUSY},
    )


def _unreachable(cause: BaseException) -> DeliveryError:
    """Return the error of a call without an answer. The SDK raises its own, with that of aiohttp as the context."""
    origin = cause.__context__ or cause
    not_connected = isinstance(origin, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return DeliveryError(SYSTEM, no_answer(origin), retryable=True, sent=not not_connected)


def no_answer(error: BaseException) -> Message:
    """Return why a call got no answer, without the text of the library, which may contain a URL with a token."""
    return Message("no answer ({error})", {"error": type(error).__name__})
