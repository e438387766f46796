from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.dingtalk.validate import ITEM_VERBS, PLAN_VERBS, PRIVATE, PUBLIC, delivery_problems, update_problems
from tests.simulators.dingtalk_schema import TEMPLATE, template_variables

from .conftest import variables

GROUP = {
    "openSpaceId": "dtv1.card//IM_GROUP.cid1",
    "imGroupOpenSpaceModel": {},
    "imGroupOpenDeliverModel": {"robotCode": "r"},
}
ROBOT = {
    "openSpaceId": "dtv1.card//IM_ROBOT.bob",
    "imRobotOpenSpaceModel": {},
    "imRobotOpenDeliverModel": {"robotCode": "r", "spaceType": "IM_ROBOT"},
}


def request(**changes: Any) -> dict[str, Any]:
    params = {**variables(), **changes.pop("params", {})}
    return {"cardTemplateId": "t", "outTrackId": "c1", "cardData": {"cardParamMap": params}, **GROUP, **changes}


def editor() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(json.loads(TEMPLATE.read_text(encoding="utf-8"))["editorData"])
    return parsed


def test_the_template_has_the_documented_variables() -> None:
    assert template_variables(private=False) == PUBLIC.keys()
    assert template_variables(private=True) == PRIVATE.keys()


def test_the_buttons_of_the_template_call_back_with_verb_reference_and_text() -> None:
    (card,) = editor()["schema"]["componentsTree"]
    buttons = {
        button["actionId"]["content"]: (
            {param["name"]: param["variable"] for param in button["params"]},
            button["visible"]["condition"]["conditions"][0]["variable"],
        )
        for node in card["children"]
        if node["componentName"] == "ButtonBlock"
        for button in node["props"]["buttons"]
    }
    plan = {verb: ({"ref": "ref", "text": "text"}, f"show_{verb}") for verb in PLAN_VERBS}
    item = {verb: ({"ref": "item_ref", "text": "text"}, f"show_{verb}") for verb in ITEM_VERBS}
    assert buttons == plan | item


def test_every_variable_is_used_by_the_layout() -> None:
    layout = json.loads(TEMPLATE.read_text(encoding="utf-8"))["widgetInfo"]
    unused = [name for name in PUBLIC if f"data.cardData.{name}}}" not in layout]
    assert unused == []


def test_a_request_within_the_limits_has_no_problems() -> None:
    assert delivery_problems(request(params={"body": "a" * 1024})) == []
    personal = {"bob": {"cardParamMap": {"note": "hi"}}}
    assert (
        update_problems({"outTrackId": "c1", "cardData": {"cardParamMap": {"status": "ok"}}, "privateData": personal})
        == []
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"outTrackId": ""}, "outTrackId: missing"),
        ({"cardTemplateId": ""}, "cardTemplateId: missing"),
        ({"cardData": {"cardParamMap": {**variables(), "colour": "x"}}}, "colour: no such variable in the template"),
        ({"params": {"title": 7}}, "title: must be a string, not int"),
        ({"params": {"body": "发" * 342}}, "body: longer than 1024 bytes"),
        ({"params": {"k" * 101: ""}}, f"{'k' * 20}…: the name is longer than 100 bytes"),
        ({"params": {"show_approve": "yes"}}, 'show_approve: must be "true" or "false"'),
        ({"params": {"status_color": "pink"}}, "status_color: must be one of blue, gray, green, orange, red"),
        (
            {"privateData": {"bob": {"cardParamMap": {"title": "x"}}}},
            "privateData.bob.title: no such variable in the template",
        ),
        ({"openSpaceId": "cid1"}, "openSpaceId: must be one of dtv1.card//IM_GROUP., dtv1.card//IM_ROBOT. and an id"),
        (
            {"openSpaceId": "dtv1.card//IM_GROUP."},
            "openSpaceId: must be one of dtv1.card//IM_GROUP., dtv1.card//IM_ROBOT. and an id",
        ),
        ({"imGroupOpenDeliverModel": {}}, "imGroupOpenDeliverModel.robotCode: missing"),
        ({"imRobotOpenSpaceModel": {}}, "imRobotOpenSpaceModel: does not fit dtv1.card//IM_GROUP.cid1"),
        (
            {**ROBOT, "imRobotOpenDeliverModel": {"robotCode": "r"}},
            "imRobotOpenDeliverModel.spaceType: must be IM_ROBOT",
        ),
    ],
)
def test_problems_are_named(changes: dict[str, Any], problem: str) -> None:
    assert problem in delivery_problems(request(**changes))


def test_a_new_card_needs_every_variable() -> None:
    incomplete = {name: value for name, value in variables().items() if name != "ref"}
    assert delivery_problems(request(cardData={"cardParamMap": incomplete})) == ["ref: missing"]
