"""From a proven payload to the request of a chat user.

HTTP and Socket Mode deliver the same bodies, so both end here. Who asks is the user of the envelope; what a button or
a modal carries is a ref, which gives no right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from adapters.slack.components import LINK
from adapters.slack.events import BlockActions, Command, EventCallback, Origin, ViewSubmission
from adapters.slack.render import SAY
from adapters.slack.text import typed
from core.chat import Inbound

PLATFORM = "slack"


class Kind(Enum):
    """How a request came, which decides how it may be answered."""

    CLICK = auto()
    SUBMISSION = auto()
    COMMAND = auto()
    MESSAGE = auto()
    HOME = auto()


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asks, and where the answer may go.

    `at_home` tells that it came from the home tab.
    """

    kind: Kind
    inbound: Inbound
    trigger_id: str = ""
    response_url: str = ""
    at_home: bool = False

    def origin(self) -> dict[str, str]:
        """Return what a modal has to carry so that its submission is answered here."""
        return Origin(
            channel=self.inbound.channel, message=self.inbound.message, response_url=self.response_url
        ).model_dump(exclude_defaults=True)


def parse(body: Mapping[str, Any]) -> Request | None:
    """Read the JSON of an interaction or event, or the fields of a command; None for what is not for us.

    Raises ValueError (pydantic's among it) for what Slack would not send.
    """
    match body.get("type"):
        case "block_actions":
            return _click(BlockActions.model_validate(body))
        case "view_submission":
            return _submission(ViewSubmission.model_validate(body))
        case "event_callback":
            return _event(EventCallback.model_validate(body))
        case None if "ssl_check" not in body:
            return _command(Command.model_validate(body))
        case _:
            return None


def _click(payload: BlockActions) -> Request | None:
    action, place = payload.actions[0], payload.container
    verb = action.action_id.partition(":")[0]
    if verb == LINK:
        return None
    says = verb == SAY
    inbound = Inbound(
        PLATFORM,
        payload.user.id,
        payload.trigger_id or f"{place.message_ts}:{action.action_ts}:{payload.user.id}",
        text=action.value if says else "",
        verb="" if says else verb,
        ref="" if says else action.value,
        values=payload.state.by_block() if payload.state else {},
        channel=place.channel_id,
        message=place.message_ts,
        thread=place.thread_ts,
        private=place.channel_id.startswith("D"),
    )
    at_home = place.type == "view"
    return Request(Kind.CLICK, inbound, payload.trigger_id, payload.response_url, at_home)


def _submission(payload: ViewSubmission) -> Request:
    view = payload.view
    origin = Origin.model_validate_json(view.private_metadata)
    inbound = Inbound(
        PLATFORM,
        payload.user.id,
        payload.trigger_id or f"{view.id}:{view.hash}",
        verb=view.callback_id,
        ref=origin.ref,
        values=view.state.by_block(),
        channel=origin.channel,
        message=origin.message,
        private=origin.channel.startswith("D"),
    )
    at_home = not origin.channel  # what a modal carries names a channel, unless the home tab opened it
    return Request(Kind.SUBMISSION, inbound, payload.trigger_id, origin.response_url, at_home=at_home)


def _command(payload: Command) -> Request:
    inbound = Inbound(
        PLATFORM,
        payload.user_id,
        payload.trigger_id,
        text=typed(payload.text),
        channel=payload.channel_id,
        private=True,  # typed and answered unseen by others, wherever it is
    )
    return Request(Kind.COMMAND, inbound, payload.trigger_id, payload.response_url)


def _event(payload: EventCallback) -> Request | None:
    event = payload.event
    if not event.user or event.bot_id or event.subtype:  # the bot's own messages, edits, joins
        return None
    key = payload.event_id
    if event.type == "app_home_opened":
        return Request(Kind.HOME, Inbound(PLATFORM, event.user, key, verb="home")) if event.tab == "home" else None
    private = event.channel_type == "im"
    if event.type != "app_mention" and not (event.type == "message" and private):
        return None
    bots = "|".join(re.escape(one.user_id) for one in payload.authorizations if one.user_id)
    inbound = Inbound(
        PLATFORM,
        event.user,
        key,
        text=typed(re.sub(rf"<@(?:{bots})(?:\|[^<>]*)?>", "", event.text) if bots else event.text),
        channel=event.channel,
        message=event.ts,
        thread=event.thread_ts,
        private=private,
    )
    return Request(Kind.MESSAGE, inbound)
