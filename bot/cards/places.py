"""Names places inside a plan as people know them: by names of jobs and parameters in place of positions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_STEP = re.compile(r"\[(?P<member>[^\]]*)\]|(?P<field>[^.\[\]]+)")
_STRUCTURE = frozenset({"items", "workflow", "stages", "jobs", "spec", "params", "value", "content"})
"""Fields that say nothing to people beside the names of what is in them."""
_NAMES = ("key", "name", "service_name", "repo_name", "namespace", "data_id", "sprint_name", "id")
"""The fields by which people call the members of lists, the best first."""


def item_key(path: str) -> str:
    """Return the key of the item in which a place is, or an empty string: the place is in the plan itself."""
    return path.removeprefix("items[").partition("]")[0] if path.startswith("items[") else ""


def name_place(path: str, *contents: Mapping[str, Any]) -> str:
    """Return the name of a place inside an item or a field of a plan, such as `build › script`.

    Members of lists are named by the first of the contents that has them, else by their numbers from 1.
    """
    return " › ".join(_names(path, contents))


def _names(path: str, contents: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    nodes: list[Any] = list(contents)
    for number, step in enumerate(_STEP.finditer(path)):
        member, field = step["member"], step["field"]
        nodes = [_child(node, member if field is None else field, is_member=field is None) for node in nodes]
        if field is not None and number and field not in _STRUCTURE:
            yield field
        elif field is None and not (number == 1 and path.startswith("items[")):
            named = (_name(node) for node in nodes)
            yield next(filter(None, named), str(int(member) + 1) if member.isdecimal() else member)


def _child(node: Any, step: str, *, is_member: bool) -> Any:
    if not is_member:
        return node.get(step) if isinstance(node, Mapping) else None
    if not isinstance(node, list | tuple):
        return None
    keyed = next((each for each in node if isinstance(each, Mapping) and each.get("key") == step), None)
    if keyed is not None:
        return keyed
    return node[int(step)] if step.isdecimal() and int(step) < len(node) else None


def _name(node: Any) -> str:
    if not isinstance(node, Mapping):
        return ""
    return next((str(node[name]) for name in _NAMES if isinstance(node.get(name), str | int) and node[name]), "")
