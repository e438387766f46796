"""The outbound side of Feishu: posts and updates cards, and finds users."""

from __future__ import annotations

import asyncio
from typing import Final
from weakref import WeakValueDictionary

from adapters.feishu.client import FeishuClient
from adapters.feishu.errors import DELETED, RECALLED, TOO_OLD, FeishuError
from adapters.feishu.inbound import PLATFORM
from adapters.feishu.render import render_card
from core.card import Card
from core.ports.messenger import Place, Posted

UUID: Final = 50  # characters of the key by which Feishu sends a message once within an hour
PACE: Final = 0.2  # seconds between updates of a card: Feishu allows five in a second


class FeishuMessenger:
    """The messenger of Feishu (`core.ports.messenger.Messenger`). Every method raises FeishuError."""

    platform = PLATFORM
    threads = True
    buttons = True

    def __init__(self, client: FeishuClient) -> None:
        self._client = client
        self._updating: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card to a person or a channel; repeated with the same key within an hour, it is posted once."""
        kind, receiver = ("open_id", place.user) if place.user else ("chat_id", place.channel)
        message = await self._client.send(kind, receiver, "interactive", render_card(card), key[:UUID])
        return Posted(receiver, message)

    async def update(self, posted: Posted, card: Card) -> bool:
        """Replace the content of a card; False when the card was recalled or deleted, or is older than 14 days.

        Feishu does not order updates: those of one card are sent one by one, within the rate limit.
        """
        updating = self._updating.setdefault(posted.message, asyncio.Lock())
        await updating.acquire()
        try:
            await self._client.patch_card(posted.message, render_card(card))
        except FeishuError as error:
            if error.vendor_code not in (TOO_OLD, RECALLED, DELETED):
                raise
            return False
        finally:
            asyncio.get_running_loop().call_later(PACE, updating.release)
        return True

    async def say(self, posted: Posted, text: str, key: str) -> None:
        """Post a plain text in the thread below a card."""
        await self._client.reply_text(posted.message, text, key[:UUID])

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
