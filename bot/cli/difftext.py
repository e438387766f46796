"""The differences of two versions of a plan as text for the terminal: short values in a line, long ones by lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from typing import Any

import yaml

from core.differences import Difference
from core.text import reveal_invisible
from core.workflow import MASK

_LONG = 120
"""From how many characters on a value is shown in lines of its own."""
_NOTHING = "∅"


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def format_differences(found: Iterable[Difference]) -> str:
    """Return each difference as `path: before → after`, or as the lines that differ; nothing is cut off.

    A field of a plan that is missing equals an empty one. Inside a workflow it does not: what is missing there is left
    as the runner has it, and what is empty clears it. Invisible characters are revealed.
    """
    return "\n".join(line for each in found if not _equal(each) for line in _lines(each))


def _equal(each: Difference) -> bool:
    return ".workflow." not in each.path and all(value in (None, "", [], {}) for value in (each.before, each.after))


def _lines(each: Difference) -> Iterator[str]:
    path = reveal_invisible(each.path)
    if each.before == each.after == MASK:
        yield f"  {path}: the credential changed"
    elif _is_short(each.before) and _is_short(each.after):
        yield f"  {path}: {_in_line(each.before)} → {_in_line(each.after)}"
    else:
        yield f"  {path}:"
        for line in list(unified_diff(_block(each.before), _block(each.after), lineterm=""))[2:]:
            yield f"    {reveal_invisible(line)}"


def _is_short(value: Any) -> bool:
    return len(_in_line(value)) <= _LONG and not (isinstance(value, str) and "\n" in value)


def _in_line(value: Any) -> str:
    return _NOTHING if value in (None, [], {}) else reveal_invisible(json.dumps(value, ensure_ascii=False))


def _block(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.split("\n")
    text: str = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=float("inf"))
    return text.splitlines()
