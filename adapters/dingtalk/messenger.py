"""The outbound side of DingTalk: cards where a template is configured, robot messages elsewhere.

A robot message cannot be updated. Instead, a new one is sent when the state of the card differs from that in the last
message; `Posted.message` contains a digest of the state.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

from adapters.common.pace import Pace
from adapters.dingtalk.client import DingTalkClient, Space
from adapters.dingtalk.errors import SYSTEM, PersonLimited
from adapters.dingtalk.render import MESSAGE_BYTES, render_message, render_variables
from adapters.dingtalk.text import cut, flatten, plain
from adapters.dingtalk.words import Words
from core.card import Card
from core.errors import DeliveryError
from core.messages import Message
from core.ports.messenger import Place, Posted
from core.text import normalize_phone

log = logging.getLogger(__name__)

_MESSAGE = "message"
_TITLE_BYTES = 200
_DIGITS = re.compile(r"\d+")


class DingTalkMessenger:
    """The messenger of DingTalk (`core.ports.messenger.Messenger`). Every method raises DeliveryError.

    It keeps DingTalk's limits: of each API 20 calls a second, and 20 robot messages a minute to a group.
    """

    platform = "dingtalk"
    threads = False

    def __init__(self, client: DingTalkClient, words: Words) -> None:
        self.client, self.words = client, words
        self.buttons = bool(client.settings.card_template_id)
        self._apis, self._receivers = Pace(SYSTEM, 20, 1.0), Pace(SYSTEM, 20, 60.0)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def has_cards(self) -> bool:
        """Whether cards can be created now."""
        return self.buttons and self.client.receives_clicks

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        """Post a card with a `key`, or a robot message with a link and the commands to type.

        DingTalk keeps the first card of a key.
        """
        space = Space("user", place.user) if place.user else Space("group", place.channel)
        if self.buttons:
            await self.create_card(space, card, key)
            return Posted(f"{space.kind}:{space.id}", key)
        await self._send(space, *_action_card(card, self.words))
        return Posted(f"{space.kind}:{space.id}", _message_id(card) + key)

    async def create_card(
        self, space: Space, card: Card, key: str, private: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        """Create a card; `private` maps users to the variables that only they see."""
        with self._apis.keep("create"):
            await self.client.create_and_deliver(key, space, render_variables(card), private)

    async def update(self, posted: Posted, card: Card) -> bool:
        """Update a card; False when a new one is needed: it does not exist, or is a message with an old status.

        DingTalk does not order updates: those of one card are sent one by one.
        """
        if posted.message.startswith(f"{_MESSAGE}:"):
            return posted.message.startswith(_message_id(card))
        lock = self._locks.setdefault(posted.message, asyncio.Lock())
        async with lock:
            try:
                with self._apis.keep("update"):
                    await self.client.update_card(posted.message, render_variables(card))
            except DeliveryError as error:
                if error.retryable:
                    raise
                log.warning("card %s is replaced: %s", posted.message, error)
                return False
        return True

    async def say(
        self, posted: Posted, text: str, key: str, mentioned: Sequence[str] = (), *, loud: bool = False
    ) -> None:
        """Send a text to the chat of a card: there are no threads, so each is `loud`.

        Messages of robots have no keys, and mention nobody.
        """
        kind, _, chat = posted.channel.partition(":")
        content = {"content": cut(plain(text), MESSAGE_BYTES)}
        await self._send(Space("user" if kind == "user" else "group", chat), "sampleText", content)

    async def send_to_user(self, user: str, msg_key: str, params: Mapping[str, str]) -> None:
        """Send a robot message to one person. Raises DeliveryError when the person cannot get it."""
        await self._send(Space("user", user), msg_key, params)

    async def find_user(self, email: str, phone: str) -> str:
        """Return the user with a mobile number; DingTalk finds nobody by e-mail address.

        DingTalk stores the numbers of mainland China without the country code.
        """
        return (await self.client.find_user_by_mobile(normalize_phone(phone)) or "") if phone else ""

    async def contact(self, user: str) -> tuple[str, str] | None:
        """Return the organisation's mailbox and the mobile number of an active member; None for others."""
        member = await self.client.get_user(user)
        return (member.org_email, member.mobile) if member and member.active else None

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    async def _send(self, space: Space, msg_key: str, params: Mapping[str, str]) -> None:
        if space.kind == "group":
            with self._apis.keep("group"), self._receivers.keep(space.id):
                await self.client.send_robot_group(space.id, msg_key, params)
            return
        self._receivers.note(space.id)
        with self._apis.keep("user", _is_of_app), self._receivers.watch(space.id, _is_of_person):
            unreached = await self.client.send_robot_user([space.id], msg_key, params)
        if unreached:
            reason = Message("user {user} does not get messages of the robot", {"user": space.id})
            raise DeliveryError(SYSTEM, reason, retryable=False)


def _is_of_person(error: DeliveryError) -> bool:
    return isinstance(error, PersonLimited)


def _is_of_app(error: DeliveryError) -> bool:
    return not _is_of_person(error)


def _action_card(card: Card, words: Words) -> tuple[str, dict[str, str]]:
    """Return the kind and the parameters of a robot message (DingTalk docs "Types of messages sent by robots")."""
    title = cut(flatten(card.summary), _TITLE_BYTES)
    if card.more is None or not card.more.url:
        return "sampleMarkdown", {"title": title, "text": render_message(card, words)}
    link = {"singleTitle": flatten(card.more.label), "singleURL": card.more.url}
    return "sampleActionCard", {"title": title, "text": render_message(replace(card, more=None), words), **link}


def _message_id(card: Card) -> str:
    """Return the prefix of the ids of messages with the state of a card; how far it has come is no other state."""
    state = f"{card.state.tone} {_DIGITS.sub('', card.state.word)}"
    return f"{_MESSAGE}:{hashlib.sha256(state.encode()).hexdigest()[:12]}:"
