"""Reading a shown card as a person would: its text, its buttons, its fields."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Button:
    """One button of a card, with the form around it and the text of its row."""

    element: dict[str, Any]
    form: dict[str, Any] | None = None
    beside: str = ""
    """The text that it stands beside or below."""

    @property
    def text(self) -> str:
        """What is written on it."""
        return str(self.element["text"]["content"])

    @property
    def name(self) -> str:
        """Its name, or an empty string."""
        return str(self.element.get("name", ""))

    @property
    def value(self) -> dict[str, Any] | str | None:
        """What a press sends to the app; None if it sends nothing."""
        return next((one["value"] for one in self.element.get("behaviors") or () if one["type"] == "callback"), None)

    @property
    def url(self) -> str | None:
        """What a press opens; None if it opens nothing."""
        return next(
            (one["default_url"] for one in self.element.get("behaviors") or () if one["type"] == "open_url"), None
        )

    @property
    def submits(self) -> bool:
        """Whether a press sends the fields of the form."""
        return self.element.get("form_action_type") == "submit"


def buttons(card: dict[str, Any]) -> list[Button]:
    """Return the buttons of a card in reading order, disabled ones left out."""
    found: list[Button] = []
    beside = ""
    for element, form in elements(card):
        if element["tag"] in {"markdown", "form"}:
            beside = read_markdown(element.get("content", ""))
        elif element["tag"] == "button" and not element.get("disabled"):
            found.append(Button(element, form, beside))
    return found


def fields(form: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the fields of a form by name."""
    return {one["name"]: one for one, _ in elements(form) if one["tag"] in {"input", "select_static"}}


def text_of(card: dict[str, Any]) -> str:
    """Return everything a person reads in a card, one text a line; field values and addresses are not read."""
    return "\n".join(_texts(card.get("header"))) + "\n" + "\n".join(_texts(card["body"]))


def elements(
    node: dict[str, Any], form: dict[str, Any] | None = None
) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Yield every component below a card or a container, with the form around it."""
    container = node.get("body", node)
    form = node if node.get("tag") == "form" else form
    for child in [*(container.get("elements") or ()), *(container.get("columns") or ())]:
        if "tag" in child:
            yield child, form
            yield from elements(child, form)


def read_markdown(content: str) -> str:
    """Return what a person sees of Markdown: code to the letter, and other text without its marks."""
    parts = re.split(r"^```\w*\n(.*?)\n```$", content, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if index % 2 else _read_words(part) for index, part in enumerate(parts))


def _read_words(content: str) -> str:
    words = re.sub(r"</?(?:font|text_tag)(?: color='\w+')?>|\*\*|~~|`", "", content)
    return html.unescape(re.sub(r"\[([^\]\n]*)\]\([^)\n]*\)", r"\1", words)).replace("\xa0", " ")


def _read_cell(cell: Any) -> str:
    """Return the text of a cell of a table; labels are read one after the other."""
    return " ".join(option["text"] for option in cell) if isinstance(cell, list) else str(cell)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("content"), str):
            yield read_markdown(node["content"]) if node["tag"] == "markdown" else node["content"]
        if "display_name" in node:
            yield node["display_name"]
        for key, value in node.items():
            if key == "rows" and isinstance(value, list):
                yield from (" ".join(filter(None, map(_read_cell, row.values()))) for row in value)
            elif key != "behaviors":
                yield from _texts(value)
    elif isinstance(node, list):
        for child in node:
            yield from _texts(child)
