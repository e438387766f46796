from __future__ import annotations

import json
import re
from typing import Any

import pytest

from adapters.dingtalk.validate import (
    FLAGS,
    PLAN_VERBS,
    PRIVATE,
    PUBLIC,
    ROWS,
    SLOT_VERBS,
    SLOTS,
    delivery_problems,
    update_problems,
)
from tests.dingtalk_template import make
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


def buttons() -> list[tuple[str, str, str, str]]:
    """Return the buttons of the template: verb, condition, the variable of the reference and that of the text."""
    (card,) = editor()["schema"]["componentsTree"]
    found = [
        button
        for node in card["children"]
        if node["componentName"] == "ButtonBlock"
        for button in node["props"]["buttons"]
        if button["actionType"] == "request"
    ]
    names = [{param["name"]: param["variable"] for param in button["params"]} for button in found]
    assert all(each.keys() == {"ref", "text"} for each in names)
    return [
        (button["actionId"]["content"], button["visible"]["condition"]["conditions"][0]["variable"], *each.values())
        for button, each in zip(found, names, strict=True)
    ]


def test_the_file_is_what_the_layout_makes() -> None:
    assert TEMPLATE.read_text(encoding="utf-8") == make(), "run python -m tests.dingtalk_template"


def test_the_template_has_the_documented_variables() -> None:
    public = template_variables(private=False)
    assert public.keys() == PUBLIC.keys()
    assert {name for name, kind in public.items() if kind == "boolean"} == FLAGS.keys()
    assert template_variables(private=True).keys() == PRIVATE.keys()


def test_the_buttons_of_the_template_call_back_with_verb_reference_and_text() -> None:
    plan = [(verb, f"show_{verb}", "ref", "text") for verb in PLAN_VERBS]
    slots = [(verb, f"{slot}_{verb}", f"{slot}_ref", "text") for slot in SLOTS for verb in SLOT_VERBS]
    assert buttons() == [*slots, *plan]


def test_both_inputs_write_the_text_that_buttons_send() -> None:
    (card,) = editor()["schema"]["componentsTree"]
    inputs = [node["props"] for node in card["children"] if node["componentName"] == "Input"]
    assert [each["localVarAction"]["variable"] for each in inputs] == ["text", "text"]
    assert [each["placeholder"]["content"] for each in inputs] == ["${hint_item}", "${hint}"]


def test_every_variable_is_used_by_the_layout() -> None:
    layout = json.loads(TEMPLATE.read_text(encoding="utf-8"))["widgetInfo"]
    unused = [name for name in PUBLIC if f"data.cardData.{name}}}" not in layout]
    assert unused == []


def test_a_request_within_the_limits_has_no_problems() -> None:
    assert delivery_problems(request(params={"ask": "a" * 1024})) == []
    personal = {"bob": {"cardParamMap": {"note": "hi"}}}
    assert (
        update_problems({"outTrackId": "c1", "cardData": {"cardParamMap": variables()}, "privateData": personal}) == []
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"outTrackId": ""}, "outTrackId: missing"),
        ({"cardTemplateId": ""}, "cardTemplateId: missing"),
        ({"cardData": {"cardParamMap": {**variables(), "colour": "x"}}}, "colour: no such variable in the template"),
        ({"params": {"title": 7}}, "title: must be a string, not int"),
        ({"params": {"ask": "发" * 342}}, "ask: longer than 1024 bytes"),
        ({"params": {"k" * 101: ""}}, f"{'k' * 20}…: the name is longer than 100 bytes"),
        ({"params": {"show_approve": "yes"}}, 'show_approve: must be "true" or "false"'),
        ({"params": {"n2_skip": ""}}, 'n2_skip: must be "true" or "false"'),
        (
            {"params": dict.fromkeys((*ROWS, "risk", "changes", "votes", "rest"), "a" * 1024)},
            "cardParamMap: larger than 16384 bytes",
        ),
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


def test_a_card_needs_every_variable_each_time() -> None:
    incomplete = {name: value for name, value in variables().items() if name != "ref"}
    assert delivery_problems(request(cardData={"cardParamMap": incomplete})) == ["ref: missing"]
    assert update_problems({"outTrackId": "c1", "cardData": {"cardParamMap": incomplete}}) == ["ref: missing"]


@pytest.mark.parametrize("name", ["dingtalk.md", "dingtalk.zh.md"])
def test_the_documentation_names_every_variable(name: str) -> None:
    written = (TEMPLATE.parents[1] / "docs" / name).read_text(encoding="utf-8")
    cells = re.findall(r"^\| ((?:`\w+` ?)+) \|", written, re.MULTILINE)
    assert {*PUBLIC, *PRIVATE} <= {each for cell in cells for each in re.findall(r"`(\w+)`", cell)}
