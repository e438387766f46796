"""The components of cards, each within Feishu's limits.

Feishu docs, "Card JSON 2.0 components". Texts of people are `plain_text`, which is rendered literally, or are escaped
for Markdown (`adapters.feishu.markdown`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from adapters.feishu.markdown import is_web_address
from adapters.feishu.text import CUT, fit
from core.card import Button, Field, Picker, Style, Tone

Element = dict[str, Any]

LABEL: Final = 100  # characters of the label of a button, and of a placeholder
TEXT: Final = 300  # characters of a confirmation

_TYPES: Final = {Style.PRIMARY: "primary_filled", Style.DEFAULT: "default", Style.DANGER: "danger"}
_GROUNDS: Final = {
    Tone.NEUTRAL: "grey-50",
    Tone.WAITING: "orange-50",
    Tone.ACTIVE: "blue-50",
    Tone.GOOD: "green-50",
    Tone.BAD: "red-50",
}
_CHEVRON: Final = {"tag": "standard_icon", "token": "down-small-ccm_outlined", "size": "16px 16px"}


def plain_text(text: str, limit: int) -> Element:
    """Return a text object that is rendered literally."""
    return {"tag": "plain_text", "content": fit(text, limit)}


def markdown(content: str, *, small: bool = False, centered: bool = False) -> Element:
    """Return Markdown as a component."""
    size = {"text_size": "notation"} if small else {}
    return {"tag": "markdown", "content": content, **size, **({"text_align": "center"} if centered else {})}


def tinted(content: str, tone: Tone) -> Element:
    """Return Markdown on a ground in the colour of a tone."""
    column = {
        "tag": "column",
        "elements": [markdown(content)],
        "width": "weighted",
        "weight": 1,
        "padding": "8px 12px 8px 12px",
    }
    return {"tag": "column_set", "background_style": _GROUNDS[tone], "columns": [column]}


def side_by_side(elements: Iterable[Element]) -> Element:
    """Return components in a row, which is broken where there is too little room."""
    columns = [{"tag": "column", "elements": [element], "width": "auto"} for element in elements]
    return {"tag": "column_set", "flex_mode": "flow", "columns": columns}


def beside(content: str, buttons: Iterable[Element]) -> Element:
    """Return Markdown with buttons at its right."""
    wide: Element = {"tag": "column", "elements": [markdown(content)], "width": "weighted", "weight": 1}
    columns: list[Element] = [wide, *({"tag": "column", "elements": [button], "width": "auto"} for button in buttons)]
    return {"tag": "column_set", "columns": [{**column, "vertical_align": "center"} for column in columns]}


def panel(title: str, elements: Sequence[Element]) -> Element:
    """Return components that are hidden until somebody presses the title, which is Markdown."""
    header = {
        "title": markdown(title),
        "icon": _CHEVRON,
        "icon_position": "follow_text",
        "icon_expanded_angle": -180,
    }
    return {"tag": "collapsible_panel", "expanded": False, "header": header, "elements": list(elements)}


def button_element(button: Button, name: str = "", *, light: bool = False) -> Element:
    """Return a button; with a name it submits the form that contains it.

    One without a form around it that needs a text opens a form, and one with a question asks it, which its label says.
    A `light` one has no border, unless its style is a strong one.
    """
    sends_at_once = name or (button.field and not button.field.required)
    label = fit(button.label if sends_at_once else button.opening_label, LABEL) or CUT
    element: Element = {
        "tag": "button",
        "text": {"tag": "plain_text", "content": label},
        "type": "text" if light and button.style is Style.DEFAULT else _TYPES[button.style],
        "behaviors": [_behavior(button, alone=not name)],
    }
    if button.confirm:
        element["confirm"] = {"title": plain_text(button.label, LABEL), "text": plain_text(button.confirm, TEXT)}
    if name:
        element |= {"name": name, "form_action_type": "submit"}
    return element


def select_element(picker: Picker, count: int) -> Element:
    """Return a list to pick one of the first `count` options from (Feishu docs, "select_static")."""
    options = [{"text": plain_text(each.label, LABEL), "value": each.ref} for each in picker.options[:count]]
    return {
        "tag": "select_static",
        "placeholder": plain_text(picker.label, LABEL),
        "options": options,
        "behaviors": [{"type": "callback", "value": {"verb": picker.verb}}],
    }


def drop_unsafe_links(buttons: Iterable[Button]) -> list[Button]:
    """Return the buttons without those whose URL is no web address."""
    return [button for button in buttons if not button.url or is_web_address(button.url)]


def input_element(fields: Sequence[Field], name: str, *, required: bool, labelled: bool = True) -> Element:
    """Return one input for the fields of several buttons that have the same name.

    One that is not `labelled` is small, and says inside of it what it is for, as long as it is empty.
    """
    longest = min(1000, max(1, *(field.max_length for field in fields)))
    element: Element = {
        "tag": "input",
        "name": name,
        "width": "fill",
        "max_length": longest,
        "required": required,
    }
    value = next((field.value for field in fields if field.value), "")
    labelled = labelled or bool(value)
    label = " / ".join(dict.fromkeys(field.label for field in fields if field.label))
    hints = [field.hint if labelled else field.hint or field.label for field in fields]
    if labelled:
        element |= {"label": plain_text(label, LABEL), "label_position": "top"}
    if hint := " / ".join(dict.fromkeys(filter(None, hints))):
        element["placeholder"] = plain_text(hint, LABEL)
    if value:
        element["default_value"] = fit(value, longest)
    if any(field.multiline for field in fields):
        rows = 3 if labelled else 1
        element |= {"input_type": "multiline_text", "rows": rows, "auto_resize": True, "max_rows": 8}
    return element


def _behavior(button: Button, *, alone: bool) -> Element:
    """Return what a press does. One `alone`, without a form around it, sends an empty text where that is enough."""
    if button.url:
        return {"type": "open_url", "default_url": button.url}
    empty = {"text": ""} if alone and button.field and not button.field.required else {}
    return {"type": "callback", "value": {"verb": button.verb, "ref": button.ref, **empty}}
