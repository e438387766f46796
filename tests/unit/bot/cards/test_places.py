"""How places inside a plan are called."""

from __future__ import annotations

import pytest

from bot.cards.places import item_key, name_place

SERVICES = [
    {"service_name": "api", "modules": [{"image": "a:1"}]},
    {"service_name": "web", "modules": [{"image": "w:1"}, {"service_module": "ui", "image": "u:1"}]},
]
SPEC = {"script": "make", "repos": [{}], "services": SERVICES}
PLAN = {
    "approval": {"stages": [{"name": "QA", "approvers": ["bob"]}]},
    "items": [
        {
            "key": "deploy.v2",
            "workflow": {
                "params": [{"name": "VERSION", "value": "2.3"}],
                "stages": [{"name": "main", "jobs": [{"name": "build", "spec": SPEC}]}],
            },
        }
    ],
}
WORKFLOW = "items[deploy.v2].workflow"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{WORKFLOW}.params[0].value", "VERSION"),
        (f"{WORKFLOW}.stages[0].jobs[0].spec.script", "script"),
        (f"{WORKFLOW}.stages[0].jobs[0].spec.repos[0].tag", "repos › 1 › tag"),
        (f"{WORKFLOW}.stages[0].jobs[0].spec.services[0].modules[0].image", "api › image"),
        (f"{WORKFLOW}.stages[0].jobs[0].spec.services[1].modules[1].image", "web › ui › image"),
        (f"{WORKFLOW}.stages[1]", "2"),
        ("items[deploy.v2].name", "name"),
        ("items[gone].assignee", "assignee"),
        ("approval.stages[0].rule", "QA › rule"),
        ("window.start", "start"),
        ("name", ""),
    ],
)
def test_a_place_is_called_as_people_call_it(path: str, name: str) -> None:
    assert name_place(path, PLAN) == name


def test_a_member_that_was_removed_is_called_as_before() -> None:
    after = {"items": [{"key": "deploy.v2", "workflow": {"params": []}}]}
    assert name_place(f"{WORKFLOW}.params[0]", after, PLAN) == "VERSION"


def test_the_item_of_a_place_is_found() -> None:
    assert item_key(f"{WORKFLOW}.name") == "deploy.v2"
    assert item_key("items") == item_key("approval.stages[0].name") == ""
