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

from adapters.common.answering import Answering, call_with_retries, send_by_any
from adapters.feishu.client import FeishuClient
from adapters.feishu.events import Message
from adapters.feishu.inbound import parse_message
from adapters.feishu.messenger import UUID
from adapters.feishu.render import render_card, render_form
from adapters.feishu.text import fit, post_content
from core.card import Tone
from core.chat import Handler, Inbound, Reply
from core.errors import DeliveryError

TOAST: Final = 500  # characters; longer ones disappear before they are read
_TOASTS: Final = {Tone.GOOD: "success", Tone.BAD: "error", Tone.WAITING: "warning"}
_NEW_CARD: Final = frozenset({"show", "home"})
"""Verbs whose reply is a new card, which does not replace the clicked one."""

log = logging.getLogger(__name__)


class Conversation:
    """Answers messages and clicks that are verified to come from Feishu.

    `unreachable` is sent to a group in place of a reply for a requester who gets no direct messages.
    """

    def __init__(self, handler: Handler, client: FeishuClient, answering: Answering, unreachable: str) -> None:
        self._handler, self._client, self._answering, self._unreachable = handler, client, answering, unreachable

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

    async def answer_click(self, inbound: Inbound) -> dict[str, Any]:
        """Handle a click and return the answer to its callback; it is empty without a reply, or before it is ready.

        Raises whatever the handler raises.
        """
        reply = await self._answering.answer(self._handler(inbound), partial(self._send_late, inbound))
        if reply is None:
            return {}
        body, rest = _split_reply(inbound, reply)
        self._answering.start(self._send(inbound, rest))
        return body

    async def _send(self, inbound: Inbound, reply: Reply) -> None:
        """Send a reply as messages; repeated for the same request within an hour, they are sent once."""
        if reply.text:
            await self._send_privately(inbound, "post", post_content(reply.text, reply.link))
        if reply.form:
            await self._send_privately(inbound, "interactive", render_form(reply.form))
        if reply.card:
            await self._send_in_chat(inbound, "interactive", render_card(reply.card), _uuid(inbound, "card"))

    async def _send_late(self, inbound: Inbound, reply: Reply) -> None:
        """Send a reply that was not ready in time for the answer to the callback."""
        if reply.card and _replaces_card(inbound):
            try:
                await self._client.patch_card(inbound.message, render_card(reply.card))
                reply = replace(reply, card=None)
            except DeliveryError as error:
                log.info("the clicked card is not updated, and a new one is sent: %s", error)
        await self._send(inbound, reply)

    async def _send_privately(self, inbound: Inbound, kind: str, content: dict[str, Any]) -> None:
        """Send content to the requester alone; a requester who gets no messages is sent a sentence in the group."""
        uuid = _uuid(inbound, kind)
        if inbound.private:
            await self._send_in_chat(inbound, kind, content, uuid)
            return
        try:
            await call_with_retries(lambda: self._client.send("open_id", inbound.user, kind, content, uuid))
        except DeliveryError as error:
            log.info("a reply cannot be sent to its requester: %s", error)
            await call_with_retries(lambda: self._client.reply_text(inbound.message, self._unreachable, uuid))

    async def _send_in_chat(self, inbound: Inbound, kind: str, content: dict[str, Any], uuid: str) -> None:
        """Send content below the message of the request; to the requester where Feishu does not accept that."""

        async def send_below() -> None:
            await call_with_retries(lambda: self._client.reply(inbound.message, kind, content, uuid))

        await send_by_any(send_below, lambda: self._client.send("open_id", inbound.user, kind, content, uuid))


def _split_reply(inbound: Inbound, reply: Reply) -> tuple[dict[str, Any], Reply]:
    """Return the answer to a callback, and the rest of the reply, to be sent as messages."""
    body: dict[str, Any] = {}
    if reply.text:
        body["toast"] = {"type": _TOASTS.get(reply.tone, "info"), "content": fit(reply.text, TOAST)}
    if reply.card and _replaces_card(inbound):
        body["card"] = {"type": "raw", "data": render_card(reply.card)}
    return body, replace(reply, text="", card=None if "card" in body else reply.card)


def _replaces_card(inbound: Inbound) -> bool:
    """Return whether the card of the reply replaces the clicked one."""
    return inbound.verb not in _NEW_CARD


def _uuid(inbound: Inbound, part: str) -> str:
    return f"{part[:4]}-{inbound.key}"[:UUID]
