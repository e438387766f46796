"""The outbound side of Feishu: posts and updates cards, and finds users."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

from adapters.common.pace import Pace
from adapters.feishu.cards import Cards
from adapters.feishu.client import FeishuClient
from adapters.feishu.errors import DELETED, MESSAGE_RATE_LIMITED, RECALLED, SYSTEM, TOO_OLD, FeishuError
from adapters.feishu.inbound import PLATFORM
from core.card import Card
from core.errors import DeliveryError
from core.ports.messenger import Place, Posted

UUID: Final = 50  # characters of the key by which Feishu sends a message once within an hour
PACE: Final = 0.2  # seconds between updates of a card: Feishu allows five in a second


class FeishuMessenger:
    """The messenger of Feishu (`core.ports.messenger.Messenger`). Every method raises DeliveryError.

    It keeps Feishu's limits: 5 messages a second to a receiver, and of each API 50 calls a second and 1000 a minute.
    """

    platform = PLATFORM
    threads = True
    buttons = True

    def __init__(self, client: FeishuClient, cards: Cards) -> None:
        self._client, self._cards = client, cards
        self._api_in_minute, self._api_in_second = Pace(SYSTEM, 1000, 60.0), Pace(SYSTEM, 50, 1.0)
        self._receivers = Pace(SYSTEM, 5, 1.0)
        self._updating: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card to a person or a channel; repeated with the same key within an hour, it is posted once."""
        kind, receiver = ("open_id", place.user) if place.user else ("chat_id", place.channel)

        async def send(content: dict[str, Any]) -> str:
            with self._in_turn("create"), self._receivers.keep(receiver, _is_of_receiver):
                return await self._client.send(kind, receiver, "interactive", content, key[:UUID])

        return Posted(receiver, await self._cards.send(card, send))

    async def update(self, posted: Posted, card: Card) -> bool:
        """Replace the content of a card; False when the card was recalled or deleted, or is older than 14 days.

        Feishu does not order updates: those of one card are sent one by one, within the rate limit.
        """
        updating = self._updating.setdefault(posted.message, asyncio.Lock())
        await updating.acquire()
        try:
            await self._cards.send(card, partial(self._patch, posted.message))
        except FeishuError as error:
            if error.vendor_code not in (TOO_OLD, RECALLED, DELETED):
                raise
            return False
        finally:
            asyncio.get_running_loop().call_later(PACE, updating.release)
        return True

    async def _patch(self, message: str, content: dict[str, Any]) -> None:
        self._receivers.note(message)
        with self._in_turn("patch"), self._receivers.watch(message, _is_of_receiver):
            await self._client.patch_card(message, content)

    async def say(
        self, posted: Posted, text: str, key: str, mentioned: Sequence[str] = (), *, loud: bool = False
    ) -> None:
        """Post a plain text as a reply to a card, which stands in the chat: each one is `loud`."""
        with self._in_turn("reply"), self._receivers.keep(posted.channel, _is_of_receiver):
            await self._client.reply_text(posted.message, text, key[:UUID], mentioned)

    async def find_user(self, email: str, phone: str) -> str:
        """Return the open_id of the user with an e-mail address or phone number; empty when there is none.

        Feishu does not return users who have resigned.
        """
        found = await self._client.find_users([email] if email else [], [phone] if phone else [])
        return found.get(email) or found.get(phone) or ""

    async def contact(self, user: str) -> tuple[str, str] | None:
        """Return e-mail address and phone number of an active user; None for one who is unknown or has left.

        The organisation's administrators enter both; users cannot change them.
        """
        profile = await self._client.get_user(user)
        if profile is None:
            return None
        status = profile.get("status") or {}
        left = any(status.get(sign) for sign in ("is_resigned", "is_exited", "is_frozen", "is_unjoin"))
        if left or not status.get("is_activated"):
            return None
        return profile.get("email") or profile.get("enterprise_email") or "", profile.get("mobile") or ""

    async def close(self) -> None:
        """Do nothing: every call opens and closes its own connection."""

    @contextmanager
    def _in_turn(self, api: str) -> Iterator[None]:
        """Call an API within the limits of the app."""
        with self._api_in_minute.keep(api, _is_of_app), self._api_in_second.keep(api, _is_of_app):
            yield


def _is_of_receiver(error: DeliveryError) -> bool:
    """Return whether a rate limit is that of one receiver or message."""
    return isinstance(error, FeishuError) and error.vendor_code == MESSAGE_RATE_LIMITED


def _is_of_app(error: DeliveryError) -> bool:
    return not _is_of_receiver(error)
