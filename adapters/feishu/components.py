"""The components of cards, each within Feishu's limits.

Feishu docs, "Card JSON 2.0 components". Texts of people are `plain_text`, which is rendered literally, or are escaped
for Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from adapters.feishu.text import CUT, escape, fit
from core.card import Button, Field, Style

Element = dict[str, Any]

LABEL: Final = 100  # characters of the label of a button, and of a placeholder
NAME: Final = 60  # characters of the label of a fact
TEXT: Final = 300  # characters of a confirmation

_TYPES: Final = {Style.PRIMARY: "primary", Style.DEFAULT: "default", Style.DANGER: "danger"}
_GREY: Final = {"text_size": "notation", "text_color": "grey"}


def plain_text(text: str, limit: int) -> Element:
    """Return a text object that is rendered literally."""
    return {"tag": "plain_text", "content": fit(text, limit)}


def paragraph(text: str, limit: int, *, small: bool = False) -> Element:
    """Return a text as a component that is rendered literally; small print is grey."""
    return {"tag": "div", "text": {**plain_text(text, limit), **(_GREY if small else {})}}


def tinted(text: str, limit: int) -> Element:
    """Return a text on a red ground, rendered literally."""
    column = {"tag": "column", "elements": [paragraph(text, limit)], "width": "weighted", "weight": 1}
    return {"tag": "column_set", "background_style": "red-50", "columns": [column]}


def heading(text: str, limit: int) -> Element:
    """Return a heading, in bold."""
    return {"tag": "markdown", "content": f"**{escape(text, limit)}**"}


def fact(label: str, value: str, limit: int) -> Element:
    """Return a label in bold with a value below it."""
    return {"tag": "markdown", "content": f"**{escape(label, NAME)}**\n{escape(value, limit)}"}


def column_set(elements: Iterable[Element], *, equal: bool = False) -> Element:
    """Return components side by side, each with its own width, or all with an equal width."""
    width: Element = {"width": "weighted", "weight": 1} if equal else {"width": "auto"}
    columns = [{"tag": "column", "elements": [element], **width} for element in elements]
    return {"tag": "column_set", "flex_mode": "bisect" if equal else "flow", "columns": columns}


def button_element(button: Button, name: str = "") -> Element:
    """Return a button; with a name it submits the form that contains it."""
    element: Element = {
        "tag": "button",
        "text": {"tag": "plain_text", "content": fit(button.label, LABEL) or CUT},
        "type": _TYPES[button.style],
        "behaviors": [_behavior(button)],
    }
    if button.confirm:
        element["confirm"] = {"title": plain_text(button.label, LABEL), "text": plain_text(button.confirm, TEXT)}
    if name:
        element |= {"name": name, "form_action_type": "submit"}
    return element


def link_button(url: str) -> Button:
    """Return a button that opens a page. Its label is a symbol, which needs no translation."""
    return Button("open", "↗", url=url)


def is_web_address(url: str) -> bool:
    """Return whether a card may open a URL: a web page, never another scheme."""
    return url.startswith(("https://", "http://"))


def drop_unsafe_links(buttons: Iterable[Button]) -> list[Button]:
    """Return the buttons without those whose URL is no web address."""
    return [button for button in buttons if not button.url or is_web_address(button.url)]


def input_element(fields: Sequence[Field], name: str, *, required: bool) -> Element:
    """Return one input for the fields of several buttons that have the same name."""
    labels = dict.fromkeys(field.label for field in fields if field.label)
    longest = min(1000, max(1, *(field.max_length for field in fields)))
    element: Element = {
        "tag": "input",
        "name": name,
        "width": "fill",
        "max_length": longest,
        "required": required,
        "label": plain_text(" / ".join(labels), LABEL),
        "label_position": "top",
    }
    if hint := next((field.hint for field in fields if field.hint), ""):
        element["placeholder"] = plain_text(hint, LABEL)
    if value := next((field.value for field in fields if field.value), ""):
        element["default_value"] = fit(value, longest)
    if any(field.multiline for field in fields):
        element |= {"input_type": "multiline_text", "rows": 2}
    return element


def _behavior(button: Button) -> Element:
    if button.url:
        return {"type": "open_url", "default_url": button.url}
    return {"type": "callback", "value": {"verb": button.verb, "ref": button.ref}}
