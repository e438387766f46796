"""The outbound side: cards where a template is configured, robot messages where there is none.

A message cannot be changed, so it would have to be sent again for every step of a plan. Instead a new one is due only
when the status of the plan, the card's tag, is another than the message shows; `Posted.message` remembers it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from weakref import WeakValueDictionary

from adapters.dingtalk.client import DingTalkClient, Space
from adapters.dingtalk.errors import SYSTEM
from adapters.dingtalk.render import MESSAGE_BYTES, message, variables
from adapters.dingtalk.text import clean, cut, flat
from adapters.dingtalk.words import Words
from core.card import Card
from core.errors import DeliveryError
from core.messages import Message
from core.ports.messenger import Place, Posted
from core.text import normalize_phone

log = logging.getLogger(__name__)

_MESSAGE = "message"
_TITLE_BYTES = 200


class DingTalkMessenger:
    """Posts and changes cards, writes messages, and looks people up."""

    platform = "dingtalk"
    threads = False

    def __init__(self, client: DingTalkClient, words: Words) -> None:
        self.client, self.words = client, words
        self.buttons = bool(client.settings.card_template_id)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def has_cards(self) -> bool:
        """Whether a card can be made now."""
        return self.buttons and self.client.clicks_arrive

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card under its `key`, or a message with a link and commands to type.

        DingTalk keeps the first card of a key. Raises DeliveryError.
        """
        space = Space("user", place.user) if place.user else Space("group", place.channel)
        if self.buttons:
            await self.show(space, card, key)
            return Posted(f"{space.kind}:{space.id}", key)
        await self._send(space, *_action_card(card, self.words))
        return Posted(f"{space.kind}:{space.id}", _message_id(card) + key)

    async def show(
        self, space: Space, card: Card, key: str, private: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        """Make a card; `private` maps users to what they alone see of it."""
        await self.client.create_and_deliver(key, space, variables(card), private)

    async def update(self, posted: Posted, card: Card) -> bool:
        """Show the newest state on a card, or tell that a new one is due: it is gone, or a message with an old status.

        Updates of one card wait for one another, as DingTalk does not order them.
        """
        if posted.message.startswith(f"{_MESSAGE}:"):
            return posted.message.startswith(_message_id(card))
        lock = self._locks.setdefault(posted.message, asyncio.Lock())
        async with lock:
            try:
                await self.client.update_card(posted.message, variables(card))
            except DeliveryError as error:
                if error.retryable:
                    raise
                log.warning("card %s is replaced: %s", posted.message, error)
                return False
        return True

    async def say(self, posted: Posted, text: str, key: str) -> None:
        """Write a text into the chat where a card is. There are no threads, and DingTalk knows no keys of messages."""
        kind, _, chat = posted.channel.partition(":")
        content = {"content": cut(clean(text), MESSAGE_BYTES)}
        await self._send(Space("user" if kind == "user" else "group", chat), "sampleText", content)

    async def tell(self, user: str, msg_key: str, params: Mapping[str, str]) -> None:
        """Write to one person alone. Raises DeliveryError when nothing can be sent to this person."""
        await self._send(Space("user", user), msg_key, params)

    async def find_user(self, email: str, phone: str) -> str:
        """Return the user with a mobile number; DingTalk finds nobody by e-mail address.

        It knows the numbers of mainland China without their country code.
        """
        return (await self.client.user_by_mobile(normalize_phone(phone)) or "") if phone else ""

    async def contact(self, user: str) -> tuple[str, str] | None:
        """Return the organisation's mailbox and the mobile number of a member, None for who is not active."""
        member = await self.client.get_user(user)
        return (member.org_email, member.mobile) if member and member.active else None

    async def close(self) -> None:
        """Give up connections."""
        await self.client.close()

    async def _send(self, space: Space, msg_key: str, params: Mapping[str, str]) -> None:
        if space.kind == "group":
            await self.client.send_robot_group(space.id, msg_key, params)
        elif await self.client.send_robot_user([space.id], msg_key, params):
            reason = Message("user {user} does not get messages of the robot", {"user": space.id})
            raise DeliveryError(SYSTEM, reason, retryable=False)


def _action_card(card: Card, words: Words) -> tuple[str, dict[str, str]]:
    """Return the kind and the parameters of a robot message (DingTalk docs "Types of messages sent by robots")."""
    title = cut(flat(card.summary), _TITLE_BYTES)
    if card.more is None or not card.more.url:
        return "sampleMarkdown", {"title": title, "text": message(card, words)}
    link = {"singleTitle": flat(card.more.label), "singleURL": card.more.url}
    return "sampleActionCard", {"title": title, "text": message(replace(card, more=None), words), **link}


def _message_id(card: Card) -> str:
    """Return what the ids of messages begin with that show the status of a card."""
    return f"{_MESSAGE}:{hashlib.sha256(f'{card.tone} {card.tag}'.encode()).hexdigest()[:12]}:"
