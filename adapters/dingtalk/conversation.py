"""From a user's request to the bot's handler and back, the same for HTTP and Stream.

DingTalk waits two seconds for the answer to a click, and then the card says that there was none. A slower answer
follows as a message. Answers are for the eyes of who asked: on a card as their private note, and otherwise in the 1:1
chat, also to what was asked in a group. A sign-in link must not be read by the group.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

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

ANSWER_WITHIN = 1.5
"""Seconds that the handler gets for an answer in time."""
_GRACE = 10.0
_SAMPLES = {"text": "sampleText", "markdown": "sampleMarkdown"}
_ANSWER = "reply-"
"""What the ids of cards begin with that answer a message: nobody keeps them up to date but those who press on them."""


class Conversation:
    """Answers messages and clicks, once they are proven to come from DingTalk."""

    def __init__(
        self, handler: Handler, messenger: DingTalkMessenger, clock: Clock, console_url: str, answer_within: float
    ) -> None:
        self._handler, self._messenger, self._clock = handler, messenger, clock
        self._words, self._console_url, self._answer_within = messenger.words, console_url, answer_within
        self._running: set[asyncio.Task[Any]] = set()

    async def message(self, said: RobotMessage) -> None:
        """Answer a message; an answer that takes long goes on after this returns."""
        await asyncio.wait({self._start(self._converse(said))}, timeout=self._answer_within)

    async def click(self, click: CardCallback, delivery: str) -> dict[str, Any]:
        """Return what the card is to show (DingTalk docs "Event callback of cards"): the note for who clicked alone.

        Nothing for a button that names no action: its template is not ours.
        """
        if not click.verb:
            return {}
        inbound = clicked(click, delivery)
        asking = self._start(self._press(inbound))
        done, _ = await asyncio.wait({asking}, timeout=self._answer_within)
        if done:
            reply = asking.result()
            return _shown(reply.text, reply.card)
        _ = self._start(self._follow(inbound, asking))
        return _shown(self._words.later)

    async def close(self) -> None:
        """Let what was begun finish, within some seconds."""
        if self._running:
            await asyncio.wait(self._running, timeout=_GRACE)

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

    async def _follow(self, inbound: Inbound, asking: asyncio.Task[Reply]) -> None:
        """Say as a message what came too late for the card."""
        reply = await asking
        if reply.card:
            await self._messenger.update(Posted("", inbound.message), reply.card)
        if reply.text:
            await self._messenger.tell(inbound.user, "sampleText", {"content": cut(clean(reply.text), MESSAGE_BYTES)})

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Log what kept an answer from its user; there is nobody else to tell."""
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, DeliveryError):
            log.warning("an answer did not reach its DingTalk user: %s", error)
        elif error:
            log.error("a request from DingTalk could not be answered", exc_info=error)


def _shown(text: str, card: Card | None = None) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "cardUpdateOptions": {"updateCardDataByKey": True, "updatePrivateDataByKey": True},
        "userPrivateData": {"cardParamMap": {"note": cut(clean(text), MAX_VALUE_BYTES)}},
    }
    return answer | ({"cardData": {"cardParamMap": variables(card)}} if card else {})
