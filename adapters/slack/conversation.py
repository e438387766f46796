"""From a user's request to the bot's handler and back, the same for HTTP and Socket Mode.

What cannot be said in the acknowledgement is sent beside it; what a click only
confirms waits for a moment when nobody else waits for a decision.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Final

from adapters.common.adapter import Inbox
from adapters.common.answering import Answering
from adapters.slack import render
from adapters.slack.client import SlackClient
from adapters.slack.inbound import Kind, Request
from adapters.slack.text import JSON, cut, flat
from core.card import Card, Section, Tone
from core.chat import Reply

PATIENCE: Final = 1.0  # seconds that a confirmation waits for other requests to pass
CONFIRMING: Final = 16  # confirmations at once
_ERROR: Final = 250  # characters of what is said below an input


class Conversation:
    """Answers what Slack delivers, once it is proven to come from Slack."""

    def __init__(self, inbox: Inbox, client: SlackClient, answering: Answering) -> None:
        self._handler, self._pressure = inbox.handler, inbox.pressure
        self._client, self._answering = client, answering
        self._confirming = asyncio.Semaphore(CONFIRMING)

    async def answer(self, request: Request) -> JSON | None:
        """Handle one request and return the body of its acknowledgement, None for an empty one.

        Raises whatever the handler raises.
        """
        handling = self._handler(request.inbound)
        reply = await self._answering.answer(handling, partial(self._send, request))
        return self._acknowledge(request, reply) if reply else None

    def _acknowledge(self, request: Request, reply: Reply) -> JSON | None:
        """Say in the acknowledgement what Slack takes there, and start sending the rest."""
        match request.kind:
            case Kind.COMMAND if not reply.form:
                return {"response_type": "ephemeral", **render.answer(reply)} if reply.text or reply.card else None
            case Kind.SUBMISSION if reply.errors and request.inbound.values:
                return {"response_action": "errors", "errors": _below_inputs(request, reply)}
            case Kind.SUBMISSION if reply.form:
                return {"response_action": "update", "view": render.modal(reply.form, request.origin())}
            case _:
                self._answering.start(self._send(request, reply))
                return None

    async def _send(self, request: Request, reply: Reply) -> None:
        """Say everything by calls of our own."""
        inbound = request.inbound
        if request.kind is Kind.HOME:
            await self._client.publish(inbound.user, render.home(_home(reply)))
        elif reply.form and request.trigger_id:
            await self._client.open(request.trigger_id, render.modal(reply.form, request.origin()))
        elif reply.form:
            await self._write(request, render.opener(reply.form, inbound.text))
        elif request.kind is Kind.CLICK and reply.tone is Tone.GOOD:
            await self._confirm(request, reply)
        elif reply.text or reply.card:
            await self._tell(request, reply)
        if request.at_home and not reply.form:
            now = await self._handler(replace(inbound, key=f"{inbound.key}:home", verb="home", ref="", values={}))
            await self._client.publish(inbound.user, render.home(_home(now)))

    async def _confirm(self, request: Request, reply: Reply) -> None:
        """Tell that a click worked; a few at a time, and when nobody waits for a decision."""
        async with self._confirming:
            await self._pressure.wait_until_quiet(PATIENCE)
            await self._tell(request, reply)

    async def _tell(self, request: Request, reply: Reply) -> None:
        inbound, content = request.inbound, render.answer(reply)
        if request.kind is Kind.MESSAGE:
            await self._write(request, content)
        elif not (request.response_url and await self._client.respond(request.response_url, content)):
            await self._client.ephemeral(inbound.channel, inbound.user, content, inbound.thread)

    async def _write(self, request: Request, content: JSON) -> None:
        """Answer a message: in its thread, or below it among direct messages."""
        inbound = request.inbound
        thread = inbound.thread or ("" if inbound.private else inbound.message)
        await self._client.send(inbound.channel, content, thread)


def _below_inputs(request: Request, reply: Reply) -> dict[str, str]:
    """Return what is said below each input; what concerns none of them is said below the first."""
    inputs = request.inbound.values
    said: dict[str, list[str]] = {}
    for name, text in reply.errors.items():
        said.setdefault(name if name in inputs else next(iter(inputs)), []).append(text)
    return {name: cut(flat(" ".join(texts)), _ERROR) for name, texts in said.items()}


def _home(reply: Reply) -> Card:
    return reply.card or Card("Fabu", reply.text, sections=(Section(text=reply.text),))
