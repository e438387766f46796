"""What texts of people mean in every way in: durations and phone numbers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}
_PART = r"(\d{1,8})([dhms])"  # more digits would be longer than any duration, and could overflow
_DURATION = re.compile(f"(?:{_PART})+")
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=366)
_SEPARATORS = re.compile(r"[^0-9+]")
_MAINLAND = re.compile(r"(?:\+|00)?86(?=1[0-9]{10}\Z)")


def parse_duration(text: str) -> timedelta:
    """Return the duration that is written as `90s`, `10m`, `1h30m` or `2d`: in any order, each unit at most once.

    Raises ValueError, with what to write instead.
    """
    text = text.strip()
    parts = re.findall(_PART, text) if _DURATION.fullmatch(text) else []
    counts = {unit: int(number) for number, unit in parts}
    if not parts or len(counts) < len(parts):
        raise ValueError("write a duration such as 90s, 10m, 1h30m or 2d")
    return sum((count * _UNITS[unit] for unit, count in counts.items()), timedelta())


def format_duration(duration: timedelta) -> str:
    """Return a duration as `parse_duration` reads it, the longest unit first, in whole seconds and at least one."""
    rest, parts = max(_SHORTEST, timedelta(seconds=round(duration.total_seconds()))), []
    for unit, length in _UNITS.items():
        count, rest = divmod(rest, length)
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts)


def _read_duration(value: Any) -> Any:
    """Leave numbers of seconds, and ISO 8601 (`PT1H30M`), which pydantic writes into JSON, to pydantic."""
    return parse_duration(value) if isinstance(value, str) and not value.startswith("P") else value


def _check_duration(duration: timedelta) -> timedelta:
    if not _SHORTEST <= duration <= _LONGEST:
        raise ValueError("write a duration from one second up to 366 days")
    return duration


Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    AfterValidator(_check_duration),
    WithJsonSchema({"type": "string", "examples": ["10m", "1h30m"]}),
]
"""A field that holds a duration, in plans, bodies of the API and settings alike."""


def phone_number(written: str) -> str:
    """Return a phone number as it can be compared: without separators, and without +86 before one of mainland China.

    Feishu gives such numbers with +86, DingTalk without. Foreign numbers keep their `+` and country code.
    """
    return _MAINLAND.sub("", _SEPARATORS.sub("", written), 1)
