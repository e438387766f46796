"""Parsers and formatters for what people write: invisible characters, names, durations, times and phone numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, WithJsonSchema

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
"""Control characters, and surrogates, which are halves of a character."""
_BREAKS = "\u2028\u2029"
_IGNORABLE = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_EMOJI = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_STYLE = "[\ufe0e\ufe0f]"
"""The variation selectors that choose between text and emoji."""
_INVISIBLE = re.compile(
    f"[{_CONTROLS}{_BREAKS}{_IGNORABLE}]"
    f"(?<!{_EMOJI}{_STYLE})(?<![0-9#*]\ufe0f(?=\u20e3))"
    f"(?<!{_EMOJI}\u200d(?={_EMOJI}))(?<!{_EMOJI}{_STYLE}\u200d(?={_EMOJI}))"
)
_NARROW = {ord(wide): chr(ord(wide) - 0xFEE0) for wide in "＂＃／＠｀"} | {
    code: code - 0xFEE0 for first, last in ("０９", "ＡＺ", "ａｚ") for code in range(ord(first), ord(last) + 1)
}
"""The characters of full width that people type in place of ASCII ones."""
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1)}
_PART = r"(\d{1,8})([dhms])"
"""A number with its unit; more digits would exceed every duration, and could overflow."""
_DURATION = re.compile(f"(?:{_PART})+")
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(days=366)
"""The bounds of durations, both included."""
EARLIEST, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""The bounds of times; the end is not included."""
_SECONDS = re.compile(r"[0-9]{1,19}")
_SEPARATORS = re.compile(r"[^0-9+]")
_MAINLAND = re.compile(r"(?:\+|00)?86(?=1[0-9]{10}\Z)")


def remove_invisible(text: str) -> str:
    """Return a text without invisible characters; Unicode's separators of lines become line feeds.

    Invisible are control characters but tab and line feed, lone surrogates, and what Unicode calls default ignorable:
    characters of no width, controls of the direction of writing (U+202A-E, U+2066-9, U+200E-F), soft hyphens, fillers,
    tags, the byte order mark, and the marks of interlinear annotations. They make two names look alike, and turn or
    hide what is approved. Within emoji the joiner (U+200D) and the variation selectors (U+FE0E-F) stay.

    Use it for names, commands and everything that people read. Scripts, SQL and values of parameters keep such
    characters: see `reveal_invisible`.
    """
    return _INVISIBLE.sub(lambda found: "\n" if found[0] in _BREAKS else "", text)


Visible = BeforeValidator(lambda value: remove_invisible(value) if isinstance(value, str) else value)
"""Removes the invisible characters of a field. Write it last in `Annotated`: it then runs before the constraints, which
measure what is left."""


def reveal_invisible(text: str) -> str:
    """Return a text with `⟨U+200B⟩` in the place of each character that `remove_invisible` would remove or replace.

    Use it for text that runs as it was written, such as scripts: the card shows approvers what would be invisible.
    """
    return map_invisible(text, lambda character: f"⟨U+{ord(character):04X}⟩")


def map_invisible(text: str, change: Callable[[str], str]) -> str:
    """Return a text with each character changed that `remove_invisible` would remove or replace."""
    return _INVISIBLE.sub(lambda found: change(found[0]), text)


def normalize_typed(text: str) -> str:
    """Return what somebody typed, in one form: composed characters, none that is invisible, and the ASCII ones of
    letters, digits and signs that input methods write in full width. Punctuation of full width stays.
    """
    return unicodedata.normalize("NFC", remove_invisible(text)).translate(_NARROW)


NAMES: Final = 6
"""How many names of one sort are listed; the others are counted."""


def join_names(names: Iterable[str], limit: int = NAMES) -> str:
    """Return names as a list, of which those above the limit are counted: `api, web +3`."""
    every = [name for name in names if name]
    more = f" +{len(every) - limit}" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more


def normalize_name(written: str) -> str:
    """Return a name in a form to compare: two names that look the same but for case and width are equal."""
    return " ".join(unicodedata.normalize("NFKC", remove_invisible(written)).casefold().split())


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
    rest, parts = max(SHORTEST, timedelta(seconds=round(duration.total_seconds()))), []
    for unit, length in _UNITS.items():
        count, rest = divmod(rest, length)
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts)


def _read_duration(value: Any) -> Any:
    """Parse a text such as `10m`. Numbers of seconds, and the ISO 8601 of JSON (`PT1H30M`), are left to pydantic."""
    return parse_duration(value) if isinstance(value, str) and not value.startswith("P") else value


def _check_duration(duration: timedelta) -> timedelta:
    if not SHORTEST <= duration <= LONGEST:
        raise ValueError("write a duration from one second up to 366 days")
    return duration


Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    AfterValidator(_check_duration),
    WithJsonSchema({"type": "string", "examples": ["10m", "1h30m"]}),
]
"""A field that holds a duration, in plans, bodies of the API and settings alike."""


def _read_moment(value: Any) -> Any:
    """Parse unix seconds, written as a number or as text, and RFC 3339; anything else is left for pydantic to reject.

    Pydantic itself takes text of digits but no number, and large numbers for milliseconds.
    """
    text = str(value) if type(value) is int else value
    if not isinstance(text, str):
        return value
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(min(int(text), END.timestamp()), UTC)
    with suppress(ValueError):
        return datetime.fromisoformat(text.upper())
    return value


def _check_moment(moment: datetime) -> datetime:
    """Reject the last year of the range of `datetime`: time zones and durations that are added need it."""
    if not EARLIEST <= moment < END:
        raise ValueError("write a time between the years 1970 and 9998")
    return moment


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_read_moment),
    AfterValidator(_check_moment),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "integer", "minimum": 0, "exclusiveMaximum": int(END.timestamp())},
            ],
            "description": "RFC 3339 with a time zone, or unix seconds",
        }
    ),
]
"""A field that holds a point in time: RFC 3339 with a time zone, or unix seconds."""


class ClockChangeError(ValueError):
    """A time without its offset from UTC that clocks show twice, or never, as they are put back or forward."""


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """Return, in UTC, the time that is written as `2026-11-24 18:00` in a time zone, or as RFC 3339.

    Raises ClockChangeError when the first form does not tell which time is meant, ValueError for another form and for a
    time out of bounds.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
        if is_in_clock_change(moment):
            raise ClockChangeError
    return _check_moment(moment).astimezone(UTC)


def is_in_clock_change(moment: datetime) -> bool:
    """Return whether clocks in the time zone of a time show it twice, or never."""
    return moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset()


def parse_unix_time(seconds: int) -> datetime | None:
    """Return the time of unix seconds as Zadig sends them, None for 0. Raises ValueError when it is out of bounds."""
    if not EARLIEST.timestamp() <= seconds < END.timestamp():
        raise ValueError("write times in unix seconds")
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def normalize_phone(written: str) -> str:
    """Return a phone number in a form to compare: without separators, and without +86 before one of mainland China.

    Feishu gives such numbers with +86, DingTalk without. Foreign numbers keep their `+` and country code.
    """
    return _MAINLAND.sub("", _SEPARATORS.sub("", written), 1)
