"""From a user's request to the bot's handler and back, the same for HTTP and Stream.

DingTalk waits two seconds for the answer to a click, and then the card says that there was none. A slower answer
follows as a message. Answers are for the eyes of who asked: on a card as their private note, and otherwise in the 1:1
chat, also to what was asked in a group. A sign-in link must not be read by the group.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from adapters.common.answering import Answering
from adapters.dingtalk.client import Space
from adapters.dingtalk.events import CardCallback, RobotMessage
from adapters.dingtalk.inbound import clicked, typed
from adapters.dingtalk.messenger import DingTalkMessenger
from adapters.dingtalk.render import MESSAGE_BYTES, has_buttons, message, variables
from adapters.dingtalk.text import clean, cut, escape, flat
from adapters.dingtalk.validate import MAX_VALUE_BYTES
from core.card import Card, Tone
from core.chat import Handler, Inbound, Reply
from core.errors import DeliveryError
from core.ports.clock import Clock
from core.ports.messenger import Posted

log = logging.getLogger(__name__)

_SAMPLES = {"text": "sampleText", "markdown": "sampleMarkdown"}
_ANSWER = "reply-"
"""What the ids of cards begin with that answer a message: nobody keeps them up to date but those who press on them."""


class Conversation:
    """Answers messages and clicks, once they are proven to come from DingTalk."""

    def __init__(
        self, handler: Handler, messenger: DingTalkMessenger, clock: Clock, console_url: str, answering: Answering
    ) -> None:
        self._handler, self._messenger, self._clock = handler, messenger, clock
        self._words, self._console_url, self._answering = messenger.words, console_url, answering

    async def message(self, said: RobotMessage) -> None:
        """Answer a message; an answer that takes long goes on after this returns."""
        await self._answering.run(self._converse(said))

    async def click(self, click: CardCallback, delivery: str) -> dict[str, Any]:
        """Return what the card is to show (DingTalk docs "Event callback of cards"): the note for who clicked alone.

        Nothing for a button that names no action: its template is not ours.
        """
        if not click.verb:
            return {}
        inbound = clicked(click, delivery)
        reply = await self._answering.answer(self._press(inbound), partial(self._send_late, inbound))
        return _shown(reply.text, reply.card) if reply else _shown(self._words.later)

    async def _ask(self, inbound: Inbound) -> Reply:
        try:
            return await self._handler(inbound)
        except Exception:
            log.exception("a request from DingTalk failed")
            return Reply(self._words.failed, Tone.BAD)

    async def _press(self, inbound: Inbound) -> Reply:
        reply = await self._ask(inbound)
        if reply.card or not inbound.message.startswith(_ANSWER):
            return reply
        return replace(reply, card=(await self._ask(replace(inbound, verb="show"))).card)

    async def _converse(self, said: RobotMessage) -> None:
        inbound = typed(said)
        if not inbound.user:
            await self._here(said, "text", {"content": self._words.outsider})
            return
        reply = await self._ask(inbound)
        text = reply.text
        if reply.form:
            text = self._words.new_plan.format(new=self._words.command("new"), url=self._console_url)
        if reply.card is None:
            await self._tell(said, "text", {"content": cut(clean(text), MESSAGE_BYTES)})
        elif self._messenger.has_cards and has_buttons(reply.card):
            note = {inbound.user: {"note": cut(clean(text), MAX_VALUE_BYTES)}}
            card_id = f"{_ANSWER}{hashlib.sha256(inbound.key.encode()).hexdigest()[:32]}"
            await self._messenger.show(Space("user", inbound.user), reply.card, card_id, note)
        else:
            await self._tell(said, "markdown", self._markdown(text, reply.card))

    def _markdown(self, text: str, card: Card) -> dict[str, str]:
        above = f"{cut(escape(text), MESSAGE_BYTES // 2)}\n\n" if text else ""
        return {"title": cut(flat(card.summary), MAX_VALUE_BYTES), "text": above + message(card, self._words)}

    async def _tell(self, said: RobotMessage, kind: str, content: Mapping[str, str]) -> None:
        """Answer the sender alone: where it was said if nobody else is there, or else in the 1:1 chat."""
        if not said.in_group and await self._here(said, kind, content):
            return
        try:
            await self._messenger.tell(said.user, _SAMPLES[kind], content)
        except DeliveryError as error:
            if error.retryable or not said.in_group:
                raise
            await self._here(said, "text", {"content": self._words.unreachable})

    async def _here(self, said: RobotMessage, kind: str, content: Mapping[str, str]) -> bool:
        """Answer over the session of a message; False if that is over, does not work, or is not DingTalk's."""
        if said.session_webhook_expired_time <= self._clock.now().timestamp() * 1000:
            return False
        try:
            await self._messenger.client.reply_session_webhook(said.session_webhook, kind, content)
        except (ValueError, DeliveryError) as error:
            log.warning("a message from DingTalk cannot be answered over its session: %s", error)
            return False
        return True

    async def _send_late(self, inbound: Inbound, reply: Reply) -> None:
        """Send as a message what came too late for the card."""
        if reply.card:
            await self._messenger.update(Posted("", inbound.message), reply.card)
        if reply.text:
            await self._messenger.tell(inbound.user, "sampleText", {"content": cut(clean(reply.text), MESSAGE_BYTES)})


def _shown(text: str, card: Card | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "cardUpdateOptions": {"updateCardDataByKey": True, "updatePrivateDataByKey": True},
        "userPrivateData": {"cardParamMap": {"note": cut(clean(text), MAX_VALUE_BYTES)}},
    }
    return answer | ({"cardData": {"cardParamMap": variables(card)}} if card else {})
