"""What differs between two versions of a plan, place by place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core.draft import PlanDraft
from core.workflow import MASK

_MAX_DIFFERENCES = 100
"""How many differences of one edit the operation log stores; the versions of the plan have all of them."""
_MAX_LENGTH = 500
"""How many characters of a value the operation log stores."""
_MISSING: Any = object()
"""Stands for a value that is not there, while None may be one."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two versions differ; a missing value is None."""

    path: str
    before: Any
    after: Any

    @property
    def field(self) -> str:
        """The field of the plan in which the place is."""
        return re.split(r"[.[]", self.path, maxsplit=1)[0]

    @property
    def is_credential(self) -> bool:
        """Whether it is a credential that changed, of which only the mask is known."""
        return bool(self.before == self.after == MASK)

    @property
    def matters(self) -> bool:
        """Whether the plan says something else. A field of a plan that is missing equals an empty one.

        Inside a workflow it does not: what is missing there is left as the runner has it, and what is empty clears it.
        """
        return ".workflow." in self.path or not all(value in (None, "", [], {}) for value in (self.before, self.after))


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
    elif type(before) is not type(after) or before != after:  # to Python, true equals 1
        yield Difference(path, _missing_to_none(before), _missing_to_none(after))


def differences_of_drafts(before: PlanDraft, after: PlanDraft) -> list[Difference]:
    """Return where two drafts differ. A changed credential has the mask before and after."""
    found = differences(before.model_dump(mode="json"), after.model_dump(mode="json"))
    old, new = (draft.mask_credentials().model_dump(mode="json") for draft in (before, after))
    shown = {one.path: one for one in differences(old, new)}
    return [shown.get(one.path, Difference(one.path, MASK, MASK)) for one in found]


def for_log(found: Iterable[Difference]) -> tuple[dict[str, Any], ...]:
    """Return differences as the operation log stores them: only the first ones, and of long values a part.

    The part of a long text begins with the line that differs.
    """
    return tuple(_shorten(one) for one in islice(found, _MAX_DIFFERENCES))


def _shorten(one: Difference) -> dict[str, Any]:
    before, after = one.before, one.after
    start = _first_difference(before, after) if isinstance(before, str) and isinstance(after, str) else 0
    return {"path": one.path, "before": _part(before, start), "after": _part(after, start)}


def _first_difference(before: str, after: str) -> int:
    """Return where the line begins from which on two texts differ; of a long line, only what is near the difference."""
    equal = zip(before, after, strict=False)
    place = next((place for place, (old, new) in enumerate(equal) if old != new), min(len(before), len(after)))
    return max(before.rfind("\n", 0, place) + 1, place - _MAX_LENGTH // 2)


def _part(value: Any, start: int) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= _MAX_LENGTH:
        return value
    part = f"…{text[start:]}" if start else text
    return part if len(part) <= _MAX_LENGTH else part[: _MAX_LENGTH - 1] + "…"


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
