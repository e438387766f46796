"""What differs between two versions of a plan, place by place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core.draft import PlanDraft

_MAX_DIFFERENCES = 100
"""How many differences of one edit the operation log stores; the versions of the plan have all of them."""
_MAX_LENGTH = 500
"""How many characters of a value it stores."""
_MISSING: Any = object()
"""Stands for a value that is not there, while None may be one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two versions differ; a missing value is None."""

    path: str
    before: Any
    after: Any


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Yield each place whose value differs, with its value before and after.

    Items are compared by their keys (`items[deploy].name`), so that an inserted item changes no other; members of
    other lists by their positions.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in _names(before, after):
            inner = f"{path}.{name}" if path else str(name)
            yield from differences(before.get(name, _MISSING), after.get(name, _MISSING), inner)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_lists(before, after, path)
    elif before is _MISSING or after is _MISSING or before != after:
        yield Difference(path, _missing_to_none(before), _missing_to_none(after))


def differences_for_log(before: PlanDraft, after: PlanDraft, changed: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    """Return the differences of an edit as the operation log stores them, for the changed fields, credentials masked.

    Only the first differences are returned, and only the beginning of long values.
    """
    old, new = (draft.mask_credentials().model_dump(mode="json", include=set(changed)) for draft in (before, after))
    found = islice(differences(old, new), _MAX_DIFFERENCES)
    return tuple({"path": one.path, "before": _shorten(one.before), "after": _shorten(one.after)} for one in found)


def _shorten(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 1] + "…"


def _in_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Difference]:
    old, new = _by_name(before), _by_name(after)
    for name in _names(old, new):
        yield from differences(old.get(name, _MISSING), new.get(name, _MISSING), f"{path}[{name}]")
    stayed = [name for name in old if name in new], [name for name in new if name in old]
    if stayed[0] != stayed[1]:
        yield Difference(path, list(old), list(new))


def _by_name(members: list[Any]) -> dict[str | int, Any]:
    """Return the members of a list by their keys if each has a unique one, else by position."""
    keys = [member.get("key") if isinstance(member, Mapping) else None for member in members]
    if all(isinstance(key, str) and key for key in keys) and len(set(keys)) == len(keys):
        return dict(zip(map(str, keys), members, strict=True))
    return dict(enumerate(members))


def _names(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> list[Any]:
    return [*before, *(name for name in after if name not in before)]


def _missing_to_none(value: Any) -> Any:
    return None if value is _MISSING else value
