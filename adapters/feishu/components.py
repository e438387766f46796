"""The components that a card is put together from, each within the limits of its own.

Feishu docs, "Card JSON 2.0 components". Text of people stands in `plain_text`, which is shown literally, or is escaped
for Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from adapters.feishu.text import CUT, escape, fit
from core.card import Button, Field, Style

Element = dict[str, Any]

LABEL: Final = 100  # characters on a button and in an empty field
NAME: Final = 60  # characters of a fact's label
TEXT: Final = 300  # characters of a confirmation

_TYPES: Final = {Style.PRIMARY: "primary", Style.DEFAULT: "default", Style.DANGER: "danger"}
_GREY: Final = {"text_size": "notation", "text_color": "grey"}


def plain(text: str, limit: int) -> Element:
    """Return a literal text."""
    return {"tag": "plain_text", "content": fit(text, limit)}


def paragraph(text: str, limit: int, *, small: bool = False) -> Element:
    """Return a literal text as a component of its own; small print is grey."""
    return {"tag": "div", "text": {**plain(text, limit), **(_GREY if small else {})}}


def heading(text: str, limit: int) -> Element:
    """Return a text in bold."""
    return {"tag": "markdown", "content": f"**{escape(text, limit)}**"}


def fact(label: str, value: str, limit: int) -> Element:
    """Return a label in bold with a value below it."""
    return {"tag": "markdown", "content": f"**{escape(label, NAME)}**\n{escape(value, limit)}"}


def beside(elements: Iterable[Element], *, equal: bool = False) -> Element:
    """Return components side by side, each as wide as it needs to be, or all equally wide."""
    width: Element = {"width": "weighted", "weight": 1} if equal else {"width": "auto"}
    columns = [{"tag": "column", "elements": [element], **width} for element in elements]
    return {"tag": "column_set", "flex_mode": "bisect" if equal else "flow", "columns": columns}


def button(one: Button, name: str = "") -> Element:
    """Return a button; with a name it submits the form around it."""
    element: Element = {
        "tag": "button",
        "text": {"tag": "plain_text", "content": fit(one.label, LABEL) or CUT},
        "type": _TYPES[one.style],
        "behaviors": [_behavior(one)],
    }
    if one.confirm:
        element["confirm"] = {"title": plain(one.label, LABEL), "text": plain(one.confirm, TEXT)}
    if name:
        element |= {"name": name, "form_action_type": "submit"}
    return element


def link(url: str) -> Button:
    """Return a button that opens a page, named by a symbol that needs no translation."""
    return Button("open", "↗", url=url)


def opens(url: str) -> bool:
    """Tell whether an address is one that a card may open: a web page, never another scheme."""
    return url.startswith(("https://", "http://"))


def usable(buttons: Iterable[Button]) -> list[Button]:
    """Return the buttons that do something: those with a web address, or without any."""
    return [one for one in buttons if not one.url or opens(one.url)]


def entry(fields: Sequence[Field], name: str, *, required: bool) -> Element:
    """Return one input for what several buttons ask for under the same name."""
    labels = dict.fromkeys(field.label for field in fields if field.label)
    longest = min(1000, max(1, *(field.max_length for field in fields)))
    element: Element = {
        "tag": "input",
        "name": name,
        "width": "fill",
        "max_length": longest,
        "required": required,
        "label": plain(" / ".join(labels), LABEL),
        "label_position": "top",
    }
    if hint := next((field.hint for field in fields if field.hint), ""):
        element["placeholder"] = plain(hint, LABEL)
    if value := next((field.value for field in fields if field.value), ""):
        element["default_value"] = fit(value, longest)
    if any(field.multiline for field in fields):
        element |= {"input_type": "multiline_text", "rows": 2}
    return element


def _behavior(one: Button) -> Element:
    if one.url:
        return {"type": "open_url", "default_url": one.url}
    return {"type": "callback", "value": {"verb": one.verb, "ref": one.ref}}
