"""Parses verified events into requests of chat users. The envelope identifies the user; a card's value does not."""

from __future__ import annotations

from collections.abc import Mapping
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
    """Return the request of a click; None for buttons of other apps."""
    verb, ref = event.action.value.get("verb"), event.action.value.get("ref")
    if not isinstance(verb, str) or not isinstance(ref, str) or not verb:
        return None
    return Inbound(
        PLATFORM,
        event.operator.open_id,
        key,
        verb=verb,
        ref=ref,
        values=_values(event.action.form_value, event.action.input_value),
        channel=event.context.open_chat_id,
        message=event.context.open_message_id,
    )


def _values(form: Mapping[str, Any], typed: str) -> dict[str, str]:
    """Return the inputs by the names of their fields, without the numbers that `render` appends."""
    values = {name.rpartition("_")[0] or name: text for name, text in form.items() if isinstance(text, str)}
    return values | ({"text": typed} if typed else {})
