"""The errors of Slack's Web API. Slack docs: the error tables of reference/methods, apis/web-api/rate-limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from core.errors import DeliveryError
from core.messages import Message

SYSTEM: Final = "Slack"
NO_SUCH_USER: Final = frozenset({"users_not_found", "user_not_found", "user_not_visible"})
NO_UPDATE: Final = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "channel_not_found",
        "is_archived",
        "is_inactive",
        "not_in_channel",
    }
)
"""Why a message cannot be updated any more."""
TRIGGER_USED: Final = "exchanged_trigger_id"
"""A modal was opened by this trigger already."""
_LIMITED: Final = frozenset({"ratelimited", "rate_limited"})
_LIMITED_FOR: Final = 1.0
"""Seconds to wait after a rate limit without Retry-After: Slack takes one message a second in a channel."""
_RETRYABLE: Final = _LIMITED | frozenset(
    {
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "org_login_required",
        "team_added_to_org",
    }
)
_FINAL: Final = (
    NO_SUCH_USER
    | NO_UPDATE
    | {
        "access_denied", "account_inactive", "cannot_reply_to_message", "channel_not_found",
        "ekm_access_denied", "exchanged_trigger_id", "expired_trigger_id", "hash_conflict", "invalid_arguments",
        "invalid_auth", "invalid_blocks", "invalid_blocks_format", "invalid_trigger_id", "is_archived",
        "messages_tab_disabled", "metadata_too_large", "method_deprecated", "missing_scope", "msg_blocks_too_long",
        "msg_too_long", "no_permission", "no_text", "not_allowed_token_type", "not_authed", "not_found",
        "not_in_channel", "restricted_action", "token_expired",
        "token_revoked", "too_many_attachments", "user_disabled", "user_not_in_channel", "view_too_large",
    }
)  # fmt: skip
"""Refusals that hold until somebody changes something. Slack adds codes: an unknown one is given some attempts."""


class SlackError(DeliveryError):
    """Slack refused a call or could not be reached. `vendor_code` is Slack's `error`; empty without an answer."""

    def __init__(
        self,
        reason: Message,
        *,
        retryable: bool,
        vendor_code: str = "",
        retry_after: float | None = None,
        sent: bool,
        known: bool = True,
        limited: bool = False,
    ) -> None:
        super().__init__(
            SYSTEM, reason, retryable=retryable, retry_after=retry_after, sent=sent, known=known, limited=limited
        )
        self.vendor_code = vendor_code


def is_outage(error: DeliveryError) -> bool:
    """Return whether Slack does not answer, or only with server errors; refusals and rate limits are no outage."""
    has_code = isinstance(error, SlackError) and error.vendor_code
    return error.retryable and error.retry_after is None and not has_code


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the errors of slack_sdk and aiohttp as SlackError, without headers, tokens or URLs."""
    try:
        yield
    except SlackApiError as error:
        answer = error.response
        if not isinstance(answer, AsyncSlackResponse):  # the JSON is cut off
            raise SlackError(Message("unreadable answer"), retryable=True, sent=True) from None
        raise read_error(answer.status_code, answer.headers, answer.data) from None
    except aiohttp.ClientConnectorError:
        raise SlackError(Message("it cannot be reached"), retryable=True, sent=False) from None
    except (TimeoutError, aiohttp.ClientError, SlackClientError) as error:
        reason = Message("no answer ({error})", {"error": type(error).__name__})
        raise SlackError(reason, retryable=True, sent=True) from None


def read_error(status: int, headers: Mapping[str, str], answer: Any) -> SlackError:
    """Return the error in an answer. One without a code comes from a proxy, and may be retried."""
    code = answer.get("error", "") if isinstance(answer, dict) else ""
    details = (answer.get("response_metadata") or {}).get("messages") or [] if isinstance(answer, dict) else []
    after = headers.get("Retry-After", "")
    limited = status == 429 or code in _LIMITED
    return SlackError(
        Message.verbatim("; ".join([code or f"HTTP {status}", *map(str, details)])),
        retryable=code not in _FINAL or limited or status >= 500,
        known=code in _RETRYABLE | _FINAL or limited or not code,
        vendor_code=code,
        retry_after=float(after) if after.isascii() and after.isdigit() else _LIMITED_FOR if limited else None,
        limited=limited,
        sent=status >= 500 or (status < 400 and not code),
    )
