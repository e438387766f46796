"""Block Kit blocks for cards and modals, each within Slack's limits. Slack docs: reference/block-kit/blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from yarl import URL

from adapters.slack.text import EMPTY, JSON, clean, cut, flatten, line, plain_text
from core.card import Button, Fact, Field, Style

LINK: Final = "link"  # the action_id of buttons that open a page; Slack sends their clicks, too
SECTION: Final = 3000  # characters in a section
_BUTTONS: Final = 5  # in one row
_URL: Final = 3000  # characters in a URL
_INPUT: Final = 3000  # characters in an input


def header(text: str) -> JSON:
    """Return the title of a card."""
    return {"type": "header", "text": line(text, 150)}


def heading(text: str) -> JSON:
    """Return the heading of a section."""
    return _rich_text(_bold(text, 150))


def status_line(mark: str, tag: str) -> JSON:
    """Return the line with a card's status, after a coloured mark."""
    return _rich_text(_literal(f"{mark} "), _bold(tag, 200))


def sentence(text: str, link: str = "") -> JSON:
    """Return a text, rendered literally, in which the URL `link` alone is a link."""
    shown = cut(clean(text), SECTION) or EMPTY
    pieces = shown.split(link) if link and _web_address(link) else [shown]
    parts = [part for piece in pieces for part in ({"type": "link", "url": link}, _literal(piece))][1:]
    return _rich_text(*(part for part in parts if part.get("text") != ""))


def paragraph(text: str, limit: int = SECTION) -> JSON:
    """Return a text of people, rendered literally."""
    return _rich_text(_literal(cut(clean(text), limit) or EMPTY))


def notices(texts: Sequence[str]) -> list[JSON]:
    """Return what must not be missed, as a quotation; no block where there is nothing."""
    lines = [_bold(f"⚠️ {text}", 300) for text in texts]
    parts = [part for line in lines for part in (_literal("\n"), line)][1:]
    return [{"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": parts}]}] if parts else []


def listed(rows: Sequence[tuple[str, str]]) -> JSON:
    """Return rows of people's texts, each with lines below it that are shown to the letter."""
    elements: list[JSON] = []
    for text, lines in rows:
        elements.append({"type": "rich_text_section", "elements": [_literal(text)]})
        if lines:
            letters = [_literal(cut(clean(lines), SECTION))]
            elements.append({"type": "rich_text_preformatted", "elements": letters})
    return {"type": "rich_text", "elements": elements}


def beside(text: str, element: JSON) -> JSON:
    """Return a text of people, rendered literally, with a button beside it."""
    return {"type": "section", "text": plain_text(text, SECTION), "accessory": element}


def note(text: str) -> JSON:
    """Return a note in small print."""
    return {"type": "context", "elements": [plain_text(text, SECTION)]}


def facts(pairs: Sequence[Fact]) -> JSON:
    """Return labels with their values, one a line."""
    parts: list[JSON] = []
    for pair in pairs:
        end = "" if pair is pairs[-1] else "\n"
        parts += [_bold(pair.label, 100), _literal(f" {cut(clean(pair.value), 300) or EMPTY}{end}")]
    return _rich_text(*parts)


def actions(buttons: Iterable[Button]) -> list[JSON]:
    """Return rows of buttons. An action_id is the verb, with a number where a row has the verb twice."""
    elements = [button_element(button) for button in buttons if not button.url or _web_address(button.url)]
    rows = [elements[start : start + _BUTTONS] for start in range(0, len(elements), _BUTTONS)]
    for row in rows:
        used: set[str] = set()
        for number, element in enumerate(row):
            if element["action_id"] in used:
                element["action_id"] += f":{number}"
            used.add(element["action_id"])
    return [{"type": "actions", "elements": row} for row in rows]


def button_element(button: Button) -> JSON:
    """Return a button that sends its verb and ref, or opens a page."""
    action_id = LINK if button.url else button.verb
    element: JSON = {"type": "button", "text": line(button.label, 75), "action_id": action_id}
    if button.style is not Style.DEFAULT:
        element["style"] = button.style.value
    if button.url:
        return element | {"url": _web_address(button.url)}
    if button.ref:
        element["value"] = button.ref
    if button.confirm and not button.field:  # a modal asks for the field, and can be cancelled
        element["confirm"] = _confirm(button)
    return element


def input_block(field: Field) -> JSON:
    """Return the input for a field of a form."""
    limit = min(max(field.max_length, 1), _INPUT)
    element: JSON = {
        "type": "plain_text_input",
        "action_id": field.name,
        "multiline": field.multiline,
        "max_length": limit,
    }
    if value := clean(field.value):
        element["initial_value"] = value[:limit]
    block = {
        "type": "input",
        "block_id": field.name,
        "label": line(field.label, 2000),
        "optional": not field.required,
        "element": element,
    }
    return block | {"hint": plain_text(field.hint, 2000)} if field.hint else block


def _rich_text(*parts: JSON) -> JSON:
    """Return a block of texts and links in which Slack looks for no markup: of a bare URL it makes no link."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(parts)}]}


def _literal(text: str) -> JSON:
    return {"type": "text", "text": text}


def _bold(text: str, limit: int) -> JSON:
    return _literal(cut(flatten(text), limit) or EMPTY) | {"style": {"bold": True}}


def _confirm(button: Button) -> JSON:
    dialog = {
        "title": line(button.label, 100),
        "text": plain_text(button.confirm, 300),
        "confirm": line(button.label, 30),
        "deny": plain_text("✕", 30),  # needs no translation
    }
    return dialog | ({} if button.style is Style.DEFAULT else {"style": button.style.value})


def _web_address(url: str) -> str:
    """Return a web address in Slack's format, or "" for any other URL: its button is left out, and the card sent."""
    try:
        address = URL(url)
    except ValueError:
        return ""
    is_web = address.scheme in ("http", "https") and address.host and len(str(address)) <= _URL
    return str(address) if is_web else ""
