"""The errors of DingTalk's API."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

import aiohttp

from core.errors import DeliveryError
from core.messages import Message

SYSTEM = "DingTalk"
_THROTTLED_FOR = 1.0
"""Seconds to wait after a rate limit: DingTalk limits requests per second, and sends no Retry-After."""


class TokenRejected(Exception):
    """DingTalk rejects the access token."""


def is_outage(error: DeliveryError) -> bool:
    """Return whether DingTalk does not answer, or only with server errors; refusals and rate limits are no outage."""
    return error.retryable and error.retry_after is None


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
    throttled = status == 429 or "QpsLimit" in code or "Throttling" in code
    return DeliveryError(
        SYSTEM,
        Message.verbatim(f"{code}: {data.get('message', '')}" if code not in ("", "None") else f"HTTP {status}"),
        retryable=throttled or status >= 500,
        retry_after=_THROTTLED_FOR if throttled else None,
    )


def _unreachable(cause: BaseException) -> DeliveryError:
    """Return the error of a call without an answer. The SDK raises its own, with that of aiohttp as the context."""
    origin = cause.__context__ or cause
    not_connected = isinstance(origin, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return DeliveryError(SYSTEM, no_answer(origin), retryable=True, sent=not not_connected)


def no_answer(error: BaseException) -> Message:
    """Return why a call got no answer, without the text of the library, which may contain a URL with a token."""
    return Message("no answer ({error})", {"error": type(error).__name__})
