"""Passes users' requests to the bot's handler and its replies to Feishu, over HTTP and the long connection alike.

The reply to a click is in the answer to its callback: a toast, and the new content of the clicked card. Every other
reply is a message. Sentences, sign-in links and forms are for the requester alone: since a message to a group is for
all, they are sent as a direct message. Cards are sent to the chat of the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Final

from adapters.common.answering import Answering
from adapters.feishu.client import FeishuClient
from adapters.feishu.errors import FeishuError
from adapters.feishu.events import Message
from adapters.feishu.inbound import parse_message
from adapters.feishu.messenger import UUID
from adapters.feishu.render import render_card, render_form
from adapters.feishu.text import fit, text_content
from core.card import Tone
from core.chat import Handler, Inbound, Reply

TOAST: Final = 500  # characters; longer ones disappear before they are read
PAUSES: Final = (1.0, 2.0, 4.0)  # seconds before each further attempt to call Feishu
LONGEST_PAUSE: Final = 10.0  # seconds; when Feishu requests a longer pause, the call fails
_TOASTS: Final = {Tone.GOOD: "success", Tone.BAD: "error", Tone.WAITING: "warning"}
_NEW_CARD: Final = frozenset({"show", "home"})
"""Verbs whose reply is a new card, which does not replace the clicked one."""


class Conversation:
    """Answers messages and clicks that are verified to come from Feishu."""

    def __init__(self, handler: Handler, client: FeishuClient, answering: Answering) -> None:
        self._handler, self._client, self._answering = handler, client, answering

    async def answer_message(self, key: str, message: Message) -> None:
        """Reply to a message to the bot, and ignore one to others; a slow reply goes on after this returns.

        Raises whatever the handler raises, and FeishuError when Feishu does not say who the bot is.
        """
        handled = await self._answering.answer(self._handle_message(key, message), self._send_handled)
        self._answering.start(self._send_handled(handled))

    async def _handle_message(self, key: str, message: Message) -> tuple[Inbound, Reply] | None:
        bot = await _call_with_retries(self._client.get_bot_id) if message.mentioned else ""
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
            await self._send_privately(inbound, "text", text_content(reply.text))
        if reply.form:
            await self._send_privately(inbound, "interactive", render_form(reply.form))
        if reply.card:
            card, uuid = render_card(reply.card), _uuid(inbound, "card")
            await _call_with_retries(lambda: self._client.reply(inbound.message, "interactive", card, uuid))

    async def _send_late(self, inbound: Inbound, reply: Reply) -> None:
        """Send a reply that was not ready in time for the answer to the callback."""
        if reply.card and _replaces_card(inbound):
            await self._client.patch_card(inbound.message, render_card(reply.card))
            reply = replace(reply, card=None)
        await self._send(inbound, reply)

    async def _send_privately(self, inbound: Inbound, kind: str, content: dict[str, Any]) -> None:
        uuid = _uuid(inbound, kind)
        if inbound.private:
            await _call_with_retries(lambda: self._client.reply(inbound.message, kind, content, uuid))
        else:
            await _call_with_retries(lambda: self._client.send("open_id", inbound.user, kind, content, uuid))


def _split_reply(inbound: Inbound, reply: Reply) -> tuple[dict[str, Any], Reply]:
    """Return the answer to a callback, and the rest of the reply, to be sent as messages."""
    body: dict[str, Any] = {}
    if reply.text:
        body["toast"] = {"type": _TOASTS.get(reply.tone, "info"), "content": fit(reply.text, TOAST)}
    if reply.card and _replaces_card(inbound):
        body["card"] = {"type": "raw", "data": render_card(reply.card)}
    return body, replace(reply, text="", card=None if "card" in body else reply.card)


async def _call_with_retries(call: Callable[[], Coroutine[Any, Any, str]]) -> str:
    """Call Feishu, with retries while it is busy or cannot be reached. The uuid of a message prevents duplicates."""
    for pause in PAUSES:
        try:
            return await call()
        except FeishuError as error:
            retry_after = error.retry_after or 0
            if not error.retryable or retry_after > LONGEST_PAUSE:
                raise
            await asyncio.sleep(max(pause, retry_after))
    return await call()


def _replaces_card(inbound: Inbound) -> bool:
    """Return whether the card of the reply replaces the clicked one."""
    return inbound.verb not in _NEW_CARD


def _uuid(inbound: Inbound, part: str) -> str:
    return f"{part[:4]}-{inbound.key}"[:UUID]
