"""From a user's request to the bot's handler and back, the same for HTTP and the long connection.

A click is answered in the answer to its callback: a toast, and the card in its place when the reply is that same card
anew. Everything else is a message. What is for the asker's eyes alone (sentences, sign-in links, forms) never goes to
a group, where Feishu has no other way to whisper than a direct message; cards are shown where they were asked for.
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
from adapters.feishu.messenger import UUID
from adapters.feishu.render import render, render_form
from adapters.feishu.text import fit, unmentioning
from core.card import Tone
from core.chat import Handler, Inbound, Reply

TOAST: Final = 500  # characters; longer ones cannot be read before they vanish
PAUSES: Final = (1.0, 2.0, 4.0)  # seconds at least between the tries to say something to somebody who waits for it
LONGEST_PAUSE: Final = 10.0  # seconds; who is told to wait longer is answered no more
_TOASTS: Final = {Tone.GOOD: "success", Tone.BAD: "error", Tone.WAITING: "warning"}
_OPENING: Final = frozenset({"show", "home"})
"""Verbs whose card is another one than the clicked card, and comes beside it."""


class Conversation:
    """Answers messages and clicks, once they are proven to come from Feishu."""

    def __init__(self, handler: Handler, client: FeishuClient, answering: Answering) -> None:
        self._handler, self._client, self._answering = handler, client, answering

    async def answer(self, inbound: Inbound) -> dict[str, Any]:
        """Handle one request and return the answer to its callback, empty when there is nothing to say, or not yet.

        Raises whatever the handler raises.
        """
        reply = await self._answering.answer(self._handler(inbound), partial(self._send_late, inbound))
        if reply is None:
            return {}
        body, rest = _split(inbound, reply)
        self._answering.start(self._send(inbound, rest))
        return body

    async def _send(self, inbound: Inbound, reply: Reply) -> None:
        """Send a reply as messages; repeated for the same request within an hour, it is sent once."""
        if reply.text:
            await self._whisper(inbound, "text", unmentioning(reply.text))
        if reply.form:
            await self._whisper(inbound, "interactive", render_form(reply.form))
        if reply.card:
            card = render(reply.card)
            await _patiently(lambda: self._client.reply(inbound.message, "interactive", card, _uuid(inbound, "card")))

    async def _send_late(self, inbound: Inbound, reply: Reply) -> None:
        """Send a reply that was not ready when the callback had to be answered."""
        if reply.card and _replaces(inbound):
            await self._client.patch_card(inbound.message, render(reply.card))
            reply = replace(reply, card=None)
        await self._send(inbound, reply)

    async def _whisper(self, inbound: Inbound, kind: str, content: dict[str, Any]) -> None:
        uuid = _uuid(inbound, kind)
        if inbound.private:
            await _patiently(lambda: self._client.reply(inbound.message, kind, content, uuid))
        else:
            await _patiently(lambda: self._client.send("open_id", inbound.user, kind, content, uuid))


def _split(inbound: Inbound, reply: Reply) -> tuple[dict[str, Any], Reply]:
    """Return the answer to a callback, and what of the reply has to be sent as messages."""
    if not inbound.verb:
        return {}, reply
    body: dict[str, Any] = {}
    if reply.text:
        body["toast"] = {"type": _TOASTS.get(reply.tone, "info"), "content": fit(reply.text, TOAST)}
    if reply.card and _replaces(inbound):
        body["card"] = {"type": "raw", "data": render(reply.card)}
    return body, replace(reply, text="", card=None if "card" in body else reply.card)


async def _patiently(send: Callable[[], Coroutine[Any, Any, str]]) -> None:
    """Send a message, again while Feishu is busy or away; its uuid keeps it from being sent twice."""
    for pause in PAUSES:
        try:
            await send()
            return
        except FeishuError as error:
            asked = error.retry_after or 0
            if not error.retryable or asked > LONGEST_PAUSE:
                raise
            await asyncio.sleep(max(pause, asked))
    await send()


def _replaces(inbound: Inbound) -> bool:
    """Tell whether the card of a reply takes the place of the clicked one."""
    return bool(inbound.verb) and inbound.verb not in _OPENING


def _uuid(inbound: Inbound, part: str) -> str:
    return f"{part[:4]}-{inbound.key}"[:UUID]
