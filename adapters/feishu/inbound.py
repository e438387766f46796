"""From a proven event to what the bot is asked. Who asks is said by the envelope alone, never by a card's value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.feishu.events import CardAction, Event, Message
from core.chat import Inbound

PLATFORM = "feishu"


def inbound_of(key: str, event: Event | None) -> Inbound | None:
    """Return the request in an event, or None when nothing is asked: of a bot, a picture, a button of another app."""
    match event:
        case CardAction():
            return _clicked(key, event)
        case Message() if event.for_bot and event.sender.sender_type == "user" and event.message.message_type == "text":
            return Inbound(
                PLATFORM,
                event.sender.sender_id.open_id,
                key,
                text=event.text,
                channel=event.message.chat_id,
                message=event.message.message_id,
                private=event.message.chat_type == "p2p",
            )
        case _:
            return None


def _clicked(key: str, event: CardAction) -> Inbound | None:
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
    """Return what was typed by the names of the fields; `render` numbers them within a card."""
    values = {name.rpartition("_")[0] or name: text for name, text in form.items() if isinstance(text, str)}
    return values | ({"text": typed} if typed else {})
