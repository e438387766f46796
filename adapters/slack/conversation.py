"""Passes users' requests to the bot's handler and its replies to Slack, over HTTP and Socket Mode alike.

A reply goes into the acknowledgement where Slack accepts it there, and is sent by calls otherwise: by the response_url,
in the channel, or at last as a direct message; whoever acts in a modal gets it there. Where a form cannot be opened, a
button that opens it is sent. The confirmation of a click is not urgent: it waits while requests pile up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

from adapters.common.adapter import Inbox
from adapters.common.answering import Answering, call_with_retries, render_whole, send_by_any
from adapters.common.texts import NOT_NOW
from adapters.slack.client import SlackClient
from adapters.slack.errors import TRIGGER_USED, SlackError
from adapters.slack.inbound import Kind, Request
from adapters.slack.render import render_detail, render_home, render_message, render_modal, render_opener, render_reply
from adapters.slack.taking import Render
from adapters.slack.text import JSON, cut, flatten
from core.card import Card, Form, Tone, paragraph
from core.chat import Reply
from core.errors import DeliveryError
from core.ports.messenger import Posted

PATIENCE: Final = 1.0  # seconds that a confirmation waits at most while requests pile up
CONFIRMATIONS: Final = 16  # sent at the same time
_ERROR: Final = 250  # characters of the error below an input

SendContent = Callable[[JSON], Awaitable[object]]
"""Sends content by one way. Raises DeliveryError."""

log = logging.getLogger(__name__)


class Conversation:
    """Answers requests that are verified to come from Slack."""

    def __init__(self, inbox: Inbox, client: SlackClient, answering: Answering, not_now: str = NOT_NOW) -> None:
        """`not_now` answers requests while Slack does not say which team is ours."""
        self._handler, self._pressure = inbox.handler, inbox.pressure
        self._client, self._answering = client, answering
        text = not_now.format(chat="Slack")
        self._not_now = Reply(text, tone=Tone.BAD, errors={"": text})
        self._confirmations = asyncio.Semaphore(CONFIRMATIONS)

    async def answer(self, request: Request) -> JSON | None:
        """Handle one request and return the body of its acknowledgement, None for an empty one.

        Raises whatever the handler raises, and SlackError for an event while Slack does not say which team is ours:
        Slack sends it again. Nothing else is sent again, so the requester reads that it was not carried out.
        """
        reply = await self._answering.answer(self._handle(request), partial(self._send, request))
        return self._acknowledge(request, reply) if reply else None

    async def _handle(self, request: Request) -> Reply:
        inbound = request.inbound
        try:
            is_foreign = await self._client.is_of_another_team(inbound.user, request.team)
        except SlackError as error:
            if request.kind in (Kind.MESSAGE, Kind.HOME):
                raise
            log.warning("a request of a Slack user was not carried out: %s", error)
            return self._not_now
        return await self._handler(replace(inbound, user=f"{request.team}:{inbound.user}") if is_foreign else inbound)

    def _acknowledge(self, request: Request, reply: Reply) -> JSON | None:
        """Return the body of the acknowledgement, and start to send what Slack does not accept in it."""
        match request.kind:
            case Kind.COMMAND if not reply.form:
                return self._acknowledge_command(reply) if reply.text or reply.card else None
            case Kind.SUBMISSION if reply.errors and request.inbound.values:
                return {"response_action": "errors", "errors": _input_errors(request, reply)}
            case Kind.SUBMISSION if reply.form:
                return {"response_action": "update", "view": render_modal(reply.form, request.origin())}
            case Kind.SUBMISSION if request.view and reply.tone is Tone.BAD:
                return {"response_action": "update", "view": _detail(request, reply)}
            case _:
                self._answering.start(self._send(request, reply))
                return None

    def _acknowledge_command(self, reply: Reply) -> JSON:
        content = self._client.newest_blocks.render_known(partial(_render, reply))
        return {"response_type": "ephemeral", **content}

    async def _send(self, request: Request, reply: Reply) -> None:
        """Send a reply by calls of the Web API."""
        inbound = request.inbound
        if request.kind is Kind.HOME:
            await self._publish_home(inbound.user, reply)
        elif reply.form:
            await self._open_form(request, reply.form)
        elif reply.aside or request.view:
            await self._show_detail(request, reply)
        elif reply.card and reply.replaces and not request.at_home:
            replaced = await self._replace_clicked(request, reply.card)
            await self._send(request, replace(reply, card=None if replaced else reply.card, replaces=False))
        elif request.kind is Kind.CLICK and reply.tone is Tone.GOOD:
            await self._confirm(request, reply)
        elif reply.text or reply.card:
            await self._send_to_requester(request, partial(_render, reply))
        if request.at_home and not reply.form:
            opened = replace(inbound, key=f"{inbound.key}:home", verb="home", ref="", values={})
            home = await self._handle(replace(request, inbound=opened))
            await self._publish_home(inbound.user, home)

    async def _publish_home(self, user: str, reply: Reply) -> None:
        view = render_home(_home_card(reply))
        await call_with_retries(lambda: self._client.publish_home(user, view))

    async def _open_form(self, request: Request, form: Form) -> None:
        """Open a form; where Slack refuses it, send a button that requests it again."""
        if not await self._open_modal(request, render_modal(form, request.origin())):
            await self._send_to_requester(request, lambda _: render_opener(form, request.inbound.text))

    async def _show_detail(self, request: Request, reply: Reply) -> None:
        """Show a reply in a modal: in that with the card that it replaces, or else in a new one.

        Where Slack refuses it, the reply is sent as a message.
        """
        view = _detail(request, reply)
        if request.view and reply.card and not reply.aside:
            shown = await self._update_modal(request.view, view)
        else:
            shown = await self._open_modal(request, view)
        if not shown:
            await self._send_to_requester(request, lambda newest: render_reply(reply, newest=newest))

    async def _update_modal(self, view_id: str, view: JSON) -> bool:
        """Replace the content of a modal; False when somebody has closed it, or Slack refuses it."""
        try:
            await self._client.update_modal(view_id, view)
        except SlackError as error:
            log.info("a message is sent in place of a modal: %s", error)
            return False
        return True

    async def _open_modal(self, request: Request, view: JSON) -> bool:
        """Open a modal, above the one with the click; False without a trigger, or where Slack refuses it."""
        if not request.trigger_id:
            return False
        try:
            await self._client.open_modal(request.trigger_id, view, above=bool(request.view))
        except SlackError as error:
            log.info("a message is sent in place of a modal: %s", error)
            return error.vendor_code == TRIGGER_USED  # the request came twice, and the modal is open
        return True

    async def _replace_clicked(self, request: Request, card: Card) -> bool:
        """Let a card take the place of the clicked one; False when Slack does not accept that.

        By its response_url, or else as an ordinary update, which Slack has not for ephemeral messages.
        """
        client, clicked = self._client, Posted(request.inbound.channel, request.inbound.message)
        ways: list[SendContent] = []
        if request.response_url:
            ways.append(lambda content: client.respond(request.response_url, content, replaces=True))
        if not request.ephemeral:
            ways.append(lambda content: client.update(clicked, content))
        if not ways:
            return False
        try:
            await self._send_by_any(lambda newest: render_message(card, newest=newest), *ways)
        except DeliveryError as error:
            log.info("the clicked card is not updated, and a new one is sent: %s", error)
            return False
        return True

    async def _confirm(self, request: Request, reply: Reply) -> None:
        """Send the confirmation of a click: a few at the same time, and not while requests pile up."""
        async with self._confirmations:
            await self._pressure.wait_until_quiet(PATIENCE)
            await self._send_to_requester(request, partial(_render, reply))

    async def _send_to_requester(self, request: Request, render: Render) -> None:
        """Send content to where the request came from; as a direct message where Slack does not accept that."""
        inbound, client = request.inbound, self._client
        ways: list[SendContent] = []
        if request.kind is Kind.MESSAGE:
            ways.append(lambda content: self._send_to_thread(request, content))
        else:
            if request.response_url:
                ways.append(lambda content: client.respond(request.response_url, content))
            if inbound.channel:
                ways.append(
                    lambda content: client.send_ephemeral(inbound.channel, inbound.user, content, inbound.thread)
                )
        await self._send_by_any(render, *ways, lambda content: client.send_directly(inbound.user, content))

    async def _send_by_any(self, render: Render, *ways: SendContent) -> None:
        newest = self._client.newest_blocks
        await send_by_any(*(partial(newest.send, render, way) for way in ways))

    async def _send_to_thread(self, request: Request, content: JSON) -> None:
        """Send content to the thread of a message; a direct message without a thread starts none."""
        inbound = request.inbound
        thread = inbound.thread or ("" if inbound.private else inbound.message)
        await self._client.send(inbound.channel, content, thread)


def _render(reply: Reply, newest: bool) -> JSON:
    return render_whole(partial(render_reply, newest=newest), reply)


def _input_errors(request: Request, reply: Reply) -> dict[str, str]:
    """Return the error below each input; an error of no input goes below the first."""
    inputs = request.inbound.values
    errors: dict[str, list[str]] = {}
    for name, text in reply.errors.items():
        errors.setdefault(name if name in inputs else next(iter(inputs)), []).append(text)
    return {name: cut(flatten(" ".join(texts)), _ERROR) for name, texts in errors.items()}


def _detail(request: Request, reply: Reply) -> JSON:
    """Return the view of a modal with the card of a reply below its sentence, or with its sentence alone."""
    return render_detail(reply.card or Card("Fabu", reply.text), request.origin(), reply.text)


def _home_card(reply: Reply) -> Card:
    return reply.card or Card("Fabu", reply.text, sections=(paragraph(reply.text),))
