"""Converts verified messages and clicks, of HTTP and of Stream, into requests of chat users.

The requester is the sender in the envelope. A button carries a reference, which grants nothing.
"""

from __future__ import annotations

from adapters.dingtalk.events import CardCallback, RobotMessage
from core.chat import Inbound

PLATFORM = "dingtalk"


def parse_message(message: RobotMessage) -> Inbound:
    """Return the command in a message; its `user` is empty when the sender is outside the organisation."""
    return Inbound(
        PLATFORM,
        message.user,
        message.key,
        text=message.command,
        mentions=frozenset(message.mentioned),
        textless=not message.written and message.msgtype != "text",
        channel=message.conversation_id,
        message=message.msg_id,
        private=not message.in_group,
    )


def parse_click(click: CardCallback, delivery: str) -> Inbound:
    """Return the command of a button; `delivery` is the transport's id of this click."""
    return Inbound(
        PLATFORM,
        click.user_id,
        click.key(delivery),
        verb=click.verb,
        ref=click.ref,
        values={"text": click.text},
        channel=click.space_id,
        message=click.out_track_id,
    )
