"""Models of the payloads that Slack sends. Fields that Fabu does not use are ignored.

Slack docs: reference/interaction-payloads, interactivity/implementing-slash-commands, apis/events-api.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Id = Annotated[str, Field(min_length=1)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]  # absent, empty or null


class Wire(BaseModel):
    """The base of all parts of a payload."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class User(Wire):
    """The user who acted. Their name is ignored, since it does not identify them.

    A channel that is shared with another organisation has users of both; their ids are unique with their team alone.
    """

    id: Id
    team_id: Text = ""


class Action(Wire):
    """The clicked button."""

    action_id: Id
    value: Text = ""
    action_ts: Text = ""


class Container(Wire):
    """The place of the click: a message, or a view."""

    type: Text = ""
    channel_id: Text = ""
    message_ts: Text = ""
    thread_ts: Text = ""


class InputValue(Wire):
    """The value of an input."""

    value: Text = ""


class State(Wire):
    """The values of all inputs, by block_id and action_id."""

    values: dict[str, dict[str, InputValue]] = {}

    def by_block(self) -> dict[str, str]:
        """Return the values by block_id; a block has one input."""
        return {block: entry.value for block, inputs in self.values.items() for entry in inputs.values()}


class BlockActions(Wire):
    """A click on a button."""

    type: Literal["block_actions"]
    user: User
    container: Container
    actions: Annotated[list[Action], Field(min_length=1)]
    state: State | None = None
    trigger_id: Text = ""
    response_url: Text = ""


class View(Wire):
    """A modal, as it was submitted."""

    id: Id
    callback_id: Text = ""
    private_metadata: Text = ""
    hash: Text = ""
    state: State = State()


class ViewSubmission(Wire):
    """The submission of a modal."""

    type: Literal["view_submission"]
    user: User
    view: View
    trigger_id: Text = ""


class Origin(Wire):
    """The private_metadata of Fabu's modals: the ref of their subject, and where they were opened."""

    ref: str = ""
    channel: str = ""
    message: str = ""
    response_url: str = ""


class Command(Wire):
    """A slash command."""

    command: Id
    user_id: Id
    team_id: Text = ""
    channel_id: Text = ""
    text: Text = ""
    trigger_id: Id
    response_url: Text = ""


MESSAGE_SUBTYPES: Final = frozenset({"", "file_share", "thread_broadcast"})
"""The subtypes of messages that users write: plain, with a file, and those that a thread also sends to the channel."""


class Event(Wire):
    """A mention, a direct message, or the opening of the home tab.

    Slack sends a mention again, with a new event_id, when its message is edited: `ts` is the same, and `edited` is set.
    A link preview is an edit.
    """

    type: Id
    user: Text = ""
    team: Text = ""
    user_team: Text = ""
    """The team of the user, in channels that are shared with another organisation."""
    channel: Text = ""
    channel_type: Text = ""
    text: Text = ""
    ts: Text = ""
    thread_ts: Text = ""
    tab: Text = ""
    bot_id: Text = ""
    subtype: Text = ""
    edited: Any = None
    files: Any = None
    attachments: Any = None


class Authorization(Wire):
    """The app's bot, for which Slack sends an event."""

    user_id: Text = ""


class EventCallback(Wire):
    """The envelope of an event; Slack sends the same event_id when it sends an event again."""

    type: Literal["event_callback"]
    event_id: Id
    event: Event
    authorizations: list[Authorization] = []
