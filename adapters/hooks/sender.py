"""One attempt to deliver a hook to its receiver over HTTP.

A hook has Zadig's headers, so that a receiver written for Zadig needs no change, and the headers of Standard Webhooks,
so that a receiver can verify the sender.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHttpProxyError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    InvalidURL,
    NonHttpUrlClientError,
    ServerDisconnectedError,
)

from adapters.hooks.guard import BlockedAddress
from adapters.hooks.settings import HookTarget
from adapters.hooks.signing import sign
from core.messages import NO_MESSAGE, Message

ANSWER_LIMIT = 4096
"""Bytes of a response that are read and stored."""

_GONE = 410
_BUSY = (429, 503)


class Outcome(StrEnum):
    """What follows from an attempt: the hook is delivered, is retried, or its receiver is disabled."""

    DELIVERED = "delivered"
    RETRY = "retry"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class Receiver:
    """The receiver of hooks: its URL, and what hooks to it are signed with.

    `secrets` are those of Standard Webhooks: two during a rotation; with none, hooks are not signed. `zadig_token` is
    sent in plain text as Zadig's `X-Zadig-Token`. `instance` is the public URL of this installation.
    """

    url: str
    instance: str
    secrets: tuple[str, ...] = ()
    zadig_token: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of one attempt that took `ms`: a `status` with the head of the response, or an `error`."""

    outcome: Outcome
    ms: int
    status: int | None = None
    answer: str = ""
    error: Message = NO_MESSAGE
    retry_after: timedelta | None = None


def make_receiver(target: HookTarget, instance: str) -> Receiver:
    """Return the receiver of a target in the settings."""
    secrets = tuple(filter(None, (each.get_secret_value() for each in (target.secret, target.previous_secret))))
    return Receiver(target.url, instance, secrets, target.zadig_token.get_secret_value() or None)


def make_headers(receiver: Receiver, body: bytes, *, event: str, effect_id: str, now: datetime) -> dict[str, str]:
    """Return all headers of a hook. Its ids are derived from `effect_id`: they are the same when it is sent again."""
    zadig = {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "User-Agent": "Zadig",
        "X-Zadig-Instance": receiver.instance,
        "X-Zadig-Event": event,
        "X-Zadig-Event-UUID": str(uuid.uuid5(uuid.NAMESPACE_OID, f"event:{effect_id}")),
        "X-Zadig-Webhook-UUID": str(uuid.uuid5(uuid.NAMESPACE_OID, f"webhook:{effect_id}")),
    }
    token = {"X-Zadig-Token": receiver.zadig_token} if receiver.zadig_token else {}
    signature = sign(body, effect_id, now, receiver.secrets) if receiver.secrets else {"webhook-id": effect_id}
    return zadig | token | signature


async def send(
    session: ClientSession, receiver: Receiver, body: bytes, *, event: str, effect_id: str, now: datetime, code: str
) -> Attempt:
    """Post `body` once, unchanged, and return the result; a failure of the receiver raises nothing.

    `session` comes from `guarded_session`. Redirects are not followed: a 3xx is a failure. Only the status of the
    response decides, once the first 4 kB of the response or all of it have arrived. Whoever reads deliveries does not
    see the instance code in it, `code`, when the receiver sends it back.
    """
    started = time.monotonic()
    headers = make_headers(receiver, body, event=event, effect_id=effect_id, now=now)
    try:
        async with session.post(receiver.url, data=body, headers=headers, allow_redirects=False) as response:
            answer = await _head(response)
    except (ClientError, TimeoutError) as error:
        return Attempt(Outcome.RETRY, _ms_since(started), error=_reason(error))
    return Attempt(
        _judge(response.status),
        _ms_since(started),
        response.status,
        _hide(answer, code.encode()).decode(errors="replace"),
        retry_after=_retry_after(response.headers, now) if response.status in _BUSY else None,
    )


async def _head(response: ClientResponse) -> bytes:
    """Return the first bytes of a response, however many packets it comes in."""
    answer = b""
    while len(answer) < ANSWER_LIMIT and (chunk := await response.content.read(ANSWER_LIMIT - len(answer))):
        answer += chunk
    return answer


def _hide(answer: bytes, code: bytes) -> bytes:
    """Return the head of a response with asterisks for the code, also for one that the limit has cut off."""
    hidden = answer.replace(code, b"*" * len(code))
    if len(answer) < ANSWER_LIMIT:
        return hidden
    cut = max(length for length in range(len(code) + 1) if hidden.endswith(code[:length]))
    return hidden[: len(hidden) - cut] + b"*" * cut


def _reason(error: Exception) -> Message:
    """Return what went wrong, without the URL, whose query may hold a secret."""
    match error:
        case TimeoutError():
            return Message("timed out")
        case InvalidURL() | NonHttpUrlClientError():
            return Message("the address is no valid URL")
        case ClientConnectorError(os_error=BlockedAddress() as blocked):
            return blocked.reason
        case ClientConnectorError():
            return Message("no connection: {error}", {"error": error.os_error.strerror or str(error.os_error)})
        case ServerDisconnectedError():
            return Message("it closed the connection without an answer")
        case ClientHttpProxyError():
            return Message("the proxy does not connect to it: {status}", {"status": f"{error.status} {error.message}"})
        case ClientResponseError():
            return Message("the answer is not valid HTTP: {error}", {"error": error.message})
        case _:
            return Message("the connection broke off: {error}", {"error": str(error)})


def _judge(status: int) -> Outcome:
    if 200 <= status < 300:
        return Outcome.DELIVERED
    return Outcome.DISABLE if status == _GONE else Outcome.RETRY


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Parse `Retry-After` (RFC 9110, 10.2.3), seconds or a date; None when it is missing or invalid."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return timedelta(seconds=min(int(value), 10**9))
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(timedelta(0), date.replace(tzinfo=date.tzinfo or UTC) - now)


def _ms_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
