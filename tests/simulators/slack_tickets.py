"""Things that Slack hands out and takes back for a short while: trigger_ids and response_urls.

Slack docs: interactivity/handling-user-interaction (a trigger_id serves once within 3 s, a
response_url five times within 30 minutes).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from .base import Clock
from .slack_workspace import Message, Refused

TRIGGER_SECONDS = 3
RESPONSE_SECONDS = 30 * 60
RESPONSE_USES = 5


@dataclass
class Trigger:
    """The right of the app to open one modal for one user."""

    user: str
    expires: float
    view_id: str | None = None
    """The modal in which the interaction happened."""
    exchanged: bool = False


class Triggers:
    """The trigger_ids that were minted."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minted: dict[str, Trigger] = {}

    def mint(self, user: str, view_id: str | None = None) -> str:
        """Return a fresh trigger_id for `user`."""
        trigger_id = f"{len(self._minted) + 1}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}"
        self._minted[trigger_id] = Trigger(user, self._clock.now() + TRIGGER_SECONDS, view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use up a trigger_id, or refuse it as unknown, exchanged or expired."""
        trigger = self._minted.get(trigger_id)
        if trigger is None or not re.fullmatch(r"\d+\.\d+\.[0-9a-f]+", trigger_id):
            raise Refused("invalid_trigger_id")
        if trigger.exchanged:
            raise Refused("exchanged_trigger_id")
        if self._clock.now() > trigger.expires:
            raise Refused("expired_trigger_id")
        trigger.exchanged = True
        return trigger


@dataclass
class ResponseUrl:
    """Where the app may answer one interaction."""

    channel: str
    user: str
    expires: float
    source: Message | None
    """The message that `replace_original` replaces: the clicked one, or the first answer to a command."""
    uses: int = 0


class ResponseUrls:
    """The response_urls that were minted, by their token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minted: dict[str, ResponseUrl] = {}

    def mint(self, channel: str, user: str, source: Message | None = None) -> str:
        """Return the token of a fresh response_url."""
        token = secrets.token_hex(12)
        self._minted[token] = ResponseUrl(channel, user, self._clock.now() + RESPONSE_SECONDS, source)
        return token

    def use(self, token: str) -> ResponseUrl:
        """Count one use, or refuse the token as unknown, expired or used up."""
        target = self._minted.get(token)
        if target is None:
            raise Refused("invalid_url")
        if self._clock.now() > target.expires:
            raise Refused("expired_url")
        if target.uses >= RESPONSE_USES:
            raise Refused("used_url")
        target.uses += 1
        return target

    def peek(self, token: str) -> ResponseUrl:
        """Return what a token stands for without using it."""
        return self._minted[token]
