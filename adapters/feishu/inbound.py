"""Parses verified events into requests of chat users. The envelope identifies the user; a card's value does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.feishu.events import CardAction, Message
from core.chat import Inbound

PLATFORM = "feishu"


def parse_message(key: str, event: Message, bot: str) -> Inbound | None:
    """Return the request in a message to the bot with an open_id; None for messages of bots, and those to others."""
    if not event.calls(bot) or event.sender.sender_type != "user":
        return None
    text = event.text_for(bot)
    return Inbound(
        PLATFORM,
        event.sender.sender_id.open_id,
        key,
        text=text,
        textless=not text and event.message.message_type != "text",
        mentions=frozenset(event.mentioned.values()) - {bot},
        channel=event.message.chat_id,
        message=event.message.message_id,
        private=event.private,
    )


def parse_click(key: str, event: CardAction) -> Inbound | None:
    """Return the request of a click; None for buttons of other apps. What is picked in a list is the ref."""
    verb, ref = event.action.value.get("verb"), event.action.option or event.action.value.get("ref")
    if not isinstance(verb, str) or not isinstance(ref, str) or not verb:
        return None
    return Inbound(
        PLATFORM,
        event.operator.open_id,
        key,
        verb=verb,
        ref=ref,
        values=_values(event.action.value, event.action.form_value, event.action.input_value),
        channel=event.context.open_chat_id,
        message=event.context.open_message_id,
    )


@dataclass(frozen=True, slots=True)
class SentForm:
    """The card of a form: its title, and the message whose button opened it."""

    title: str
    opened_by: str


def parse_form(event: CardAction) -> SentForm | None:
    """Return the form that a click submits; None for the buttons of other cards."""
    sent = event.action.value.get("form")
    if not isinstance(sent, dict):
        return None
    return SentForm(str(sent.get("title", "")), str(sent.get("opened_by", "")))


def _values(value: Mapping[str, Any], form: Mapping[str, Any], typed: str) -> dict[str, str]:
    """Return the inputs by the names of their fields, without the numbers that `asking` appends.

    A button without an input brings the empty text that is enough for it.
    """
    empty = {"text": ""} if value.get("text") == "" else {}
    values = {name.rpartition("_")[0] or name: text for name, text in form.items() if isinstance(text, str)}
    return empty | values | ({"text": typed} if typed else {})
