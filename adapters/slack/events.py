"""What Slack delivers, as far as it is needed; whatever else a payload holds is ignored.

Slack docs: reference/interaction-payloads, interactivity/implementing-slash-commands, apis/events-api.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Id = Annotated[str, Field(min_length=1)]
Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]  # absent, empty or null


class Wire(BaseModel):
    """A part of a payload."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class User(Wire):
    """Who acted. Names are not read: they prove nothing."""

    id: Id


class Action(Wire):
    """What was clicked."""

    action_id: Id
    value: Text = ""
    action_ts: Text = ""


class Container(Wire):
    """Where it was clicked: a message, or a view."""

    type: Text = ""
    channel_id: Text = ""
    message_ts: Text = ""
    thread_ts: Text = ""


class Entered(Wire):
    """What an input holds."""

    value: Text = ""


class State(Wire):
    """The inputs by block_id and action_id."""

    values: dict[str, dict[str, Entered]] = {}

    def by_block(self) -> dict[str, str]:
        """Return the typed texts by block_id; a block has one input."""
        return {block: entered.value for block, inputs in self.values.items() for entered in inputs.values()}


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
    """A submitted modal."""

    id: Id
    callback_id: Text = ""
    private_metadata: Text = ""
    hash: Text = ""
    state: State = State()


class ViewSubmission(Wire):
    """A modal was sent."""

    type: Literal["view_submission"]
    user: User
    view: View
    trigger_id: Text = ""


class Origin(Wire):
    """What a modal of ours carries in private_metadata: what it is about, and where it was opened."""

    ref: str = ""
    channel: str = ""
    message: str = ""
    response_url: str = ""


class Command(Wire):
    """A slash command."""

    command: Id
    user_id: Id
    channel_id: Text = ""
    text: Text = ""
    trigger_id: Id
    response_url: Text = ""


class Event(Wire):
    """A mention, a direct message, or the opening of the home tab."""

    type: Id
    user: Text = ""
    channel: Text = ""
    channel_type: Text = ""
    text: Text = ""
    ts: Text = ""
    thread_ts: Text = ""
    tab: Text = ""
    bot_id: Text = ""
    subtype: Text = ""


class Authorization(Wire):
    """For whom an event is delivered: the bot."""

    user_id: Text = ""


class EventCallback(Wire):
    """The envelope of an event; the same event_id is the same event, delivered again."""

    type: Literal["event_callback"]
    event_id: Id
    event: Event
    authorizations: list[Authorization] = []
