"""Models of the envelope of a push, and of the four types of events that Fabu handles.

Feishu docs, "Event structure" (1.0 and 2.0), "Card callback communication", "Receive message" and "Approval events".
Unknown fields and unknown types of events are ignored: Feishu adds both without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field
from pydantic_core import from_json

from adapters.common.links import written_link
from adapters.common.wire import WireModel

_MENTION = re.compile(r"@_user_\d+\s?")


class Challenge(WireModel):
    """The challenge that Feishu sends to register an address; it has to be answered within one second."""

    challenge: str
    token: str = ""

    def answer(self) -> dict[str, str]:
        """Return the body of the answer."""
        return {"challenge": self.challenge}


class _Header(WireModel):
    event_id: str = Field(min_length=1)
    event_type: str = Field(min_length=1)
    token: str = ""


class _Version2(WireModel):
    header: _Header
    event: dict[str, Any]


class _Version1(WireModel):
    uuid: str = Field(min_length=1)
    token: str = ""
    event: dict[str, Any]


class Envelope(WireModel):
    """One event, of either version of the envelope. `key` is the same when Feishu sends an event again."""

    key: str
    type: str
    token: str = Field(repr=False)
    event: dict[str, Any]

    @staticmethod
    def parse(payload: Any) -> Envelope | Challenge:
        """Parse a decrypted push; ValueError if it is neither an event nor a challenge."""
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
        if envelope.type == Message.TYPE:  # Feishu may push a message under several event ids
            return envelope.model_copy(update={"key": Message.model_validate(envelope.event).message.message_id})
        return envelope


def _object(value: Any) -> Any:
    """Return the value of a button as an object; Feishu sends an object, or a string that may contain one."""
    if not isinstance(value, str):
        return value if isinstance(value, dict) else {}
    try:
        parsed = from_json(value)
    except ValueError:
        return {"value": value}
    return parsed if isinstance(parsed, dict) else {"value": value}


_Object = Annotated[dict[str, Any], BeforeValidator(_object)]


class _Operator(WireModel):
    open_id: str = Field(min_length=1)


class _Action(WireModel):
    value: _Object = Field(default_factory=dict)
    name: str = ""
    option: str = ""
    form_value: _Object = Field(default_factory=dict)
    input_value: str = ""


class _Context(WireModel):
    open_message_id: str
    open_chat_id: str = ""


class CardAction(WireModel):
    """A click on a button of a card, or a pick of an option in a list.

    `operator.open_id` identifies the user; `action` proves nothing.
    """

    TYPE: ClassVar = "card.action.trigger"

    operator: _Operator
    action: _Action
    context: _Context


class _SenderId(WireModel):
    open_id: str = Field(min_length=1)


class _Sender(WireModel):
    sender_id: _SenderId
    sender_type: str = "user"


class _MentionId(WireModel):
    open_id: str = ""


class _Mention(WireModel):
    key: str
    id: _MentionId = _MentionId()


class _MessageBody(WireModel):
    message_id: str
    chat_id: str
    chat_type: str
    message_type: str
    content: str
    mentions: list[_Mention] | None = None


class _Part(WireModel):
    """A part of a line of a formatted message: a text, a link, a mention, a picture or the like."""

    tag: str = ""
    text: str = ""
    href: str = ""
    user_id: str = ""
    """The key of a mention, `@_user_1`."""

    def written(self) -> str:
        """Return what stands for the part in plain text; nothing for a picture."""
        match self.tag:
            case "at":
                return f"{self.user_id} "
            case "a":
                return written_link(self.text, self.href)
            case _:
                return self.text


class _Post(WireModel):
    """The content of a formatted message (`post`): a title, and lines of parts."""

    title: str = ""
    content: tuple[tuple[_Part, ...], ...] = ()

    def written(self) -> str:
        """Return the plain text."""
        lines = ["".join(part.written() for part in line) for line in self.content]
        return "\n".join([self.title, *lines])


class Message(WireModel):
    """A message to the bot: in a direct chat, or in a group with a mention of the bot."""

    TYPE: ClassVar = "im.message.receive_v1"

    sender: _Sender
    message: _MessageBody

    @property
    def private(self) -> bool:
        """Whether it was sent to the bot alone."""
        return self.message.chat_type == "p2p"

    @property
    def mentioned(self) -> Mapping[str, str]:
        """The open_ids of those who are mentioned, by the keys in the text; `@所有人` (everybody) is nobody's."""
        return {each.key: each.id.open_id for each in self.message.mentions or () if each.id.open_id}

    def calls(self, bot: str) -> bool:
        """Return whether it is a request to the bot with an open_id: sent to it alone, or with a mention of it.

        An app may have the permission to read all messages of its groups.
        """
        return self.private or bot in self.mentioned.values()

    def text_for(self, bot: str) -> str:
        """Return the text without mentions of the bot; empty for pictures and other types of messages.

        Mentions of others become `@` and their open_id; everybody stays as Feishu writes it.
        """
        people = {key: "" if open_id == bot else f"@{open_id} " for key, open_id in self.mentioned.items()}
        return _MENTION.sub(lambda found: people.get(found[0].strip(), found[0]), self._written()).strip()

    def _written(self) -> str:
        content = _object(self.message.content)
        match self.message.message_type:
            case "text":
                return str(content.get("text") or "")
            case "post":
                return _Post.model_validate(content).written()
            case _:
                return ""


class ApprovalInstance(WireModel):
    """The status of an approval form has changed: it was decided or withdrawn, for example."""

    TYPE: ClassVar = "approval_instance"

    instance_code: str
    status: str = ""


class ApprovalTask(WireModel):
    """The status of one approver's task of an approval form has changed."""

    TYPE: ClassVar = "approval_task"

    instance_code: str
    task_id: str = ""
    status: str = ""


Event = CardAction | Message | ApprovalInstance | ApprovalTask


def parse_event(envelope: Envelope) -> Event | None:
    """Return the event in an envelope; None for a type that Fabu does not handle. ValueError if it is malformed."""
    for model in (CardAction, Message, ApprovalInstance, ApprovalTask):
        if envelope.type == model.TYPE:
            return model.model_validate(envelope.event)
    return None
