"""Parses verified payloads, of HTTP and of Socket Mode, into requests of chat users.

The requester is the user in the envelope. A button or a modal carries a ref, which grants nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from adapters.slack.components import LINK
from adapters.slack.events import MESSAGE_SUBTYPES, BlockActions, Command, EventCallback, Origin, ViewSubmission
from adapters.slack.text import mentioned_users, strip_markup
from core.card import SAY
from core.chat import Inbound

PLATFORM = "slack"


class Kind(Enum):
    """The kind of a request, which determines how Slack accepts a reply."""

    CLICK = auto()
    SUBMISSION = auto()
    COMMAND = auto()
    MESSAGE = auto()
    HOME = auto()


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a user, and where replies to it may be sent.

    `team` is the team of the user, empty where Slack does not send it. `at_home` is whether it comes from the home tab,
    and `ephemeral` whether the clicked message is one that only the user sees. `view` is the modal with the card that
    it is about.
    """

    kind: Kind
    inbound: Inbound
    team: str = ""
    trigger_id: str = ""
    response_url: str = ""
    at_home: bool = False
    ephemeral: bool = False
    view: str = ""

    def origin(self) -> dict[str, str]:
        """Return the place of this request, for a modal to carry, so that the reply to its submission is sent there."""
        return Origin(
            channel=self.inbound.channel,
            message=self.inbound.message,
            response_url=self.response_url,
            ephemeral=self.ephemeral,
            view=self.view,
        ).model_dump(exclude_defaults=True)


def parse(body: Mapping[str, Any]) -> Request | None:
    """Parse the JSON of an interaction or event, or the fields of a command; None when there is nothing to do.

    Raises ValueError (also pydantic's) for a body that is not Slack's.
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
    verb, value = action.request
    if verb == LINK:
        return None
    is_command = verb == SAY
    origin = payload.origin
    inbound = Inbound(
        PLATFORM,
        payload.user.id,
        payload.trigger_id or f"{place.message_ts}:{action.action_ts}:{payload.user.id}",
        text=value if is_command else "",
        verb="" if is_command else verb,
        ref="" if is_command else value,
        values=payload.state.by_block() if payload.state else {},
        channel=origin.channel,
        message=origin.message or payload.modal,
        thread=place.thread_ts,
        private=bool(payload.modal) or origin.channel.startswith("D"),
    )
    return Request(
        Kind.CLICK,
        inbound,
        payload.user.team_id,
        payload.trigger_id,
        origin.response_url,
        at_home=not origin.channel,
        ephemeral=origin.ephemeral,
        view=payload.modal,
    )


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
        message=origin.message or origin.view,
        private=origin.channel.startswith("D"),
    )
    return Request(
        Kind.SUBMISSION,
        inbound,
        payload.user.team_id,
        payload.trigger_id,
        origin.response_url,
        at_home=not origin.channel,  # only a modal that was opened from the home tab has none
        ephemeral=origin.ephemeral,
        view=origin.view,
    )


def _command(payload: Command) -> Request:
    inbound = Inbound(
        PLATFORM,
        payload.user_id,
        payload.trigger_id,
        text=strip_markup(payload.text),
        mentions=mentioned_users(payload.text),
        channel=payload.channel_id,
        private=True,  # nobody else sees a slash command or its reply, in any channel
    )
    return Request(Kind.COMMAND, inbound, payload.team_id, payload.trigger_id, payload.response_url)


def _event(payload: EventCallback) -> Request | None:
    event = payload.event
    if not event.user or event.bot_id or event.edited or event.subtype not in MESSAGE_SUBTYPES:  # bots, edits, joins
        return None
    if event.type == "app_home_opened":
        home = Inbound(PLATFORM, event.user, payload.event_id, verb="home")
        return Request(Kind.HOME, home) if event.tab == "home" else None
    private = event.channel_type == "im"
    if event.type != "app_mention" and not (event.type == "message" and private):
        return None
    bots = {one.user_id for one in payload.authorizations}
    text = re.sub(r"<@(\w+)(?:\|[^<>]*)?>", lambda found: "" if found[1] in bots else found[0], event.text)
    plain = strip_markup(text)
    inbound = Inbound(
        PLATFORM,
        event.user,
        f"{event.channel}:{event.ts}",
        text=plain,
        textless=not plain and bool(event.files or event.attachments),
        mentions=mentioned_users(text),
        channel=event.channel,
        message=event.ts,
        thread=event.thread_ts,
        private=private,
    )
    return Request(Kind.MESSAGE, inbound, event.user_team or event.team)
