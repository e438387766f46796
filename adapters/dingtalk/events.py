"""What DingTalk sends: robot messages, clicks on cards, and changes of approval forms; the same over HTTP and Stream.

The models keep only what is used. Fields that DingTalk documents as optional, or that differ between HTTP and Stream,
have defaults; unknown ones are ignored. `pydantic.ValidationError` is raised where a promised field is missing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

ROBOT_TOPIC = "/v1.0/im/bot/messages/get"
CARD_TOPIC = "/v1.0/card/instances/callback"

_GROUP = "2"
_MENTIONS = re.compile(r"^(\s*@\S+)+")


class _Wire(BaseModel):
    """Camel case outside, snake case inside, frozen, tolerant of what is new."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class RobotText(_Wire):
    """The text of a message, without the mention of the robot."""

    content: str = ""


class RobotMessage(_Wire):
    """A message to the robot, in a 1:1 chat or with a mention in a group (DingTalk docs "Receive messages")."""

    msg_id: str
    chatbot_corp_id: str = ""
    sender_corp_id: str = ""
    conversation_id: str
    conversation_type: str
    robot_code: str = ""
    sender_staff_id: str = ""
    """`userId` of the sender; empty for people outside the organisation."""
    sender_nick: str = ""
    session_webhook: str = ""
    session_webhook_expired_time: int = 0
    """Until when `session_webhook` takes replies, in milliseconds since the epoch."""
    msgtype: str = "text"
    text: RobotText = RobotText()

    @property
    def key(self) -> str:
        """Under this key a repeated delivery is recognised."""
        return f"dingtalk:robot:{self.msg_id}"

    @property
    def in_group(self) -> bool:
        """Whether it was said in a group; there `conversation_id` is the openConversationId."""
        return self.conversation_type == _GROUP

    @property
    def user(self) -> str:
        """`userId` of the sender; empty for people outside the organisation, whose ids may be anybody's."""
        return self.sender_staff_id if self.sender_corp_id in ("", self.chatbot_corp_id) else ""

    @property
    def command(self) -> str:
        """What was said, without the mention and surrounding space; empty for pictures, files and the like."""
        return _MENTIONS.sub("", self.text.content).strip()


class CardPrivateData(_Wire):
    """What a button sends: its action ids and the parameters that the template gives it."""

    action_ids: list[str] = Field(default_factory=list)
    params: dict[str, Any] = Field(default_factory=dict)


class CardContent(_Wire):
    """The envelope around `CardPrivateData`."""

    card_private_data: CardPrivateData = CardPrivateData()


class CardCallback(_Wire):
    """A click on a card (DingTalk docs "Event callback of cards"): who, on which card, with what."""

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
        """Return the key under which a repeated delivery is recognised.

        DingTalk gives clicks no id; `delivery` is what the transport has of that kind. Without it, an honest second
        click on the same button (retry, and retry again) would be taken for the repetition of the first.
        """
        sent = self.content.card_private_data
        return f"dingtalk:card:{_digest(delivery, self.out_track_id, self.user_id, sent.action_ids, sent.params)}"

    @property
    def verb(self) -> str:
        """The action of the clicked button; empty if the template is not ours."""
        return next(iter(self.content.card_private_data.action_ids), "")

    @property
    def ref(self) -> str:
        """The opaque reference that the card carried; empty if there is none."""
        return self._param("ref")

    @property
    def text(self) -> str:
        """What the person typed into the card, without surrounding space."""
        return self._param("text").strip()

    def _param(self, name: str) -> str:
        value = self.content.card_private_data.params.get(name)
        return value if isinstance(value, str) else ""


class _FormEvent(_Wire):
    """What both kinds of events about approval forms have in common."""

    event_id: str = ""
    process_instance_id: str
    process_code: str = ""
    type: str
    result: str = ""
    title: str = ""
    staff_id: str = ""
    corp_id: str = Field("", validation_alias=AliasChoices("corpId", "CorpId"))
    finish_time: int = 0

    @property
    def key(self) -> str:
        """Under this key a repeated delivery is recognised."""
        return f"dingtalk:event:{self.event_id or _digest(self.model_dump(mode='json'))}"


class InstanceChange(_FormEvent):
    """`bpms_instance_change`: a form was started, finished, withdrawn or deleted.

    `type` is start, finish, terminate or delete; `result` agree or refuse, with finish only; `staff_id` the originator.
    """

    business_id: str = ""
    url: str = ""


class TaskChange(_FormEvent):
    """`bpms_task_change`: one approver's task was started, finished, cancelled or commented on.

    `type` is start, finish, cancel or comment; `result` agree, refuse, redirect or audit; `staff_id` the approver.
    """

    task_id: str = ""
    remark: str = ""

    @field_validator("task_id", mode="before")
    @classmethod
    def _task_id_as_text(cls, value: object) -> object:
        """DingTalk sends the id as a number over HTTP and as a string over Stream."""
        return str(value) if isinstance(value, int) else value


class ProcessTask(_Wire):
    """One approver's part in an approval form: `status` NEW, RUNNING, COMPLETED..., `result` AGREE, REFUSE, NONE."""

    task_id: str = ""
    user_id: str = ""
    status: str = ""
    result: str = ""

    @field_validator("task_id", mode="before")
    @classmethod
    def _task_id_as_text(cls, value: object) -> object:
        return str(value)


class OperationRecord(_Wire):
    """One line of the history of an approval form: who did what, when (RFC 3339), with which words."""

    user_id: str = ""
    type: str = ""
    result: str = ""
    remark: str | None = None
    date: str = ""


class FormValue(_Wire):
    """One field of an approval form."""

    name: str = ""
    value: str | None = None


class ProcessInstance(_Wire):
    """An approval form as `GetProcessInstance` tells it.

    `status` is NEW, RUNNING, TERMINATED, CANCELED or COMPLETED; `result` agree or refuse, once completed.
    """

    title: str = ""
    status: str
    result: str = ""
    originator_user_id: str = ""
    tasks: list[ProcessTask] = Field(default_factory=list)
    operation_records: list[OperationRecord] = Field(default_factory=list)
    form_component_values: list[FormValue] = Field(default_factory=list)

    @property
    def form(self) -> dict[str, str]:
        """The fields of the form with what was written into them."""
        return {field.name: field.value or "" for field in self.form_component_values}


class Member(BaseModel):
    """A member of the organisation, as the older API tells (DingTalk docs "Query user details").

    `mobile` proves its owner: people sign in with it. So does `org_email`, a mailbox that the organisation gives; the
    plain `email` of the profile does not, as people may write into it what they like.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    active: bool = False
    mobile: str = ""
    org_email: str = ""


def parse_event(event_type: str, data: Mapping[str, Any], event_id: str = "") -> InstanceChange | TaskChange | None:
    """Return a form event, or None for every other type of event, which is not ours to handle.

    Over Stream the type and the id come in the headers (`eventType`, `eventId`), over HTTP in the body itself
    (`EventType`, `eventId`); pass what there is.
    """
    fields = {**data, "eventId": event_id or data.get("eventId") or ""}
    match event_type:
        case "bpms_instance_change":
            return InstanceChange.model_validate(fields)
        case "bpms_task_change":
            return TaskChange.model_validate(fields)
        case _:
            return None


def _digest(*values: object) -> str:
    """Return a digest of JSON values that does not depend on the order of keys."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
