"""What Feishu tells us: the envelope of a push, and the four kinds of event that Fabu acts upon.

Feishu docs, "Event structure" (1.0 and 2.0), "Card callback communication", "Receive message" and "Approval events".
Unknown fields and unknown kinds of event are ignored: the platform adds both without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import from_json

_MENTION = re.compile(r"@_(?:user_\d+|all)\s?")


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Challenge(_Wire):
    """The question Feishu asks when an address is registered; `answer` must go back within one second."""

    challenge: str
    token: str = ""

    def answer(self) -> dict[str, str]:
        """Return the body of the answer."""
        return {"challenge": self.challenge}


class _Header(_Wire):
    event_id: str = Field(min_length=1)
    event_type: str = Field(min_length=1)
    token: str = ""


class _Version2(_Wire):
    header: _Header
    event: dict[str, Any]


class _Version1(_Wire):
    uuid: str = Field(min_length=1)
    token: str = ""
    event: dict[str, Any]


class Envelope(_Wire):
    """One event, of either envelope version; `key` is the same whenever Feishu sends the same event again."""

    key: str
    type: str
    token: str = Field(repr=False)
    event: dict[str, Any]

    @staticmethod
    def parse(payload: Any) -> Envelope | Challenge:
        """Read a decrypted push; ValueError if it is neither an event nor a challenge."""
        if not isinstance(payload, Mapping):
            raise ValueError("not a JSON object")  # noqa: TRY004 - the sender's error, not ours
        if payload.get("type") == "url_verification":
            return Challenge.model_validate(payload)
        if "schema" in payload:
            v2 = _Version2.model_validate(payload)
            envelope = Envelope(
                key=v2.header.event_id, type=v2.header.event_type, token=v2.header.token, event=v2.event
            )
        else:
            v1 = _Version1.model_validate(payload)
            envelope = Envelope(key=v1.uuid, type=str(v1.event.get("type")), token=v1.token, event=v1.event)
        if envelope.type == Message.TYPE:  # may be pushed under several event ids; the docs tell to go by the message
            return envelope.model_copy(update={"key": Message.model_validate(envelope.event).message.message_id})
        return envelope


def _object(value: Any) -> Any:
    """A button's value is an object, or a string that may hold one."""
    if not isinstance(value, str):
        return value or {}
    try:
        parsed = from_json(value)
    except ValueError:
        return {"value": value}
    return parsed if isinstance(parsed, dict) else {"value": value}


_Object = Annotated[dict[str, Any], BeforeValidator(_object)]
_Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class _Operator(_Wire):
    open_id: str = Field(min_length=1)


class _Action(_Wire):
    value: _Object = Field(default_factory=dict)
    name: _Text = ""
    form_value: _Object = Field(default_factory=dict)
    input_value: _Text = ""


class _Context(_Wire):
    open_message_id: str
    open_chat_id: _Text = ""


class CardAction(_Wire):
    """Somebody pressed a button of a card. Who is `operator.open_id`: nothing inside `action` proves identity."""

    TYPE: ClassVar = "card.action.trigger"

    operator: _Operator
    action: _Action
    context: _Context


class _SenderId(_Wire):
    open_id: str = Field(min_length=1)


class _Sender(_Wire):
    sender_id: _SenderId
    sender_type: str = "user"


class _MentionId(_Wire):
    open_id: _Text = ""


class _Mention(_Wire):
    key: str
    id: _MentionId = _MentionId()


class _MessageBody(_Wire):
    message_id: str
    chat_id: str
    chat_type: str
    message_type: str
    content: str
    mentions: list[_Mention] | None = None


class Message(_Wire):
    """Somebody wrote to the bot, alone or in a group by mentioning it."""

    TYPE: ClassVar = "im.message.receive_v1"

    sender: _Sender
    message: _MessageBody

    @property
    def text(self) -> str:
        """What was written; empty for pictures and other kinds of message.

        The first mention in a group calls the bot and is left out; others stand for people, as `@` and their open_id.
        """
        if self.message.message_type != "text":
            return ""
        people = {mention.key: f"@{mention.id.open_id} " for mention in self.message.mentions or ()}
        written = str(_object(self.message.content).get("text", ""))
        called = next((key for key in map(_key, _MENTION.finditer(written)) if key in people), "")
        if self.message.chat_type != "p2p" and called:
            people[called] = ""
        return _MENTION.sub(lambda found: people.get(_key(found), found[0]), written).strip()

    @property
    def for_bot(self) -> bool:
        """Whether the bot is spoken to: an app may be given the right to read everything in its groups."""
        return self.message.chat_type == "p2p" or bool(self.message.mentions)


def _key(mention: re.Match[str]) -> str:
    return mention[0].strip()


class ApprovalInstance(_Wire):
    """An approval form was decided, withdrawn or otherwise changed its status."""

    TYPE: ClassVar = "approval_instance"

    approval_code: str
    instance_code: str
    status: str
    uuid: _Text = ""


class ApprovalTask(_Wire):
    """One approver's task on an approval form changed its status."""

    TYPE: ClassVar = "approval_task"

    approval_code: str
    instance_code: str
    task_id: str
    status: str
    open_id: _Text = ""
    user_id: _Text = ""


Event = CardAction | Message | ApprovalInstance | ApprovalTask


def interpret(envelope: Envelope) -> Event | None:
    """Return the event that Fabu can act upon, None for any other kind; ValueError if a known kind is malformed."""
    for kind in (CardAction, Message, ApprovalInstance, ApprovalTask):
        if envelope.type == kind.TYPE:
            return kind.model_validate(envelope.event)
    return None
