"""Reading what a Slack user would see: the text of a card, its buttons, and the element that a click would hit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

JSON = dict[str, Any]
_ICONS = {"pending": "▫️", "in_progress": "⏳", "complete": "✅", "error": "❌"}
_RICH_TEXTS = ("rich_text_section", "rich_text_quote", "rich_text_preformatted")


class NotPossible(AssertionError):
    """A test tried what no Slack user could do, such as clicking a button that is not shown."""


class Shown(Protocol):
    """Anything with blocks on the screen: a message or a view."""

    def all_blocks(self) -> list[JSON]:
        """Return every block shown, also those inside attachments."""
        ...


def interactive(block: JSON) -> list[JSON]:
    """Return the interactive elements of one block."""
    elements = [*block.get("elements", []), block.get("accessory"), block.get("element")]
    shown = (None, "image", "mrkdwn", "plain_text", "rich_text_list", *_RICH_TEXTS)
    return [e for e in elements if isinstance(e, dict) and e.get("type") not in shown]


def elements_of(shown: Shown) -> list[tuple[JSON, JSON]]:
    """Return all (block, interactive element) pairs, top to bottom."""
    return [(block, element) for block in shown.all_blocks() for element in interactive(block)]


def label_of(element: JSON) -> str:
    """Return the text of a button, without the ellipsis that says that something is asked."""
    return str(element.get("text", {}).get("text", "")).removesuffix("…")


def buttons(shown: Shown) -> dict[str, JSON]:
    """Return the buttons by action_id and by text without an ellipsis; of several with one name the first is kept."""
    found: dict[str, JSON] = {}
    for _, element in elements_of(shown):
        if element["type"] == "button":
            found.setdefault(element["action_id"], element)
            found.setdefault(label_of(element), element)
    return found


def text_of(shown: Shown) -> str:
    """Return all human-visible text of the blocks, one piece a line; of a message without blocks, its text."""
    blocks = shown.all_blocks()
    title = getattr(shown, "title", "")
    if not blocks:
        return str(getattr(shown, "text", ""))
    return "\n".join([title] * bool(title) + [piece for block in blocks for piece in texts(block)])


def texts(node: Any) -> Iterator[str]:
    """Yield the strings of text objects; ids, values and urls are not seen by people."""
    if isinstance(node, list):
        for item in node:
            yield from texts(item)
    elif isinstance(node, dict):
        if node.get("type") in _RICH_TEXTS:
            yield "".join(
                part.get("text") or part.get("fallback") or part.get("url") or f"@{part['user_id']}"
                for part in node["elements"]
            )
            return
        if node.get("type") in ("plain_text", "mrkdwn", "markdown", "raw_text"):
            yield node["text"]
            return
        yield from _own_text(node)
        for key, child in node.items():
            if key not in ("confirm", "initial_option", "initial_options", "sources", "child_blocks"):
                yield from texts(child)


def _own_text(node: JSON) -> Iterator[str]:
    """Yield what a node says of itself that is no text object; the status of a task is an icon."""
    match node.get("type"):
        case "image":
            yield node["alt_text"]
        case "plan":
            yield node["title"]
        case "data_table":
            yield node["caption"]
        case "task_card":
            yield f"{_ICONS[node['status']]} {node['title']}"
        case _:
            pass


def is_card(message: Any) -> bool:
    """Return whether a message has more than rich text: a title, buttons, or the like."""
    return any(block["type"] != "rich_text" for block in message.blocks)


def find(shown: Shown, action: str | tuple[str, str]) -> tuple[JSON, JSON]:
    """Return the one (block, element) that `action` names: an action_id, a button's label, or (block_id, either)."""
    block_id, name = action if isinstance(action, tuple) else (None, action)
    hits = [
        (block, element)
        for block, element in elements_of(shown)
        if name in (element["action_id"], label_of(element)) and block_id in (None, block["block_id"])
    ]
    if len(hits) == 1:
        return hits[0]
    names = [(block["block_id"], element["action_id"]) for block, element in hits or elements_of(shown)]
    raise NotPossible(f"{action!r} is {'ambiguous: ' if hits else 'not shown, only: '}{names}")


def option_of(element: JSON, value: str) -> JSON:
    """Return the option with that value or text."""
    groups = [group["options"] for group in element.get("option_groups", [])]
    for option in [*element.get("options", []), *(option for group in groups for option in group)]:
        if value in (option["value"], label_of(option)):
            return dict(option)
    raise NotPossible(f"{element['action_id']} offers no option {value!r}")


# element type -> the key of its value in `state.values`, and the key of its first value in the element itself
STATE_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
}


def state_values(shown: Shown, filled: dict[str, Any], *, complete: bool = False) -> JSON:
    """Return `state.values` after a user typed `filled`, whose keys are block_ids, action_ids or labels.

    Options are named by value or text. `complete` asks for what Slack asks on submit: no required input left empty.
    """
    values: JSON = {}
    unused = set(filled)
    for block, element in elements_of(shown):
        if element["type"] not in STATE_KEYS:
            continue
        key, initial = STATE_KEYS[element["type"]]
        names = (block["block_id"], element["action_id"], block.get("label", {}).get("text"))
        name = next((name for name in names if name in filled), None)
        value = element.get(initial) if name is None else _entered(element, filled[name])
        unused.discard(name or "")
        if complete and block["type"] == "input" and not block.get("optional") and value in (None, "", []):
            raise NotPossible(f"{names[2]!r} is required: Slack does not submit the form without it")
        empty: list[Any] | None = [] if key.startswith("selected_") and key.endswith("s") else None
        entry = {"type": element["type"], key: empty if value in (None, "") else value}
        values.setdefault(block["block_id"], {})[element["action_id"]] = entry
    if unused:
        raise NotPossible(f"no input is named {sorted(unused)}")
    return values


def _entered(element: JSON, value: Any) -> Any:
    """Return what an element holds after the entry, or refuse what the client would not let a user enter."""
    key = STATE_KEYS[element["type"]][0]
    if value is None:
        return None
    if key == "selected_option":
        return option_of(element, value)
    if key == "selected_options":
        return [option_of(element, one) for one in value]
    if key == "value" and not element.get("min_length", 0) <= len(value) <= element.get("max_length", 3000):
        raise NotPossible(f"{element['action_id']} does not take {len(value)} characters")
    return value
