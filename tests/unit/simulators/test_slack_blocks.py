from __future__ import annotations

from typing import Any

import pytest

from tests.simulators.slack_blocks import problems, view_problems

JSON = dict[str, Any]


def plain(size: int | str = 1) -> JSON:
    return {"type": "plain_text", "text": size if isinstance(size, str) else "x" * size}


def mrkdwn(size: int = 1) -> JSON:
    return {"type": "mrkdwn", "text": "x" * size}


def section(**fields: Any) -> JSON:
    return {"type": "section", "text": mrkdwn(), **fields}


def button(**fields: Any) -> JSON:
    return {"type": "button", "text": plain(), **fields}


def actions(*elements: JSON, **fields: Any) -> JSON:
    return {"type": "actions", "elements": list(elements), **fields}


def options(count: int, **fields: Any) -> list[JSON]:
    return [{"text": plain(), "value": str(number), **fields} for number in range(count)]


def select(**fields: Any) -> JSON:
    return {"type": "static_select", "options": options(1), **fields}


def field(element: JSON | None = None, **fields: Any) -> JSON:
    return {"type": "input", "label": plain(), "element": element or {"type": "plain_text_input"}, **fields}


def confirm(**fields: Any) -> JSON:
    return {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain(), **fields}


def modal(*blocks: JSON, **fields: Any) -> JSON:
    return {"type": "modal", "title": plain(), "blocks": list(blocks) or [section()], **fields}


def table(rows: int, columns: int) -> JSON:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


# name -> (the largest thing that is allowed, the smallest that is not, part of the refusal)
MESSAGE_LIMITS: dict[str, tuple[list[Any], list[Any], str]] = {
    "blocks": ([section()] * 50, [section()] * 51, "/blocks]"),
    "no blocks": ([section()], [], "/blocks]"),
    "unknown block": ([section()], [{"type": "carousel"}], "carousel"),
    "untyped block": ([section()], [{"text": plain()}], "/blocks/0]"),
    "unknown field": ([section()], [section(colour="red")], "colour [json-pointer:/blocks/0]"),
    "coerced value": ([section(expand=True)], [section(expand="yes")], "/blocks/0/expand"),
    "block_id length": ([section(block_id="x" * 255)], [section(block_id="x" * 256)], "/blocks/0/block_id"),
    "block_id unique": (
        [section(block_id="a"), section(block_id="b")],
        [section(block_id="a"), section(block_id="a")],
        "`block_id` must be unique: 'a'",
    ),
    "section empty": ([{"type": "section", "fields": [plain()]}], [{"type": "section"}], "`text` and `fields`"),
    "section text": ([section(text=mrkdwn(3000))], [section(text=mrkdwn(3001))], "/blocks/0/text/text"),
    "section text empty": ([section(text=mrkdwn(1))], [section(text=mrkdwn(0))], "/blocks/0/text/text"),
    "section fields": ([section(fields=[plain()] * 10)], [section(fields=[plain()] * 11)], "/blocks/0/fields"),
    "section field": ([section(fields=[plain(2000)])], [section(fields=[plain(2001)])], "/blocks/0/fields/0"),
    "emoji of mrkdwn": (
        [section(text=plain() | {"emoji": False})],
        [section(text=mrkdwn() | {"emoji": False})],
        "emoji",
    ),
    "header": ([{"type": "header", "text": plain(150)}], [{"type": "header", "text": plain(151)}], "151 characters"),
    "header mrkdwn": ([{"type": "header", "text": plain()}], [{"type": "header", "text": mrkdwn()}], "/blocks/0/text"),
    "actions": ([actions(*[button()] * 25)], [actions(*[button()] * 26)], "/blocks/0/elements"),
    "actions empty": ([actions(button())], [actions()], "/blocks/0/elements"),
    "actions image": (
        [actions(button())],
        [actions({"type": "image", "image_url": "https://a", "alt_text": "a"})],
        "'image'",
    ),
    "action_id unique": (
        [actions(button(action_id="a")), actions(button(action_id="a"))],
        [actions(button(action_id="a"), button(action_id="a"))],
        "`action_id` must be unique: 'a'",
    ),
    "action_id": (
        [actions(button(action_id="x" * 255))],
        [actions(button(action_id="x" * 256))],
        "/blocks/0/elements/0/action_id",
    ),
    "context": (
        [{"type": "context", "elements": [mrkdwn()] * 10}],
        [{"type": "context", "elements": [mrkdwn()] * 11}],
        "/blocks/0/elements",
    ),
    "context button": (
        [{"type": "context", "elements": [mrkdwn()]}],
        [{"type": "context", "elements": [button()]}],
        "'button'",
    ),
    "divider": ([{"type": "divider"}], [{"type": "divider", "text": plain()}], "text"),
    "input label": ([field(label=plain(2000))], [field(label=plain(2001))], "/blocks/0/label"),
    "input hint": ([field(hint=plain(2000))], [field(hint=plain(2001))], "/blocks/0/hint"),
    "input element": ([field()], [field(button())], "'button'"),
    "image alt": (
        [{"type": "image", "image_url": "https://a/b.png", "alt_text": "x" * 2000}],
        [{"type": "image", "image_url": "https://a/b.png", "alt_text": "x" * 2001}],
        "/blocks/0/alt_text",
    ),
    "image without alt": (
        [{"type": "image", "image_url": "https://a/b.png", "alt_text": "x"}],
        [{"type": "image", "image_url": "https://a/b.png"}],
        "missing required field: alt_text [json-pointer:/blocks/0]",
    ),
    "image url": (
        [{"type": "image", "image_url": "https://a/" + "b" * 2990, "alt_text": "x"}],
        [{"type": "image", "image_url": "https://a/" + "b" * 2991, "alt_text": "x"}],
        "/blocks/0/image_url",
    ),
    "markdown in all": (
        [{"type": "markdown", "text": "x" * 6000}] * 2,
        [{"type": "markdown", "text": "x" * 6001}] * 2,
        "12001 characters in all",
    ),
    "table rows": ([table(100, 20)], [table(101, 20)], "/blocks/0/rows"),
    "table columns": ([table(1, 20)], [table(1, 21)], "/blocks/0/rows/0"),
    "button text": ([actions(button(text=plain(75)))], [actions(button(text=plain(76)))], "76 characters"),
    "button value": (
        [actions(button(value="x" * 2000))],
        [actions(button(value="x" * 2001))],
        "/blocks/0/elements/0/value",
    ),
    "button style": ([actions(button(style="danger"))], [actions(button(style="default"))], "elements/0/style"),
    "button url scheme": (
        [actions(button(url="https://example.com"))],
        [actions(button(url="javascript:alert(1)"))],
        "http or https url [json-pointer:/blocks/0/elements/0/url]",
    ),
    "button label": (
        [actions(button(accessibility_label="x" * 75))],
        [actions(button(accessibility_label="x" * 76))],
        "accessibility_label",
    ),
    "confirm title": (
        [actions(button(confirm=confirm(title=plain(100))))],
        [actions(button(confirm=confirm(title=plain(101))))],
        "confirm/title",
    ),
    "confirm text": (
        [actions(button(confirm=confirm(text=plain(300))))],
        [actions(button(confirm=confirm(text=plain(301))))],
        "confirm/text",
    ),
    "confirm button": (
        [actions(button(confirm=confirm(confirm=plain(30))))],
        [actions(button(confirm=confirm(deny=plain(31))))],
        "confirm/deny",
    ),
    "select options": ([actions(select(options=options(100)))], [actions(select(options=options(101)))], "options"),
    "select source": (
        [actions(select())],
        [actions(select(option_groups=[{"label": plain(), "options": options(1)}]))],
        "exactly one of",
    ),
    "select initial": (
        [actions(select(initial_option=options(1)[0]))],
        [actions(select(initial_option=options(2)[1]))],
        "`initial_option`",
    ),
    "select placeholder": (
        [actions(select(placeholder=plain(150)))],
        [actions(select(placeholder=plain(151)))],
        "placeholder",
    ),
    "option text": (
        [actions(select(options=options(1, text=plain(75))))],
        [actions(select(options=options(1, text=plain(76))))],
        "options/0/text",
    ),
    "select option value": (
        [actions(select(options=options(1, value="x" * 75)))],
        [actions(select(options=options(1, value="x" * 76)))],
        "options/0/value",
    ),
    "option url": (
        [actions({"type": "overflow", "options": options(1, url="https://a")})],
        [actions({"type": "checkboxes", "options": options(1, url="https://a")})],
        "url",
    ),
    "overflow": (
        [actions({"type": "overflow", "options": options(5)})],
        [actions({"type": "overflow", "options": options(6)})],
        "/blocks/0/elements/0/options",
    ),
    "checkboxes": (
        [actions({"type": "checkboxes", "options": options(10)})],
        [actions({"type": "checkboxes", "options": options(11)})],
        "/blocks/0/elements/0/options",
    ),
    "text input length": (
        [field({"type": "plain_text_input", "max_length": 3000})],
        [field({"type": "plain_text_input", "max_length": 3001})],
        "max_length",
    ),
    "text input order": (
        [field({"type": "plain_text_input", "min_length": 2, "max_length": 2})],
        [field({"type": "plain_text_input", "min_length": 3, "max_length": 2})],
        "`min_length`",
    ),
    "date": (
        [actions({"type": "datepicker", "initial_date": "2026-11-24"})],
        [actions({"type": "datepicker", "initial_date": "24.11.2026"})],
        "initial_date",
    ),
}

VIEW_LIMITS: dict[str, tuple[JSON, JSON, str]] = {
    "blocks": (modal(*[section()] * 100), modal(*[section()] * 101), "/view/blocks"),
    "title": (modal(title=plain(24)), modal(title=plain(25)), "/view/title"),
    "no title": (modal(), {"type": "modal", "blocks": [section()]}, "missing required field: title"),
    "submit": (modal(submit=plain(24)), modal(submit=plain(25)), "/view/submit"),
    "close": (modal(close=plain(24)), modal(close=plain(25)), "/view/close"),
    "input needs submit": (modal(field(), submit=plain()), modal(field()), "`submit` is required"),
    "private_metadata": (modal(private_metadata="x" * 3000), modal(private_metadata="x" * 3001), "private_metadata"),
    "callback_id": (modal(callback_id="x" * 255), modal(callback_id="x" * 256), "/view/callback_id"),
    "external_id": (modal(external_id="x" * 255), modal(external_id="x" * 256), "/view/external_id"),
    "unknown field": (modal(), modal(size="large"), "size [json-pointer:/view]"),
    "block_id unique": (
        modal(section(block_id="a"), section(block_id="b")),
        modal(section(block_id="a"), section(block_id="a")),
        "must be unique",
    ),
    "markdown": (modal(), modal({"type": "markdown", "text": "x"}), "'markdown'"),
    "kind": (modal(), modal() | {"type": "workflow_step"}, "/view/type"),
    "home has no submit": (
        {"type": "home", "blocks": [field()]},
        {"type": "home", "blocks": [field()], "submit": plain()},
        "submit",
    ),
    "size": (modal(*[section(text=mrkdwn(2400))] * 100), modal(*[section(text=mrkdwn(2600))] * 100), "250000 bytes"),
}


@pytest.mark.parametrize(("allowed", "refused", "message"), MESSAGE_LIMITS.values(), ids=MESSAGE_LIMITS)
def test_message_blocks(allowed: list[Any], refused: list[Any], message: str) -> None:
    assert problems(allowed) == []
    assert message in "\n".join(problems(refused))


@pytest.mark.parametrize(("allowed", "refused", "message"), VIEW_LIMITS.values(), ids=VIEW_LIMITS)
def test_views(allowed: JSON, refused: JSON, message: str) -> None:
    assert view_problems(allowed) == []
    assert message in "\n".join(view_problems(refused))


def test_surfaces_differ() -> None:
    assert problems([section()] * 100, "modal") == []
    assert problems([section()] * 101, "home") != []
    assert problems([{"type": "markdown", "text": "x"}], "message") == []
    assert view_problems(modal(), "home") == ["[ERROR] must be a home view [json-pointer:/view/type]"]


@pytest.mark.parametrize("junk", [None, "blocks", {}, [None], [[]], ["text"]])
def test_junk_is_a_problem_and_no_crash(junk: Any) -> None:
    assert problems(junk)
    assert view_problems(junk)
