from __future__ import annotations

from typing import Any

import pytest

from adapters.feishu.validate import problems

from .cards import button, card, form, plain, vote

SUBMIT = button("Go", "go", name="go", form_action_type="submit")
MARKDOWN_TABLE = "| a | b |\n|---|:-:|\n| 1 | 2 |\n"
OPTIONS = {"data_type": "options"}


def table(column: dict[str, Any], cell: object, **more: Any) -> dict[str, Any]:
    return {"tag": "table", "page_size": 10, "columns": [{"name": "a", **column}], "rows": [{"a": cell}], **more}


TABLE = table({"data_type": "text"}, "1")


def panel(*elements: dict[str, Any]) -> dict[str, Any]:
    header = {"title": {"tag": "markdown", "content": "**Log**"}, "icon_expanded_angle": -180}
    return {"tag": "collapsible_panel", "expanded": False, "header": header, "elements": list(elements)}


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {"tag": "hr"}
    for _ in range(levels):
        inner = {"tag": "column_set", "columns": [{"tag": "column", "elements": [inner]}]}
    return inner


@pytest.mark.parametrize(
    "good",
    [
        card(),
        vote(),
        card(button("Open", "x") | {"behaviors": [{"type": "open_url", "default_url": "https://example.com"}]}),
        card(button("Gone", "x") | {"behaviors": [], "disabled": True}),
        card(nested(5)),
        card(panel({"tag": "hr"}), *[TABLE] * 5),
        card(table(OPTIONS, [{"text": "done", "color": "green"}], header_style={"background_style": "grey"})),
        card(*[{"tag": "markdown", "content": MARKDOWN_TABLE * 4}], TABLE),
        card({"tag": "input", "behaviors": [{"type": "callback", "value": {}}], "max_length": 1000}),
        card({"tag": "markdown", "content": "x" * 29_000}),
        card(*[{"tag": "hr", "element_id": f"e{number}"} for number in range(199)]),
    ],
)
def test_what_feishu_takes(good: dict[str, Any]) -> None:
    assert problems(good) == []


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({}, "schema"),
        (card() | {"schema": "1.0"}, "schema"),
        (card() | {"elements": []}, "elements: Extra inputs"),
        (card() | {"i18n_elements": {}}, "i18n_elements"),
        (card() | {"config": {}}, "config.update_multi"),
        (card() | {"config": {"update_multi": False}}, "config.update_multi"),
        (card() | {"config": {"update_multi": True, "wide_screen_mode": True}}, "config.wide_screen_mode"),
        (card() | {"header": {"template": "blue"}}, "header.title"),
        (card() | {"header": {"title": plain("x"), "template": "pink"}}, "header.template"),
        (card() | {"body": {"elements": []}}, "body.elements"),
        (card({"tag": "action", "actions": []}), "body.elements.0"),
        (card({"tag": "note", "elements": []}), "body.elements.0"),
        (card({"tag": "hr", "color": "red"}), "body.elements.0.hr.color"),
        (card({"tag": "markdown", "content": 3}), "body.elements.0.markdown.content"),
        (card({"tag": "hr", "element_id": "1st"}), "element_id"),
        (card({"tag": "hr", "element_id": "a" * 21}), "element_id"),
        (card({"tag": "hr", "element_id": "a"}, {"tag": "hr", "element_id": "a"}), "element_id 'a' is used 2 times"),
        (card(button("Go", 1)), "value"),
        (card(button("Go", {}, type="warning")), "type"),
        (card({"tag": "button", "text": plain("Go")}), "does nothing"),
        (card({"tag": "button", "text": {"tag": "lark_md", "content": "Go"}}), "text.tag"),
        (card(button("Go", {}) | {"behaviors": [{"type": "open_url", "url": "https://example.com"}]}), "default_url"),
        (card(SUBMIT), "`form_action_type` belongs to every button inside a form, and to no other"),
        (card(form(SUBMIT, button("A", {}, name="a"))), "button a: `form_action_type` belongs to every button"),
        (card(button("Go", {}, required=True)), "button.required: Extra inputs"),
        (card({"tag": "input", "required": True}), "`required` is allowed inside a form only"),
        (card(button("x" * 101, {})), "text.content"),
        (card(panel(TABLE)), "collapsible_panel.elements.0"),
        (card(form(SUBMIT, panel(TABLE))), "collapsible_panel.elements.0"),
        (card({"tag": "column_set", "columns": [{"tag": "column", "elements": [TABLE]}]}), "column_set"),
        (card(button("A", {}, name="a"), button("B", {}, name="a")), "name 'a' is used 2 times"),
        (card(form(SUBMIT, name="go")), "name 'go' is used 2 times"),
        (card(form({"tag": "input", "name": "reason"})), "form vote: has no submit button"),
        (card(form(SUBMIT, {"tag": "input"})), "input: needs a name inside form vote"),
        (card(form(SUBMIT, form(SUBMIT, name="inner"))), "body.elements.0.form.elements.1"),
        (card(form(SUBMIT, TABLE)), "body.elements.0.form.elements.1"),
        (card({"tag": "column_set", "columns": [{"tag": "column", "elements": [form(SUBMIT)]}]}), "column_set"),
        (card({"tag": "input", "max_length": 1001}), "max_length"),
        (card({"tag": "input", "max_length": 0}), "max_length"),
        (card({"tag": "input", "placeholder": plain("x" * 101)}), "placeholder"),
        (card({"tag": "input", "input_type": "number"}), "input_type"),
        (card(TABLE | {"page_size": 11}), "page_size"),
        (card(TABLE | {"page_size": 0}), "page_size"),
        (card(TABLE | {"row_height": "tall"}), "row_height"),
        (card(table({"data_type": "link"}, "x")), "data_type"),
        (card(table({"data_type": "text", "width": "79px"}, "x")), "width"),
        (card(table(OPTIONS, [{"text": "done", "color": "pink"}])), "table row 0: a is no options"),
        (card(table(OPTIONS, "done")), "table row 0: a is no options"),
        (card(table({"data_type": "number"}, "1")), "table row 0: a is no number"),
        (card(TABLE | {"rows": [{"b": "1"}]}), "table row 0: its cells are ['b'], the columns ['a']"),
        (card(TABLE | {"columns": TABLE["columns"] * 2}), "two columns have the same name"),
        (card(TABLE | {"columns": [{"name": f"c{n}", "data_type": "text"} for n in range(51)]}), "columns"),
        (card(*[TABLE] * 6), "6 tables"),
        (card({"tag": "markdown", "content": (MARKDOWN_TABLE + "\n") * 5}), "5 tables"),
        (card(nested(6)), "nested deeper than 5"),
        (card({"tag": "markdown", "content": "字" * 10_000}), "at most 30000"),
        (card(*[{"tag": "hr"}] * 200), "201 elements"),
        (card(*[{"tag": "hr"}] * 198, TABLE), "201 elements"),
    ],
)
def test_what_feishu_refuses(bad: dict[str, Any], says: str) -> None:
    found = problems(bad)
    assert any(says in one for one in found), found


def test_all_problems_are_told_at_once() -> None:
    assert len(problems(card({"tag": "hr", "x": 1}, {"tag": "input", "max_length": 0}) | {"config": {}})) == 3
