"""Models of the payloads that Slack sends. Fields that Fabu does not use are ignored.

Slack docs: reference/interaction-payloads, interactivity/implementing-slash-commands, apis/events-api.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from adapters.common.wire import WireModel

Id = Annotated[str, Field(min_length=1)]


class User(WireModel):
    """The user who acted. Their name is ignored, since it does not identify them.

    A channel that is shared with another organisation has users of both; their ids are unique with their team alone.
    """

    id: Id
    team_id: str = ""


class Option(WireModel):
    """The option that was picked in a menu."""

    value: str = ""


class Action(WireModel):
    """The clicked button, or the menu with what was picked in it."""

    type: str = ""
    action_id: Id
    value: str = ""
    selected_option: Option | None = None
    action_ts: str = ""

    @property
    def request(self) -> tuple[str, str]:
        """The verb, and what it is about. An option of an overflow menu has both, one of another menu the latter."""
        verb = self.action_id.partition(":")[0]
        if self.selected_option is None:
            return verb, self.value
        if self.type == "overflow":
            verb, _, ref = self.selected_option.value.partition(" ")
            return verb, ref
        return verb, self.selected_option.value


class Container(WireModel):
    """The place of the click: a message, or a view."""

    type: str = ""
    channel_id: str = ""
    message_ts: str = ""
    thread_ts: str = ""
    is_ephemeral: bool = False


class InputValue(WireModel):
    """The value of an input. Menus have no such value."""

    type: str = ""
    value: str = ""


class State(WireModel):
    """The values of all inputs, by block_id and action_id."""

    values: dict[str, dict[str, InputValue]] = Field(default_factory=dict)

    def by_block(self) -> dict[str, str]:
        """Return the values by block_id; a block has one input. What is picked in menus is not among them."""
        entries = ((block, entry) for block, inputs in self.values.items() for entry in inputs.values())
        return {block: entry.value for block, entry in entries if entry.type != "static_select"}


class Surface(WireModel):
    """The modal or home tab in which somebody acts."""

    id: str = ""
    type: str = ""
    private_metadata: str = ""


class View(Surface):
    """A modal, as it was submitted."""

    id: Id
    callback_id: str = ""
    hash: str = ""
    state: State = State()


class Origin(WireModel):
    """The private_metadata of Fabu's modals: the ref of their subject, and where they were opened.

    `view` is the id of the modal that one lies on.
    """

    ref: str = ""
    view: str = ""
    channel: str = ""
    message: str = ""
    response_url: str = ""
    ephemeral: bool = False


class BlockActions(WireModel):
    """A click on a button. `view` is the home tab or modal that it is in; a message is none."""

    type: Literal["block_actions"]
    user: User
    container: Container
    view: Surface | None = None
    actions: Annotated[list[Action], Field(min_length=1)]
    state: State | None = None
    trigger_id: str = ""
    response_url: str = ""

    @property
    def modal(self) -> str:
        """The id of the modal with the button; empty if there is none."""
        return self.view.id if self.view and self.view.type == "modal" else ""

    @property
    def origin(self) -> Origin:
        """The message with the button, or the one from which its modal was opened; empty for the home tab."""
        if self.view and self.modal:
            return Origin.model_validate_json(self.view.private_metadata)
        place = self.container
        return Origin(
            channel=place.channel_id,
            message=place.message_ts,
            response_url=self.response_url,
            ephemeral=place.is_ephemeral,
        )


class ViewSubmission(WireModel):
    """The submission of a modal."""

    type: Literal["view_submission"]
    user: User
    view: View
    trigger_id: str = ""


class Command(WireModel):
    """A slash command."""

    command: Id
    user_id: Id
    team_id: str = ""
    channel_id: str = ""
    text: str = ""
    trigger_id: Id
    response_url: str = ""


MESSAGE_SUBTYPES: Final = frozenset({"", "file_share", "thread_broadcast"})
"""The subtypes of messages that users write: plain, with a file, and those that a thread also sends to the channel."""


class Event(WireModel):
    """A mention, a direct message, or the opening of the home tab.

    Slack sends a mention again, with a new event_id, when its message is edited: `ts` is the same, and `edited` is set.
    A link preview is an edit.
    """

    type: Id
    user: str = ""
    team: str = ""
    user_team: str = ""
    """The team of the user, in channels that are shared with another organisation."""
    channel: str = ""
    channel_type: str = ""
    text: str = ""
    ts: str = ""
    thread_ts: str = ""
    tab: str = ""
    bot_id: str = ""
    subtype: str = ""
    edited: Any = None
    files: Any = None
    attachments: Any = None


class Authorization(WireModel):
    """The app's bot, for which Slack sends an event."""

    user_id: str = ""


class EventCallback(WireModel):
    """The envelope of an event; Slack sends the same event_id when it sends an event again."""

    type: Literal["event_callback"]
    event_id: Id
    event: Event
    authorizations: list[Authorization] = Field(default_factory=list)
