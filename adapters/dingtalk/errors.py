"""How DingTalk says no, read once for every call of its SDK."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

import aiohttp

from core.errors import DeliveryError
from core.messages import Message

SYSTEM = "DingTalk"
_THROTTLED_FOR = 1.0
"""Seconds to wait after a rate limit: DingTalk counts queries per second, and names no time."""


class TokenRefused(Exception):
    """DingTalk does not accept the access token (any more)."""


def is_outage(error: DeliveryError) -> bool:
    """Return whether nobody answered, or only that it does not work now: neither a refusal nor a rate limit."""
    return error.retryable and error.retry_after is None


async def translated(call: Awaitable[Any]) -> Any:
    """Await a call of the SDK; raise its errors as DeliveryError, without the request, which may hold secrets."""
    from Tea.exceptions import TeaException, UnretryableException

    try:
        return await call
    except UnretryableException as error:
        cause = error.inner_exception
        answered = isinstance(cause, TeaException)
        raise (_refusal(cause.code or "", cause.data or {}) if answered else _unreachable(cause)) from None


def _refusal(code: str, data: Mapping[str, Any]) -> Exception:
    """Return the error for an answer of DingTalk with status 4xx or 5xx."""
    if code == "InvalidAuthentication":
        return TokenRefused()
    status = int(data.get("statusCode", 0))
    throttled = status == 429 or "QpsLimit" in code or "Throttling" in code
    return DeliveryError(
        SYSTEM,
        Message.verbatim(f"{code}: {data.get('message', '')}" if code not in ("", "None") else f"HTTP {status}"),
        retryable=throttled or status >= 500,
        retry_after=_THROTTLED_FOR if throttled else None,
    )


def _unreachable(cause: BaseException) -> DeliveryError:
    """Return the error for a call that got no answer; the SDK hides aiohttp's exception in the context of its own."""
    origin = cause.__context__ or cause
    not_connected = isinstance(origin, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return DeliveryError(SYSTEM, no_answer(origin), retryable=True, sent=not not_connected)


def no_answer(error: BaseException) -> Message:
    """Return why a call got no answer, without what the library says of it: that may hold an address with a token."""
    return Message("no answer ({error})", {"error": type(error).__name__})
