"""Models of robot messages, clicks on cards and events of approval forms, over HTTP and Stream alike.

The models have only the fields that Fabu uses; others are ignored. Fields that DingTalk documents as optional, or that
differ between HTTP and Stream, have defaults. `pydantic.ValidationError` is raised when a required field is missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

from adapters.common.wire import WireModel

ROBOT_TOPIC = "/v1.0/im/bot/messages/get"
CARD_TOPIC = "/v1.0/card/instances/callback"

_GROUP = "2"
"""The `conversation_type` of groups."""
_FORM_EVENTS = frozenset({"bpms_instance_change", "bpms_task_change"})
_MENTION = re.compile(r"(?<!\S)@\S+")
_EVERYBODY = frozenset({"@所有人", "@all"})


class _Wire(WireModel):
    """The base of all models but `Member`: camel case on the wire."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class RobotText(_Wire):
    """The text of a message. DingTalk removes the mention of the robot, and writes those of others as `@nickname`."""

    content: str = ""


class RichPart(_Wire):
    """A part of a message with pictures or formatting; a picture has no text."""

    text: str | None = None


class MessageContent(_Wire):
    """The content of a message that is no plain text. `recognition` is what DingTalk understood of a voice message."""

    rich_text: list[RichPart] | None = None
    recognition: str | None = None


class AtUser(_Wire):
    """Somebody who is mentioned; `staff_id` is the `userId` of a member of the organisation, which the robot lacks."""

    dingtalk_id: str = ""
    staff_id: str = ""


class RobotMessage(_Wire):
    """A message to the robot, in a 1:1 chat or with a mention in a group (DingTalk docs "Receive messages")."""

    msg_id: str
    chatbot_corp_id: str = ""
    chatbot_user_id: str = ""
    at_users: Annotated[list[AtUser], BeforeValidator(lambda value: value or [])] = Field(default_factory=list)
    is_in_at_list: bool | None = None
    sender_corp_id: str = ""
    conversation_id: str
    conversation_type: str
    robot_code: str = ""
    sender_staff_id: str = ""
    """`userId` of the sender; empty for people outside the organisation."""
    session_webhook: str = ""
    session_webhook_expired_time: int = 0
    """When `session_webhook` expires, in milliseconds since the epoch."""
    msgtype: str = "text"
    text: RobotText = RobotText()
    content: MessageContent = MessageContent()

    @field_validator("content", mode="before")
    @classmethod
    def _parse_content(cls, value: object) -> object:
        """Some clients send the content as a JSON string, and messages of plain text have none."""
        return (from_json(value) if isinstance(value, str) else value) or {}

    @property
    def written(self) -> str:
        """The text as DingTalk sends it; empty for pictures, files and other types of messages."""
        match self.msgtype:
            case "richText":
                return "".join(part.text or "" for part in self.content.rich_text or ()).strip()
            case "audio":
                return (self.content.recognition or "").strip()
            case _:
                return self.text.content.strip()

    @property
    def key(self) -> str:
        """The key of the message; it is the same when DingTalk sends the message again."""
        return f"dingtalk:robot:{self.msg_id}"

    @property
    def in_group(self) -> bool:
        """Whether the message was sent to a group; `conversation_id` is then the openConversationId."""
        return self.conversation_type == _GROUP

    @property
    def user(self) -> str:
        """`userId` of the sender; empty for people outside the organisation, whose ids are not unique."""
        return self.sender_staff_id if self.sender_corp_id in ("", self.chatbot_corp_id) else ""

    @property
    def calls_robot(self) -> bool:
        """Whether it is a request to the robot: sent to it alone, or with a mention of it, and not of everybody."""
        if not self.in_group:
            return True
        mentioned = {user.dingtalk_id for user in self.at_users}
        is_mentioned = not (mentioned and self.chatbot_user_id) or self.chatbot_user_id in mentioned
        return (
            self.is_in_at_list is not False and is_mentioned and _EVERYBODY.isdisjoint(_MENTION.findall(self.written))
        )

    @property
    def mentioned(self) -> list[str]:
        """The `userId`s of the members of the organisation who are mentioned, in DingTalk's order."""
        return [user.staff_id for user in self.at_users if user.staff_id]

    @property
    def command(self) -> str:
        """The text without the mention of the robot; empty for pictures, files and other types of messages.

        The mention of one other member becomes `@` and the `userId`. DingTalk does not say which of several nicknames
        is whose, so that several mentions stay as they are.
        """
        text = self.written
        others = [user.staff_id for user in self.at_users if user.dingtalk_id != self.chatbot_user_id]
        if text.startswith("@") and len(_MENTION.findall(text)) > len(others):  # the robot, which some clients leave
            text = _MENTION.sub("", text, count=1).strip()
        if len(others) != 1 or not others[0]:
            return text
        named, found = _MENTION.subn(f"@{others[0]}", text)
        return named if found else f"{text} @{others[0]}"


class CardPrivateData(_Wire):
    """What a button sends: its action ids and its parameters in the template."""

    action_ids: list[str] = Field(default_factory=list)
    params: dict[str, Any] = Field(default_factory=dict)


class CardContent(_Wire):
    """The envelope around `CardPrivateData`."""

    card_private_data: CardPrivateData = CardPrivateData()


class CardCallback(_Wire):
    """A click on a card (DingTalk docs "Event callback of cards"): the user, the card, and its content."""

    out_track_id: str
    user_id: str
    content: CardContent
    space_id: str = ""

    @field_validator("content", mode="before")
    @classmethod
    def _parse_content(cls, value: object) -> object:
        """DingTalk sends the content as a JSON string; some clients send the object itself."""
        return from_json(value) if isinstance(value, str) else value

    def key(self, delivery: str) -> str:
        """Return the key of the click; it is the same when DingTalk sends the click again.

        Clicks have no id; `delivery` is the transport's. Without it, a second click on the same button (retry, and
        retry again) would have the same key as the first.
        """
        sent = self.content.card_private_data
        return f"dingtalk:card:{_digest(delivery, self.out_track_id, self.user_id, sent.action_ids, sent.params)}"

    @property
    def verb(self) -> str:
        """The action of the clicked button; empty if the template is not Fabu's."""
        return next(iter(self.content.card_private_data.action_ids), "")

    @property
    def ref(self) -> str:
        """The opaque reference in the card; empty if there is none."""
        return self._param("ref")

    @property
    def text(self) -> str:
        """The input of the card, without surrounding space."""
        return self._param("text").strip()

    def _param(self, name: str) -> str:
        value = self.content.card_private_data.params.get(name)
        return value if isinstance(value, str) else ""


class FormChange(_Wire):
    """A change of an approval form (`bpms_instance_change`), or of one approver's task in it (`bpms_task_change`)."""

    process_instance_id: str
    process_code: str = ""
    task_id: str = ""
    type: str = ""
    result: str = ""

    @property
    def is_approval(self) -> bool:
        """Whether the form was approved, and not only a task in it."""
        return not self.task_id and self.type == "finish" and self.result == "agree"


class OperationRecord(_Wire):
    """One entry of the history of an approval form: who did what, when (RFC 3339), with which comment."""

    user_id: str = ""
    type: str = ""
    result: str = ""
    remark: str = ""
    date: str = ""


class FormTask(_Wire):
    """What one approver of an approval form is asked; `create_time` is such as `2026-11-24T08:00Z`."""

    user_id: str = ""
    create_time: str = ""


class FormValue(_Wire):
    """One field of an approval form."""

    name: str = ""
    value: str = ""


class ProcessInstance(_Wire):
    """An approval form, as `GetProcessInstance` returns it.

    `status` is NEW, RUNNING, TERMINATED, CANCELED or COMPLETED; `result` agree or refuse, once completed. Who revokes
    an approved form submits another one, whose `biz_action` is REVOKE and whose `main_process_instance_id` is that of
    the first; the first has it among its `attached_process_instance_ids`.
    """

    status: str
    result: str = ""
    originator_user_id: str = ""
    biz_action: str = ""
    main_process_instance_id: str = ""
    attached_process_instance_ids: list[str] = Field(default_factory=list)
    tasks: list[FormTask] = Field(default_factory=list)
    operation_records: list[OperationRecord] = Field(default_factory=list)
    form_component_values: list[FormValue] = Field(default_factory=list)

    @property
    def revokes(self) -> bool:
        """Whether it revokes another form, which is approved as well."""
        return self.biz_action.upper() == "REVOKE" and (self.status, self.result) == ("COMPLETED", "agree")

    @property
    def form(self) -> dict[str, str]:
        """The values of the form, by the names of its fields."""
        return {field.name: field.value for field in self.form_component_values}


class Member(WireModel):
    """A member of the organisation, as the older API returns them (DingTalk docs "Query user details").

    `mobile` is verified: people sign in with it. So is `org_email`, a mailbox of the organisation. The `email` of the
    profile is not, since people can enter any address there.
    """

    active: bool = False
    mobile: str = ""
    org_email: str = ""


def parse_event(event_type: str, data: Mapping[str, Any]) -> FormChange | None:
    """Return the change of an approval form, or None for every other type of event, which Fabu does not handle."""
    return FormChange.model_validate(data) if event_type in _FORM_EVENTS else None


def _digest(*values: object) -> str:
    """Return a digest of JSON values, independent of the order of keys."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
