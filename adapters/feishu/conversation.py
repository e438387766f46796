"""Passes users' requests to the bot's handler and its replies to Feishu, over HTTP and the long connection alike.

The reply to a click is in the answer to its callback: a toast, and the new content of the clicked card. Every other
reply is a message. Sentences, sign-in links and forms are for the requester alone: since a message to a group is for
all, they are sent as a direct message. Cards are sent to the chat of the request, and to the requester where Feishu
does not accept that.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import Any, Final

from adapters.common.answering import Answering, call_with_retries, render_whole, send_by_any
from adapters.feishu.cards import Cards
from adapters.feishu.client import FeishuClient
from adapters.feishu.events import Message
from adapters.feishu.inbound import SentForm, parse_message
from adapters.feishu.messenger import UUID
from adapters.feishu.render import render_form
from adapters.feishu.text import fit, post_content
from adapters.feishu.words import Words
from core.card import Card, State, Tone, line
from core.chat import Handler, Inbound, Reply
from core.errors import DeliveryError

TOAST: Final = 500  # characters; longer ones disappear before they are read
_TOASTS: Final = {Tone.GOOD: "success", Tone.BAD: "error", Tone.WAITING: "warning"}
_NEW_CARD: Final = frozenset({"show", "home"})
"""Verbs whose reply is a new card, which does not replace the clicked one."""

log = logging.getLogger(__name__)


class Conversation:
    """Answers messages and clicks that are verified to come from Feishu."""

    def __init__(
        self, handler: Handler, client: FeishuClient, cards: Cards, answering: Answering, words: Words
    ) -> None:
        self._handler, self._client, self._cards = handler, client, cards
        self._answering, self._words = answering, words

    async def answer_message(self, key: str, message: Message) -> None:
        """Reply to a message to the bot, and ignore one to others; a slow reply goes on after this returns.

        Raises whatever the handler raises, and FeishuError when Feishu does not say who the bot is.
        """
        handled = await self._answering.answer(self._handle_message(key, message), self._send_handled)
        self._answering.start(self._send_handled(handled))

    async def _handle_message(self, key: str, message: Message) -> tuple[Inbound, Reply] | None:
        bot = await call_with_retries(self._client.get_bot_id) if message.mentioned else ""
        inbound = parse_message(key, message, bot)
        return (inbound, await self._handler(inbound)) if inbound else None

    async def _send_handled(self, handled: tuple[Inbound, Reply] | None) -> None:
        if handled:
            await self._send(*handled)

    async def answer_click(self, inbound: Inbound, form: SentForm | None = None) -> dict[str, Any]:
        """Handle a click and return the answer to its callback; it is empty without a reply, or before it is ready.

        `form` is the form that it submits. Raises whatever the handler raises.
        """
        handled = self._handle_click(inbound, form)
        reply = await self._answering.answer(handled, partial(self._send_late, inbound))
        if reply is None:
            return {}
        body, rest = render_whole(partial(self._split_reply, inbound), reply)
        self._answering.start(self._send_late(inbound, rest))
        return body

    async def _handle_click(self, inbound: Inbound, form: SentForm | None) -> Reply:
        """Return the reply to a click. A form that was submitted becomes a sentence; its card replaced that of a plan.

        So the card whose button opened the form is updated, if nothing else keeps it up to date.
        """
        reply = await self._handler(inbound)
        if not form or reply.tone is not Tone.GOOD or (reply.card and not reply.replaces):
            return reply
        if reply.card and form.opened_by:
            self._answering.start(self._refresh(form.opened_by, reply.card))
        return replace(reply, card=Card(form.title, reply.text, State(Tone.GOOD), ask=(line(reply.text),)))

    def _split_reply(self, inbound: Inbound, reply: Reply) -> tuple[dict[str, Any], Reply]:
        """Return the answer to a callback, and the rest of the reply, to be sent as messages."""
        body: dict[str, Any] = {}
        sent = self._words.form_sent if reply.form else self._words.sent_aside if reply.aside else ""
        if text := reply.text or sent:
            body["toast"] = {"type": _TOASTS.get(reply.tone, "info"), "content": fit(text, TOAST)}
        card = self._cards.render_known(reply.card) if reply.card and _replaces_card(inbound) else None
        if card:
            body["card"] = {"type": "raw", "data": card}
        return body, replace(reply, text="", card=None if "card" in body else reply.card)

    async def _send(self, inbound: Inbound, reply: Reply) -> None:
        """Send a reply as messages; repeated for the same request within an hour, they are sent once."""
        if reply.text:
            await self._send_privately(inbound, "post", post_content(reply.text, reply.link), "post")
        if reply.form:
            await self._send_privately(inbound, "interactive", render_form(reply.form, inbound.message), "interactive")
        if reply.card:
            send = self._send_privately if reply.aside else self._send_in_chat
            await self._cards.send(reply.card, lambda content: send(inbound, "interactive", content, "card"))

    async def _send_late(self, inbound: Inbound, reply: Reply) -> None:
        """Send a reply, or what of it was not in the answer to the callback."""
        if reply.card and _replaces_card(inbound) and await self._patch(inbound.message, reply.card):
            reply = replace(reply, card=None)
        await self._send(inbound, reply)

    async def _refresh(self, message: str, card: Card) -> None:
        await self._patch(message, card)

    async def _patch(self, message: str, card: Card) -> bool:
        """Replace the content of a card, and return whether Feishu did."""
        try:
            await self._cards.send(card, lambda content: self._client.patch_card(message, content))
        except DeliveryError as error:
            log.info("a clicked card is not updated: %s", error)
            return False
        return True

    async def _send_privately(self, inbound: Inbound, kind: str, content: dict[str, Any], part: str) -> None:
        """Send a part of a reply to the requester alone; one who gets no messages is sent a sentence in the group."""
        if inbound.private:
            await self._send_in_chat(inbound, kind, content, part)
            return
        uuid = _uuid(inbound, part)
        try:
            await call_with_retries(lambda: self._client.send("open_id", inbound.user, kind, content, uuid))
        except DeliveryError as error:
            log.info("a reply cannot be sent to its requester: %s", error)
            await call_with_retries(lambda: self._client.reply_text(inbound.message, self._words.unreachable, uuid))

    async def _send_in_chat(self, inbound: Inbound, kind: str, content: dict[str, Any], part: str) -> None:
        """Send a part of a reply below the message of the request; to the requester where Feishu refuses that."""
        uuid = _uuid(inbound, part)

        async def send_below() -> None:
            await call_with_retries(lambda: self._client.reply(inbound.message, kind, content, uuid))

        await send_by_any(send_below, lambda: self._client.send("open_id", inbound.user, kind, content, uuid))


def _replaces_card(inbound: Inbound) -> bool:
    """Return whether the card of the reply replaces the clicked one."""
    return inbound.verb not in _NEW_CARD


def _uuid(inbound: Inbound, part: str) -> str:
    return f"{part[:4]}-{inbound.key}"[:UUID]
