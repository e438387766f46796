"""Names places inside a plan as people know them: by names of jobs and parameters in place of positions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_STEP = re.compile(r"\[(?P<member>[^\]]*)\]|(?P<field>[^.\[\]]+)")
_STRUCTURE = frozenset({"items", "workflow", "stages", "jobs", "spec", "params", "value", "content"})
"""Fields that say nothing to people beside the names of what is in them."""
_ALONE = frozenset({"stages", "jobs", "modules"})
"""Lists in workflows whose only member is not named: there is nothing to tell it from."""
_NAMES = ("key", "name", "service_name", "service_module", "repo_name", "namespace", "data_id", "sprint_name", "id")
"""The fields by which people call the members of lists, the best first."""


def item_key(path: str) -> str:
    """Return the key of the item in which a place is, or an empty string: the place is in the plan itself."""
    return path.removeprefix("items[").partition("]")[0] if path.startswith("items[") else ""


def name_place(path: str, *contents: Mapping[str, Any]) -> str:
    """Return the name of a place inside an item or a field of a plan, such as `build › script`.

    Members of lists are named by the first of the contents that has them, else by their list and their numbers from 1.
    The only stage, job or module of a workflow is not named.
    """
    return " › ".join(_names(path, contents))


def _names(path: str, contents: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    nodes: list[Any] = list(contents)
    steps = list(_STEP.finditer(path))
    of = ""
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        member, field = step["member"], step["field"]
        siblings = max((len(node) for node in nodes if isinstance(node, list | tuple)), default=0)
        nodes = [_child(node, member if field is None else field, is_member=field is None) for node in nodes]
        if field is None:
            is_alone = ".workflow." in path and of in _ALONE and siblings == 1 and member == "0"
            yield from () if of == "items" or is_alone else _name_member(nodes, of, member)
        elif following is None or following["member"] is None:
            yield from () if step is steps[0] else _say(field)
        of = field or ""


def _name_member(nodes: list[Any], of: str, member: str) -> Iterator[str]:
    """Yield the name of a member of a list; without one, the list and the number of the member."""
    if named := next(filter(None, map(_name, nodes)), ""):
        yield named
    else:
        yield from _say(of)
        yield str(int(member) + 1) if member.isdecimal() else member


def _say(field: str) -> Iterator[str]:
    if field not in _STRUCTURE:
        yield field


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
