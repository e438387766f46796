"""What is wrong with JSON that was sent: pydantic's findings with the paths and in the words of the API.

What was sent is never repeated: it may hold credentials.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.i18n.labels import N_
from core.errors import Problem

Loc = tuple[str | int, ...]

MOST = 100
"""How many problems are told at once."""
DEEPEST = 100
"""How many levels of lists and objects are read."""

_REQUIRED = N_("this field is required")
_TOO_SHORT, _TOO_LONG = N_("too short: the least is {min_length}"), N_("too long: the most is {max_length}")
_WHOLE, _BOOLEAN = N_("write a whole number"), N_("write true or false")
_LIST, _OBJECT = N_("write a list"), N_("write an object with fields")
_CHOICE = N_("write one of: {expected}")
_TIME = N_("write a time with its zone, such as 2026-01-31T20:00:00+08:00")
_TEXTS = {
    "missing": _REQUIRED,
    "extra_forbidden": N_("there is no such field"),
    "string_type": N_("write a text"),
    "string_too_short": _TOO_SHORT,
    "string_too_long": _TOO_LONG,
    "string_pattern_mismatch": N_("the text must fit the pattern {pattern}"),
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "tuple_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "too_short": _TOO_SHORT,
    "too_long": _TOO_LONG,
    "greater_than_equal": N_("write {ge} or more"),
    "less_than_equal": N_("write {le} or less"),
    "enum": _CHOICE,
    "literal_error": _CHOICE,
    "union_tag_invalid": _CHOICE,
    "union_tag_not_found": _REQUIRED,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "timezone_aware": _TIME,
}


def problems_in(error: ValidationError, data: object) -> list[Problem]:
    """Return pydantic's findings about some data, one for each field."""
    found: dict[str, Problem] = {}
    for details in error.errors(include_url=False, include_input=False):
        problem = _problem(details, data)
        found.setdefault(problem.path, problem)
        if len(found) == MOST:
            break
    return list(found.values())


def _problem(details: ErrorDetails, data: object) -> Problem:
    kind, context = details["type"], details.get("ctx", {})
    loc = _fields(details, data)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        loc = (*loc, context["discriminator"].strip("'"))
    if text := _TEXTS.get(kind):
        return Problem.from_source(path_of(loc), text, _params(context))
    text = str(context.get("error", details["msg"]))
    return Problem.from_source(path_of(loc), text.replace("{", "{{").replace("}", "}}"), {})


def _params(context: dict[str, Any]) -> dict[str, object]:
    expected = context.get("expected_tags") or context.get("expected") or ""
    choices = ", ".join(re.findall(r"'([^']*)'", expected))
    limits = {name: context[name] for name in ("min_length", "max_length", "pattern", "ge", "le") if name in context}
    return limits | ({"expected": choices} if choices else {})


def _fields(details: ErrorDetails, data: object) -> Loc:
    """Return the location without what pydantic adds for the branches of unions, which are no fields of the data."""
    loc, kept = details["loc"], list[str | int]()
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(data, dict) and isinstance(part, str):
            if part == data.get("type") and not last and loc[index - 1] != part:
                continue  # the branch; a field of the same name comes right after it
            if part in data or (last and details["type"] == "missing"):
                kept.append(part)
                data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            kept.append(part)
            data = data[part]
    return tuple(kept)


def path_of(loc: Iterable[str | int]) -> str:
    """Return a location as `items[2].needs[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")


def unstorable(data: object) -> Iterator[Problem]:
    """Yield where JSON holds what no database or reader takes: NUL, lone surrogates, endless or huge numbers.

    Raises RecursionError when it is nested too deeply.
    """
    waiting: list[tuple[Loc, object]] = [((), data)]
    while waiting:
        loc, value = waiting.pop()
        if len(loc) > DEEPEST:
            raise RecursionError
        if isinstance(value, dict):
            waiting += [((*loc, key), member) for key, member in value.items()]
            waiting += [(loc, key) for key in value if not _plain(key)]
        elif isinstance(value, list):
            waiting += [((*loc, index), member) for index, member in enumerate(value)]
        elif isinstance(value, str) and not _plain(value):
            path = path_of(loc).encode("ascii", "backslashreplace").decode()
            yield Problem(path, "the text holds characters that are none: NUL, or half of a pair")
        elif (isinstance(value, int) and value.bit_length() > 64) or (
            isinstance(value, float) and not math.isfinite(value)
        ):
            yield Problem(path_of(loc), "this number is too large")


def _plain(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text))
