"""Validates blocks and views before they are sent.

Slack docs: reference/block-kit (blocks, block elements, composition objects), reference/views. Only the blocks that
this adapter renders are known; any other block is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from adapters.slack.text import JSON
from core.errors import DeliveryError
from core.messages import Message

PLAIN: Final = ("plain_text",)
TEXTS: Final = ("plain_text", "mrkdwn")
_KEYS: Final = {  # the keys of each type
    "header": {"text"},
    "section": {"text", "fields", "accessory"},
    "context": {"elements"},
    "rich_text": {"elements"},
    "rich_text_section": {"elements"},
    "rich_text_quote": {"elements"},
    "rich_text_preformatted": {"elements"},
    "text": {"text", "style"},
    "link": {"url", "text"},
    "date": {"timestamp", "format", "fallback"},
    "user": {"user_id"},
    "actions": {"elements"},
    "input": {"label", "hint", "optional", "element"},
    "button": {"text", "action_id", "value", "url", "style", "confirm", "accessibility_label"},
    "plain_text_input": {"action_id", "multiline", "max_length", "initial_value"},
    "modal": {"callback_id", "private_metadata", "title", "submit", "blocks"},
    "home": {"blocks"},
}


def require_valid(blocks: list[JSON]) -> list[JSON]:
    """Return the blocks of a message or home tab. Raises DeliveryError, not retryable, with the first problem."""
    _refuse(problems(blocks))
    return blocks


def require_valid_view(view: JSON) -> JSON:
    """Return a view. Raises DeliveryError, not retryable, with the first problem."""
    _refuse(view_problems(view))
    return view


def _refuse(found: list[str]) -> None:
    if found:
        reason = Message("the card is not valid: {problem}", {"problem": found[0]})
        raise DeliveryError("Slack", reason, retryable=False, sent=False)


def problems(blocks: Sequence[JSON], limit: int = 50) -> list[str]:
    """Return the problems of blocks, as `place: problem`."""
    found = [] if 1 <= len(blocks) <= limit else [f"blocks: there are {len(blocks)}, allowed are 1 to {limit}"]
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) > len(set(ids)):
        found.append("blocks: a block_id is used twice")
    return found + [f"blocks[{at}]: {what}" for at, block in enumerate(blocks) for what in _block(block)]


def view_problems(view: JSON) -> list[str]:
    """Return the problems of a modal or home tab."""
    found = [*_keys(view), *problems(view["blocks"], 100)]
    if view["type"] == "modal":
        found += [*_text(view["title"], 24, PLAIN), *_text(view["submit"], 24, PLAIN)]
        found += [*_length("callback_id", view, 255), *_length("private_metadata", view, 3000)]
    return found


def _keys(node: JSON, also: str = "type") -> Iterator[str]:
    known = _KEYS.get(node["type"])
    if known is None:
        yield f"{node['type']} is not known"
    elif unknown := node.keys() - known - {also, "type"}:
        yield f"{node['type']} has no {', '.join(sorted(unknown))}"


def _length(key: str, node: JSON, limit: int, least: int = 1) -> Iterator[str]:
    if key in node and not least <= len(node[key]) <= limit:
        yield f"{key} has {len(node[key])} characters, allowed are {least} to {limit}"


def _text(text: JSON, limit: int, kinds: Sequence[str] = TEXTS) -> Iterator[str]:
    if text["type"] not in kinds:
        yield f"{text['type']} is not allowed here"
    yield from _length("text", text, limit)


def _block(block: JSON) -> Iterator[str]:
    yield from _keys(block, "block_id")
    yield from _length("block_id", block, 255)
    match block:
        case {"type": "header", "text": text}:
            yield from _text(text, 150, PLAIN)
        case {"type": "section"}:
            yield from _section(block)
        case {"type": "context", "elements": elements}:
            yield from _count(elements, 10)
            for element in elements:
                yield from _text(element, 3000)
        case {"type": "actions", "elements": elements}:
            yield from _count(elements, 25)
            if len({element["action_id"] for element in elements}) < len(elements):
                yield "an action_id is used twice"
            for element in elements:
                yield from _button(element)
        case {"type": "rich_text", "elements": sections}:
            yield from _rich_text(sections)
        case {"type": "input", "element": element}:
            yield from _input(block, element)
        case _:  # reported by _keys
            pass


def _input(block: JSON, element: JSON) -> Iterator[str]:
    yield from _text(block["label"], 2000, PLAIN)
    yield from _text(block["hint"], 2000, PLAIN) if "hint" in block else ()
    yield from _keys(element)
    yield from _length("action_id", element, 255)
    yield from _length("initial_value", element, element["max_length"])
    if not 1 <= element["max_length"] <= 3000:
        yield "max_length is not between 1 and 3000"


def _rich_text(sections: Sequence[JSON]) -> Iterator[str]:
    for section in sections:
        yield from _keys(section)
        for part in section["elements"]:
            yield from _keys(part)
            yield from _length("text", part, 3000)
            yield from _length("url", part, 3000)


def _section(block: JSON) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "a section needs text or fields"
    if "text" in block:
        yield from _text(block["text"], 3000)
    if "fields" in block:
        yield from _count(block["fields"], 10)
        for field in block["fields"]:
            yield from _text(field, 2000)
    if "accessory" in block:
        yield from _button(block["accessory"])


def _count(elements: Sequence[JSON], limit: int) -> Iterator[str]:
    if not 1 <= len(elements) <= limit:
        yield f"there are {len(elements)} elements, allowed are 1 to {limit}"


def _button(button: JSON) -> Iterator[str]:
    yield from _keys(button)
    yield from _text(button["text"], 75, PLAIN)
    yield from _length("action_id", button, 255)
    yield from _length("value", button, 2000)
    yield from _length("url", button, 3000)
    yield from _length("accessibility_label", button, 75)
    if button.get("style", "primary") not in ("primary", "danger"):
        yield f"a button has no style {button['style']}"
    if not button.get("url", "https://").startswith(("http://", "https://")):
        yield "url is no web address"
    for key, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        if "confirm" in button:
            yield from _text(button["confirm"][key], limit)
