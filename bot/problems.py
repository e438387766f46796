"""Finds the problems in JSON that is sent to Fabu: pydantic's errors, with paths and messages for people.

A problem never contains the wrong value, which may be a credential.
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

MAX_PROBLEMS = 100
"""The largest number of problems in one answer."""
MAX_DEPTH = 100
"""The largest depth of lists and objects."""

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
"""Messages by pydantic's types of errors."""


def problems_in(error: ValidationError, data: object) -> list[Problem]:
    """Return the problems that pydantic found in some data: the first of each field, at most `MAX_PROBLEMS`."""
    found: dict[str, Problem] = {}
    for details in error.errors(include_url=False, include_input=False):
        problem = _problem_of(details, data)
        found.setdefault(problem.path, problem)
        if len(found) == MAX_PROBLEMS:
            break
    return list(found.values())


def _problem_of(details: ErrorDetails, data: object) -> Problem:
    kind, context = details["type"], details.get("ctx", {})
    loc = _field_path(details, data)
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


def _field_path(details: ErrorDetails, data: object) -> Loc:
    """Return the path of the wrong field, without the names of union branches that pydantic puts into it."""
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


def find_unstorable(data: object) -> Iterator[Problem]:
    """Yield a problem for each value in JSON that cannot be stored: text with NUL or lone surrogates, huge numbers.

    Raises RecursionError when the JSON is nested too deeply.
    """
    pending: list[tuple[Loc, object]] = [((), data)]
    while pending:
        loc, value = pending.pop()
        if len(loc) > MAX_DEPTH:
            raise RecursionError
        if isinstance(value, dict):
            pending += [((*loc, key), member) for key, member in value.items()]
            pending += [(loc, key) for key in value if not _is_storable(key)]
        elif isinstance(value, list):
            pending += [((*loc, index), member) for index, member in enumerate(value)]
        elif isinstance(value, str) and not _is_storable(value):
            path = path_of(loc).encode("ascii", "backslashreplace").decode()
            yield Problem(path, "the text holds characters that are none: NUL, or half of a pair")
        elif (isinstance(value, int) and value.bit_length() > 64) or (
            isinstance(value, float) and not math.isfinite(value)
        ):
            yield Problem(path_of(loc), "this number is too large")


def _is_storable(text: str) -> bool:
    return "\0" not in text and (text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text))
