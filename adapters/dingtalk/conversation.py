"""Passes users' requests to the bot's handler and its replies to DingTalk, over HTTP and Stream alike.

DingTalk waits two seconds for the answer to a click, and then displays a failure on the card. A slower reply follows as
a message. Replies are for the requester alone: a click gets a private note on the card, and a message gets a reply in
the 1:1 chat, even if it was sent to a group. The group must not see a sign-in link, for example. A reply whose card
cannot be created or updated is sent as a message with the commands to type.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from adapters.common.answering import Answering, call_with_retries, render_whole, send_by_any
from adapters.dingtalk.client import Space
from adapters.dingtalk.errors import SYSTEM
from adapters.dingtalk.events import CardCallback, RobotMessage
from adapters.dingtalk.inbound import parse_click, parse_message
from adapters.dingtalk.messenger import DingTalkMessenger
from adapters.dingtalk.render import MESSAGE_BYTES, has_buttons, render_message, render_variables
from adapters.dingtalk.text import clean, cut, escape_paragraph, flatten, plain
from adapters.dingtalk.validate import MAX_VALUE_BYTES
from core.card import Card, Tone
from core.chat import Handler, Inbound, Reply
from core.errors import DeliveryError
from core.messages import Message
from core.ports.clock import Clock
from core.ports.messenger import Posted

log = logging.getLogger(__name__)

_SAMPLES = {"text": "sampleText", "markdown": "sampleMarkdown"}
_REPLY = "reply-"
"""The prefix of the ids of cards that are replies to messages."""


class Conversation:
    """Answers messages and clicks that are verified to come from DingTalk."""

    def __init__(
        self, handler: Handler, messenger: DingTalkMessenger, clock: Clock, console_url: str, answering: Answering
    ) -> None:
        self._handler, self._messenger, self._clock = handler, messenger, clock
        self._words, self._console_url, self._answering = messenger.words, console_url, answering

    async def answer_message(self, message: RobotMessage) -> None:
        """Reply to a message to the robot, and ignore one to others; a slow reply goes on after this returns."""
        if message.calls_robot:
            await self._answering.run(self._answer_message(message))

    async def answer_click(self, click: CardCallback, delivery: str) -> dict[str, Any]:
        """Return the changes of the card (DingTalk docs "Event callback of cards"), with a private note for the user.

        They are empty for a button without an action, which is not of Fabu's template.
        """
        if not click.verb:
            return {}
        inbound = parse_click(click, delivery)
        reply = await self._answering.answer(self._handle(inbound), partial(self._send_late, inbound))
        if reply is None:
            return _card_changes(self._words.later)
        if reply.card and reply.aside:
            self._answering.start(self._send_aside(inbound, reply.text, reply.card))
            return _card_changes(self._words.sent_aside)
        return render_whole(lambda whole: _card_changes(whole.text, whole.card), reply)

    async def _handle(self, inbound: Inbound) -> Reply:
        try:
            return await self._handler(inbound)
        except Exception:
            log.exception("a request from DingTalk failed")
            return Reply(self._words.failed, Tone.BAD)

    async def _answer_message(self, message: RobotMessage) -> None:
        inbound = parse_message(message)
        if not inbound.user:
            await self._send_to_session(message, "text", {"content": self._words.outsider})
            return
        reply = await self._handle(inbound)
        if reply == Reply():
            return
        if reply.form:
            text = self._words.new_plan.format(new=self._words.command("new"), url=self._console_url)
            reply = replace(reply, text=text, link=self._console_url)
        if reply.card is None:
            await self._send_to_sender(message, "text", _text(reply))
        elif not await self._create_card(inbound, reply.text, reply.card):
            await self._send_to_sender(message, "markdown", self._markdown(reply.text, reply.card))

    async def _create_card(self, inbound: Inbound, text: str, card: Card) -> bool:
        """Send a card with a private note; False when it has no buttons, or cards cannot be created now."""
        if not (self._messenger.has_cards and has_buttons(card)):
            return False
        note = {inbound.user: {"note": cut(clean(text), MAX_VALUE_BYTES)}}
        card_id = f"{_REPLY}{hashlib.sha256(inbound.key.encode()).hexdigest()[:32]}"
        try:
            await self._messenger.create_card(Space("user", inbound.user), card, card_id, note)
        except DeliveryError as error:
            log.info("a reply is sent as a message, since its card is not accepted: %s", error)
            return False
        return True

    def _markdown(self, text: str, card: Card) -> dict[str, str]:
        above = f"{cut(escape_paragraph(text), MESSAGE_BYTES // 2)}\n\n" if text else ""
        return {"title": cut(flatten(card.summary), MAX_VALUE_BYTES), "text": above + render_message(card, self._words)}

    async def _send_to_sender(self, message: RobotMessage, kind: str, content: Mapping[str, str]) -> None:
        """Send content to the sender alone: over the session of a 1:1 chat, or else as a new message in that chat.

        A sender who gets no messages is sent a sentence in the group, which says so.
        """
        directly = partial(self._messenger.send_to_user, message.user, _SAMPLES[kind], content)
        if not message.in_group:
            await send_by_any(partial(self._send_to_session, message, kind, content), directly)
            return
        try:
            await call_with_retries(directly)
        except DeliveryError as error:
            log.info("a reply to a message in a group cannot be sent to its sender: %s", error)
            await self._send_to_session(message, "text", {"content": self._words.unreachable})

    async def _send_to_session(self, message: RobotMessage, kind: str, content: Mapping[str, str]) -> None:
        """Send content over the session of a message. Raises DeliveryError, also for a session that is over."""
        if message.session_webhook_expired_time <= self._clock.now().timestamp() * 1000:
            raise DeliveryError(SYSTEM, Message("the session of the message is over"), retryable=False, sent=False)
        await self._messenger.client.reply_session_webhook(message.session_webhook, kind, content)

    async def _send_aside(self, inbound: Inbound, text: str, card: Card) -> None:
        """Send a card to the requester of a click alone."""
        if not await self._create_card(inbound, text, card):
            content = self._markdown(text, card)
            await call_with_retries(lambda: self._messenger.send_to_user(inbound.user, "sampleMarkdown", content))

    async def _send_late(self, inbound: Inbound, reply: Reply) -> None:
        """Send a reply that was not ready in time for the answer to the click."""
        if reply.card and reply.aside:
            await self._send_aside(inbound, reply.text, reply.card)
            return
        if reply.card and not await self._update(inbound.message, reply.card):
            kind, content = "sampleMarkdown", self._markdown(reply.text, reply.card)
        elif reply.text:
            kind, content = "sampleText", _text(reply)
        else:
            return
        await call_with_retries(lambda: self._messenger.send_to_user(inbound.user, kind, content))

    async def _update(self, card_id: str, card: Card) -> bool:
        """Update the clicked card, and return whether DingTalk accepted that."""
        try:
            return await self._messenger.update(Posted("", card_id), card)
        except DeliveryError as error:
            log.info("card %s is not updated: %s", card_id, error)
            return False


def _text(reply: Reply) -> dict[str, str]:
    """Return the content of a text message, in which DingTalk makes links of URLs."""
    return {"content": cut(plain(reply.text, reply.link), MESSAGE_BYTES)}


def _card_changes(text: str, card: Card | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "cardUpdateOptions": {"updateCardDataByKey": True, "updatePrivateDataByKey": True},
        "userPrivateData": {"cardParamMap": {"note": cut(clean(text), MAX_VALUE_BYTES)}},
    }
    return answer | ({"cardData": {"cardParamMap": render_variables(card)}} if card else {})
