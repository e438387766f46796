"""What differs between two versions of a plan, place by place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.routes.models import DifferenceAnswer

_MISSING: Any = object()


def differences(before: Any, after: Any, path: str = "") -> Iterator[DifferenceAnswer]:
    """Yield each place whose value differs, with what was and what is there; null stands for nothing.

    Items are compared by their keys (`items[deploy].name`), so that one that was put in between changes no other;
    members of other lists by their positions.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in _names(before, after):
            inner = f"{path}.{name}" if path else str(name)
            yield from differences(before.get(name, _MISSING), after.get(name, _MISSING), inner)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_lists(before, after, path)
    elif before is _MISSING or after is _MISSING or before != after:
        yield DifferenceAnswer(path=path, before=_shown(before), after=_shown(after))


def _in_lists(before: list[Any], after: list[Any], path: str) -> Iterator[DifferenceAnswer]:
    old, new = _by_name(before), _by_name(after)
    for name in _names(old, new):
        yield from differences(old.get(name, _MISSING), new.get(name, _MISSING), f"{path}[{name}]")
    stayed = [name for name in old if name in new], [name for name in new if name in old]
    if stayed[0] != stayed[1]:
        yield DifferenceAnswer(path=path, before=list(old), after=list(new))


def _by_name(members: list[Any]) -> dict[str | int, Any]:
    """Return the members of a list by their keys, if all have one of their own, else by position."""
    keys = [member.get("key") if isinstance(member, Mapping) else None for member in members]
    if all(isinstance(key, str) and key for key in keys) and len(set(keys)) == len(keys):
        return dict(zip(map(str, keys), members, strict=True))
    return dict(enumerate(members))


def _names(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> list[Any]:
    return [*before, *(name for name in after if name not in before)]


def _shown(value: Any) -> Any:
    return None if value is _MISSING else value
