"""From a user's request to the bot's handler and back, the same for HTTP and Socket Mode.

Slack waits three seconds for the acknowledgement. The handler gets half of that; if it needs longer, the request is
acknowledged and the answer follows. What cannot be said in the acknowledgement is sent beside it; what a click only
confirms waits for a moment when nobody else waits for a decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Final

from adapters.common.adapter import Inbox
from adapters.slack import render
from adapters.slack.client import SlackMessenger
from adapters.slack.inbound import Kind, Request
from adapters.slack.text import JSON, cut, flat
from core.card import Card, Section, Tone
from core.chat import Reply
from core.errors import DeliveryError

ANSWER_WITHIN: Final = 1.5  # seconds
PATIENCE: Final = 1.0  # seconds that a confirmation waits for other requests to pass
CONFIRMING: Final = 16  # confirmations at once
_ERROR: Final = 250  # characters of what is said below an input

_log = logging.getLogger(__name__)


class Conversation:
    """Answers what Slack delivers, once it is proven to come from Slack."""

    def __init__(self, inbox: Inbox, messenger: SlackMessenger, answer_within: float = ANSWER_WITHIN) -> None:
        self._handler, self._pressure = inbox.handler, inbox.pressure
        self._confirming = asyncio.Semaphore(CONFIRMING)
        self._messenger = messenger
        self._answer_within = answer_within
        self._running: set[asyncio.Future[Any]] = set()

    async def answer(self, request: Request) -> JSON | None:
        """Handle one request and return the body of its acknowledgement, None for an empty one.

        Raises whatever the handler raises.
        """
        asking = self._keep(asyncio.ensure_future(self._handler(request.inbound)))
        done, _ = await asyncio.wait({asking}, timeout=self._answer_within)
        if done:
            return self._acknowledge(request, asking.result())
        self._start(self._follow(request, asking))
        return None

    async def close(self) -> None:
        """Wait until everything that was asked has been answered."""
        while self._running:
            await asyncio.wait(self._running)

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
                self._start(self._send(request, reply))
                return None

    async def _follow(self, request: Request, asking: asyncio.Future[Reply]) -> None:
        await self._send(request, await asking)

    async def _send(self, request: Request, reply: Reply) -> None:
        """Say everything by calls of our own."""
        inbound = request.inbound
        if request.kind is Kind.HOME:
            await self._messenger.home(inbound.user, _home(reply))
        elif reply.form and request.trigger_id:
            await self._messenger.open(request.trigger_id, render.modal(reply.form, request.origin()))
        elif reply.form:
            await self._write(request, render.opener(reply.form, inbound.text))
        elif request.kind is Kind.CLICK and reply.tone is Tone.GOOD:
            await self._confirm(request, reply)
        elif reply.text or reply.card:
            await self._tell(request, reply)
        if request.at_home and not reply.form:
            now = await self._handler(replace(inbound, key=f"{inbound.key}:home", verb="home", ref="", values={}))
            await self._messenger.home(inbound.user, _home(now))

    async def _confirm(self, request: Request, reply: Reply) -> None:
        """Tell that a click worked; a few at a time, and when nobody waits for a decision."""
        async with self._confirming:
            await self._pressure.passed(PATIENCE)
            await self._tell(request, reply)

    async def _tell(self, request: Request, reply: Reply) -> None:
        inbound, content = request.inbound, render.answer(reply)
        if request.kind is Kind.MESSAGE:
            await self._write(request, content)
        elif not (request.response_url and await self._messenger.respond(request.response_url, content)):
            await self._messenger.ephemeral(inbound.channel, inbound.user, content, inbound.thread)

    async def _write(self, request: Request, content: JSON) -> None:
        """Answer a message: in its thread, or below it among direct messages."""
        inbound = request.inbound
        thread = inbound.thread or ("" if inbound.private else inbound.message)
        await self._messenger.send(inbound.channel, content, thread)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._keep(asyncio.ensure_future(work)).add_done_callback(_report)

    def _keep(self, task: asyncio.Future[Any]) -> asyncio.Future[Any]:
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


def _below_inputs(request: Request, reply: Reply) -> dict[str, str]:
    """Return what is said below each input; what concerns none of them is said below the first."""
    inputs = request.inbound.values
    said: dict[str, list[str]] = {}
    for name, text in reply.errors.items():
        said.setdefault(name if name in inputs else next(iter(inputs)), []).append(text)
    return {name: cut(flat(" ".join(texts)), _ERROR) for name, texts in said.items()}


def _home(reply: Reply) -> Card:
    return reply.card or Card("Fabu", reply.text, sections=(Section(text=reply.text),))


def _report(task: asyncio.Future[None]) -> None:
    """Log what kept an answer from its user; there is nobody else to tell."""
    error = None if task.cancelled() else task.exception()
    if isinstance(error, DeliveryError):
        _log.warning("An answer did not reach its Slack user: %s", error)
    elif error:
        _log.error("A request from Slack could not be answered", exc_info=error)
