"""From what DingTalk delivered to the request of a user: the same for HTTP and Stream.

Who asks is the sender of the envelope; what a button carries is a reference, which gives no right.
"""

from __future__ import annotations

from adapters.dingtalk.events import CardCallback, RobotMessage
from core.chat import Inbound

PLATFORM = "dingtalk"


def typed(message: RobotMessage) -> Inbound:
    """Return the command in a message; without a `user` when the sender is from outside the organisation."""
    return Inbound(
        PLATFORM,
        message.user,
        message.key,
        text=message.command,
        channel=message.conversation_id,
        message=message.msg_id,
        private=not message.in_group,
    )


def clicked(click: CardCallback, delivery: str) -> Inbound:
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
