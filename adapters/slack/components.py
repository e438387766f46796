"""The blocks that cards and modals are made of, each within its limits. Slack docs: reference/block-kit/blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from yarl import URL

from adapters.slack.text import JSON, clean, escape, flat, line, mrkdwn, plain
from core.card import Button, Fact, Field, Style

LINK: Final = "link"  # the action_id of buttons that open a page; Slack reports their clicks, too
SECTION: Final = 3000
_FIELDS: Final = 10
_BUTTONS: Final = 5  # in one row of buttons
_URL: Final = 3000
_TYPED: Final = 3000


def header(text: str) -> JSON:
    """Return the large first line."""
    return {"type": "header", "text": line(text, 150)}


def heading(text: str) -> JSON:
    """Return the heading of a part."""
    return {"type": "section", "text": mrkdwn(f"*{escape(flat(text), 150)}*")}


def tagged(mark: str, tag: str) -> JSON:
    """Return the line that tells the state."""
    return {"type": "context", "elements": [mrkdwn(f"{mark} *{escape(flat(tag), 200)}*")]}


def said(text: str) -> JSON:
    """Return a sentence of the bot's own, which may hold `code`."""
    return {"type": "section", "text": mrkdwn(escape(text, SECTION))}


def paragraph(text: str, limit: int = SECTION) -> JSON:
    """Return a text of somebody else, shown literally."""
    return {"type": "section", "text": plain(text, limit)}


def note(text: str) -> JSON:
    """Return a remark in small print."""
    return {"type": "context", "elements": [plain(text, SECTION)]}


def facts(pairs: Sequence[Fact]) -> JSON:
    """Return up to ten labels with their values, side by side."""
    cells = [mrkdwn(f"*{escape(flat(pair.label), 100)}*\n{escape(pair.value, 300)}") for pair in pairs[:_FIELDS]]
    return {"type": "section", "fields": cells}


def actions(buttons: Iterable[Button]) -> list[JSON]:
    """Return rows of buttons; an action_id is the verb, numbered where a row has it twice."""
    elements = [button(one) for one in buttons if not one.url or _address(one.url)]
    rows = [elements[start : start + _BUTTONS] for start in range(0, len(elements), _BUTTONS)]
    for row in rows:
        seen: set[str] = set()
        for number, element in enumerate(row):
            if element["action_id"] in seen:
                element["action_id"] += f":{number}"
            seen.add(element["action_id"])
    return [{"type": "actions", "elements": row} for row in rows]


def button(one: Button) -> JSON:
    """Return a button that reports its verb and ref, or opens a page."""
    element: JSON = {"type": "button", "text": line(one.label, 75), "action_id": LINK if one.url else one.verb}
    if one.style is not Style.DEFAULT:
        element["style"] = one.style.value
    if one.url:
        return element | {"url": _address(one.url)}
    if one.ref:
        element["value"] = one.ref
    if one.confirm and not one.field:  # a modal can be left as well
        element["confirm"] = _confirm(one)
    return element


def entry(field: Field) -> JSON:
    """Return the input for a field of a form."""
    limit = min(max(field.max_length, 1), _TYPED)
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
    return block | {"hint": plain(field.hint, 2000)} if field.hint else block


def _confirm(one: Button) -> JSON:
    asked = {
        "title": line(one.label, 100),
        "text": plain(one.confirm, 300),
        "confirm": line(one.label, 30),
        "deny": plain("✕", 30),  # needs no translation
    }
    return asked | ({} if one.style is Style.DEFAULT else {"style": one.style.value})


def _address(url: str) -> str:
    """Return a web address as Slack takes it, or "" for any other: its button is left out rather than the card."""
    try:
        address = URL(url)
    except ValueError:
        return ""
    is_web = address.scheme in ("http", "https") and address.host and len(str(address)) <= _URL
    return str(address) if is_web else ""
