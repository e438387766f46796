"""Two opinions on what Slack refuses: ours, and the simulator's."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.slack.validate import problems, view_problems
from tests.simulators import slack_blocks

JSON = dict[str, Any]


def text(length: int = 1, kind: str = "plain_text") -> JSON:
    return {"type": kind, "text": "x" * length}


def button(**changes: Any) -> JSON:
    return {"type": "button", "text": text(), "action_id": "a", "value": "v"} | changes


def actions(*elements: JSON) -> JSON:
    return {"type": "actions", "elements": list(elements)}


def entry(**changes: Any) -> JSON:
    element = {"type": "plain_text_input", "action_id": "text", "max_length": 10} | changes.pop("element", {})
    return {"type": "input", "block_id": "text", "label": text(), "element": element} | changes


def modal(*blocks: JSON, **changes: Any) -> JSON:
    return {"type": "modal", "title": text(), "submit": text(), "blocks": list(blocks)} | changes


CONFIRM = {"title": text(100), "text": text(300), "confirm": text(30), "deny": text(30)}
SECTION = {"type": "section", "text": text()}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "header", "text": text(150)},
        SECTION | {"text": text(3000, "mrkdwn"), "accessory": button()},
        {"type": "section", "fields": [text(2000)] * 10},
        {"type": "context", "elements": [text(3000)] * 10},
        actions(*(button(action_id=f"{n}") for n in range(25))),
        actions(button(value="v" * 2000, style="danger", confirm=CONFIRM)),
        actions(button(url="https://example.com/" + "x" * 2980)),
    ],
)
def test_within_the_limits(block: JSON) -> None:
    assert problems([block]) == slack_blocks.problems([block]) == []


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [SECTION] * 51,
        [SECTION | {"block_id": "a"}] * 2,
        [SECTION | {"block_id": "a" * 256}],
        [{"type": "carousel"}],
        [{"type": "header", "text": text(151)}],
        [{"type": "header", "text": text(1, "mrkdwn")}],
        [{"type": "header", "text": text(0)}],
        [{"type": "section"}],
        [SECTION | {"colour": "red"}],
        [SECTION | {"text": text(3001)}],
        [{"type": "section", "fields": [text()] * 11}],
        [{"type": "section", "fields": [text(2001)]}],
        [{"type": "context", "elements": []}],
        [actions()],
        [actions(button(), button())],
        [actions(button(text=text(76)))],
        [actions(button(action_id=""))],
        [actions(button(value="v" * 2001))],
        [actions(button(style="default"))],
        [actions(button(url="javascript:alert(1)"))],
        [actions(button(confirm=CONFIRM | {"deny": text(31)}))],
        [entry(label=text(2001))],
        [entry(hint=text(2001))],
        [entry(element={"max_length": 3001})],
    ],
)
def test_beyond_the_limits(blocks: list[JSON]) -> None:
    assert problems(blocks)
    assert slack_blocks.problems(blocks)


def test_values_longer_than_their_input() -> None:
    assert problems([entry(element={"initial_value": "x" * 11})])


@pytest.mark.parametrize(
    "change", [{"title": text(25)}, {"submit": text(25)}, {"callback_id": "x" * 256}, {"private_metadata": "x" * 3001}]
)
def test_views(change: JSON) -> None:
    assert view_problems(modal(entry())) == slack_blocks.view_problems(modal(entry())) == []
    assert view_problems(modal(entry(), **change))
    assert slack_blocks.view_problems(modal(entry(), **change))


def test_views_hold_more_blocks() -> None:
    assert view_problems({"type": "home", "blocks": [SECTION] * 100}) == []
    assert view_problems({"type": "home", "blocks": [SECTION] * 101})
