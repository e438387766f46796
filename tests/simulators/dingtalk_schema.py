"""Request bodies that DingTalk accepts: nothing missing, nothing unknown, within its limits."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

TEMPLATE = Path(__file__).parents[2] / "config" / "dingtalk_card.json"
_SAMPLES = {
    "sampleText": {"content"},
    "sampleMarkdown": {"title", "text"},
    "sampleActionCard": {"title", "text", "singleTitle", "singleURL"},
}
SESSION_MESSAGES = {"text": {"content"}, "markdown": {"title", "text"}}
"""What answers over a session may be, with the fields that must not be empty."""


@cache
def template_variables(*, private: bool) -> dict[str, str]:
    """Return the names of the variables of the card template in `config`, with their types."""
    editor = json.loads(json.loads(TEMPLATE.read_text(encoding="utf-8"))["editorData"])
    return {each["name"]: each["type"] for each in editor["variableList"] if each["private"] is private}


def _known(params: dict[str, str], types: dict[str, str]) -> dict[str, str]:
    """Refuse what the template does not have or cannot show; 16 KB in total is what Fabu keeps to."""
    for name, value in params.items():
        if name not in types:
            raise ValueError(f"{name}: no such variable")
        if len(name.encode()) > 100 or len(value.encode()) > 1024:
            raise ValueError(f"{name}: too long")
        if types[name] == "boolean" and value not in ("true", "false"):
            raise ValueError(f"{name}: not a boolean")
    if len(json.dumps(params, ensure_ascii=False).encode()) > 16 * 1024:
        raise ValueError("too long in total")
    return params


def _public(params: dict[str, str]) -> dict[str, str]:
    """Refuse data without one of the variables: what is missing would stay as it was before."""
    types = template_variables(private=False)
    if missing := types.keys() - params.keys():
        raise ValueError(f"missing: {', '.join(sorted(missing))}")
    return _known(params, types)


class Strict(BaseModel):
    """Camel case, no coercion, no unknown fields."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)  # type: ignore[pydantic-alias]


class PublicData(Strict):
    """`cardData`."""

    card_param_map: Annotated[dict[str, str], AfterValidator(_public)]


class PrivateData(Strict):
    """One user's `privateData`."""

    card_param_map: Annotated[dict[str, str], AfterValidator(lambda p: _known(p, template_variables(private=True)))]


class SpaceModel(Strict):
    """`imGroupOpenSpaceModel` and `imRobotOpenSpaceModel`."""

    support_forward: bool = True


class GroupDeliver(Strict):
    """`imGroupOpenDeliverModel`."""

    robot_code: str
    at_user_ids: dict[str, str] = Field(default_factory=dict)
    recipients: list[str] = Field(default_factory=list)


class RobotDeliver(Strict):
    """`imRobotOpenDeliverModel`."""

    robot_code: str
    space_type: Literal["IM_ROBOT"]


class CreateCard(Strict):
    """`createAndDeliver`."""

    card_template_id: str
    out_track_id: str
    card_data: PublicData
    private_data: dict[str, PrivateData] = Field(default_factory=dict)
    open_space_id: str = Field(pattern=r"^dtv1\.card//IM_(GROUP|ROBOT)\.[^.;]+$")
    callback_type: Literal["STREAM", "HTTP"]
    callback_route_key: str = ""
    im_group_open_space_model: SpaceModel | None = None
    im_group_open_deliver_model: GroupDeliver | None = None
    im_robot_open_space_model: SpaceModel | None = None
    im_robot_open_deliver_model: RobotDeliver | None = None
    user_id_type: Literal[1] = 1

    @model_validator(mode="after")
    def _models_fit(self) -> CreateCard:
        in_group = ".card//IM_GROUP." in self.open_space_id
        group = [self.im_group_open_space_model, self.im_group_open_deliver_model]
        robot = [self.im_robot_open_space_model, self.im_robot_open_deliver_model]
        if None in (group if in_group else robot) or any(robot if in_group else group):
            raise ValueError("space and deliver models do not fit openSpaceId")
        return self

    @property
    def chat(self) -> str:
        """The user or group that gets the card."""
        return self.open_space_id.partition("//")[2].partition(".")[2]

    @property
    def robot_code(self) -> str:
        """The robot in whose name it is sent."""
        deliver = self.im_group_open_deliver_model or self.im_robot_open_deliver_model
        return deliver.robot_code if deliver else ""


class UpdateOptions(Strict):
    """`cardUpdateOptions`."""

    update_card_data_by_key: bool = False
    update_private_data_by_key: bool = False


class UpdateCard(Strict):
    """`PUT /v1.0/card/instances`."""

    out_track_id: str
    card_data: PublicData | None = None
    private_data: dict[str, PrivateData] = Field(default_factory=dict)
    card_update_options: UpdateOptions = UpdateOptions()
    user_id_type: Literal[1] = 1


class CardAnswer(Strict):
    """What an app may answer to a click."""

    card_update_options: UpdateOptions = UpdateOptions()
    card_data: PublicData | None = None
    user_private_data: PrivateData | None = None


class RegisterCallback(Strict):
    """`/v1.0/card/callbacks/register`."""

    callback_route_key: str
    callback_url: str = Field(pattern=r"^https?://")
    api_secret: str
    force_update: bool = False


class RobotMessageBody(Strict):
    """What 1:1 and group messages share; `msgParam` is a JSON string."""

    robot_code: str
    msg_key: str
    msg_param: str = Field(max_length=15_000)

    @model_validator(mode="after")
    def _param_fits(self) -> RobotMessageBody:
        if self.msg_key not in _SAMPLES or set(self.params) != _SAMPLES[self.msg_key]:
            raise ValueError("msgParam does not fit msgKey")
        return self

    @property
    def params(self) -> dict[str, Any]:
        """`msgParam`, parsed."""
        parsed: dict[str, Any] = json.loads(self.msg_param)
        return parsed


class SendUsers(RobotMessageBody):
    """`robot/oToMessages/batchSend`."""

    user_ids: list[str] = Field(min_length=1, max_length=20)


class SendGroup(RobotMessageBody):
    """`robot/groupMessages/send`."""

    open_conversation_id: str


class FormValue(Strict):
    """One field of an approval form; the vendor's SDK always adds `details`, which only tables fill."""

    name: str
    value: str
    details: list[str] = Field(default_factory=list, max_length=0)


class Step(Strict):
    """One step of approvers; a single person is NONE, several are AND or OR."""

    action_type: Literal["AND", "OR", "NONE"]
    user_ids: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _single_is_none(self) -> Step:
        if (self.action_type == "NONE") != (len(self.user_ids) == 1):
            raise ValueError("actionType NONE is for one person, AND and OR for several")
        return self


class StartProcess(Strict):
    """`workflow/processInstances`."""

    process_code: str
    originator_user_id: str
    form_component_values: list[FormValue] = Field(min_length=1)
    approvers: list[Step] = Field(default_factory=list, max_length=20)


class TerminateProcess(Strict):
    """`workflow/processInstances/terminate`."""

    process_instance_id: str
    is_system: bool
    operating_user_id: str = ""
    remark: str = ""


class CommentProcess(Strict):
    """`workflow/processInstances/comments`."""

    process_instance_id: str
    comment_user_id: str
    text: str = Field(min_length=1)


class ListProcesses(Strict):
    """`workflow/processes/instanceIds/query`."""

    process_code: str
    start_time: int
    end_time: int | None = None
    max_results: int = Field(ge=1, le=20)
    next_token: int
    user_ids: list[str] = Field(default_factory=list, max_length=10)


class Subscription(Strict):
    """One topic of a stream."""

    type: Literal["EVENT", "CALLBACK"]
    topic: str


class OpenConnection(Strict):
    """`gateway/connections/open`."""

    client_id: str
    client_secret: str
    subscriptions: list[Subscription] = Field(min_length=1)
    ua: str = ""
    local_ip: str = ""
