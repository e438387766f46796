"""Validates blocks and views before they are sent.

Slack docs: reference/block-kit (blocks, block elements, composition objects), reference/views. Only the blocks that
this adapter renders are known; any other block is a problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from adapters.slack.newest import (
    CHILDREN,
    MESSAGE_CHARACTERS,
    TABLE_CHARACTERS,
    TABLE_ROWS,
    TASKS,
    TYPES,
    count_blocks,
    count_texts,
    texts_fit,
)
from adapters.slack.text import JSON
from core.errors import DeliveryError
from core.messages import Message

MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
PLAIN: Final = ("plain_text",)
TEXTS: Final = ("plain_text", "mrkdwn")
_KEYS: Final = {  # the keys of each type
    "header": {"text"},
    "section": {"text", "fields", "accessory", "expand"},
    "context": {"elements"},
    "rich_text": {"elements"},
    "rich_text_section": {"elements"},
    "rich_text_quote": {"elements"},
    "rich_text_preformatted": {"elements"},
    "rich_text_list": {"style", "elements"},
    "text": {"text", "style"},
    "link": {"url", "text"},
    "date": {"timestamp", "format", "fallback"},
    "user": {"user_id"},
    "actions": {"elements"},
    "plan": {"title", "tasks"},
    "task_card": {"task_id", "title", "status", "details", "sources"},
    "data_table": {"caption", "page_size", "row_header_column_index", "rows"},
    "raw_text": {"text"},
    "container": {"title", "width", "is_collapsible", "default_collapsed", "child_blocks"},
    "input": {"label", "hint", "optional", "element"},
    "button": {"text", "action_id", "value", "url", "style", "confirm", "accessibility_label"},
    "overflow": {"action_id", "options"},
    "static_select": {"action_id", "placeholder", "options"},
    "plain_text_input": {"action_id", "multiline", "max_length", "initial_value"},
    "modal": {"callback_id", "private_metadata", "title", "submit", "blocks"},
    "home": {"blocks"},
}


def require_valid(blocks: list[JSON]) -> list[JSON]:
    """Return the blocks of a message. Raises DeliveryError, not retryable, with the first problem."""
    characters, _ = (0, 0) if texts_fit(blocks) else count_texts(blocks)
    long = [f"blocks: there are {characters} characters, allowed are {MESSAGE_CHARACTERS}"]
    _refuse([*problems(blocks), *(long if characters > MESSAGE_CHARACTERS else ())])
    return blocks


def require_valid_view(view: JSON) -> JSON:
    """Return a view. Raises DeliveryError, not retryable, with the first problem."""
    _refuse(view_problems(view))
    return view


def _refuse(found: list[str]) -> None:
    if found:
        reason = Message("the card is not valid: {problem}", {"problem": found[0]})
        raise DeliveryError("Slack", reason, retryable=False, sent=False)


def problems(blocks: Sequence[JSON], limit: int = MESSAGE_BLOCKS) -> list[str]:
    """Return the problems of blocks, as `place: problem`."""
    number, (_, cells) = count_blocks(blocks), (0, 0) if texts_fit(blocks) else count_texts(blocks)
    found = [] if 1 <= number <= limit else [f"blocks: there are {number}, allowed are 1 to {limit}"]
    if cells > TABLE_CHARACTERS:
        found.append(f"blocks: tables have {cells} characters, allowed are {TABLE_CHARACTERS}")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) > len(set(ids)):
        found.append("blocks: a block_id is used twice")
    return found + [f"blocks[{at}]: {what}" for at, block in enumerate(blocks) for what in _block(block)]


def view_problems(view: JSON) -> list[str]:
    """Return the problems of a modal or home tab."""
    found = [*_keys(view), *problems(view["blocks"], VIEW_BLOCKS)]
    if view["type"] == "modal":
        found += [each for key in ("title", "submit") if key in view for each in _text(view[key], 24, PLAIN)]
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
    if check := _CHECKS.get(block["type"]):  # any other type is reported by _keys
        yield from check(block)


def _header(block: JSON) -> Iterator[str]:
    yield from _text(block["text"], 150, PLAIN)


def _context(block: JSON) -> Iterator[str]:
    yield from _count(block["elements"], 10)
    for element in block["elements"]:
        yield from _text(element, 3000)


def _actions(block: JSON) -> Iterator[str]:
    elements = block["elements"]
    yield from _count(elements, 25)
    if len({element["action_id"] for element in elements}) < len(elements):
        yield "an action_id is used twice"
    for element in elements:
        yield from _button(element) if element["type"] == "button" else _menu(element)


def _input(block: JSON) -> Iterator[str]:
    element = block["element"]
    yield from _text(block["label"], 2000, PLAIN)
    yield from _text(block["hint"], 2000, PLAIN) if "hint" in block else ()
    yield from _keys(element)
    yield from _length("action_id", element, 255)
    yield from _length("initial_value", element, element["max_length"])
    if not 1 <= element["max_length"] <= 3000:
        yield "max_length is not between 1 and 3000"


def _rich_text(block: JSON) -> Iterator[str]:
    for section in block["elements"]:
        yield from _keys(section)
        if section["type"] == "rich_text_list":
            yield from _rich_text(section)
            continue
        for part in section["elements"]:
            yield from _keys(part)
            yield from _length("text", part, 3000)
            yield from _length("url", part, 3000)


def _plan(block: JSON) -> Iterator[str]:
    yield from _length("title", block, 150)
    yield from _count(block["tasks"], TASKS)
    if len({task["task_id"] for task in block["tasks"]}) < len(block["tasks"]):
        yield "a task_id is used twice"
    for task in block["tasks"]:
        yield from _keys(task)
        yield from _length("title", task, 150)
        if task["status"] not in ("pending", "in_progress", "complete", "error"):
            yield f"a task has no status {task['status']}"
        yield from _rich_text(task["details"]) if "details" in task else ()
        for source in task.get("sources", ()):
            yield from _length("url", source, 3000)


def _container(block: JSON) -> Iterator[str]:
    yield from _text(block["title"], 150, PLAIN)
    yield from _count(block["child_blocks"], CHILDREN)
    for child in block["child_blocks"]:
        yield from [f"{child['type']} is no child"] if child["type"] in TYPES else _block(child)


def _table(block: JSON) -> Iterator[str]:
    rows = block["rows"]
    yield from _length("caption", block, 150)
    if not 2 <= len(rows) <= 1 + TABLE_ROWS or len(set(map(len, rows))) > 1:
        yield f"a table needs a header and 1 to {TABLE_ROWS} rows of its length"
    for cell in (cell for row in rows for cell in row):
        yield from _keys(cell)
        yield from _length("text", cell, TABLE_CHARACTERS)


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


def _menu(menu: JSON) -> Iterator[str]:
    most, longest = (5, 150) if menu["type"] == "overflow" else (100, 75)
    yield from _keys(menu)
    yield from _length("action_id", menu, 255)
    yield from _count(menu["options"], most)
    yield from _text(menu["placeholder"], 150, PLAIN) if "placeholder" in menu else ()
    for option in menu["options"]:
        yield from _text(option["text"], 75, PLAIN)
        yield from _length("value", option, longest)
        yield from _length("url", option, 3000)


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


_CHECKS: Final[Mapping[str, Callable[[JSON], Iterator[str]]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "rich_text": _rich_text,
    "input": _input,
    "plan": _plan,
    "data_table": _table,
    "container": _container,
}
