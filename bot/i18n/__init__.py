"""Texts in the reader's language. The English texts are the keys of the gettext catalogues in this folder."""

from __future__ import annotations

import gettext
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

from bot.i18n.labels import label
from core.card import Line, Moment, Span, Text
from core.errors import FabuError, Invalid, Problem
from core.messages import Message
from core.people import Person
from core.text import is_in_clock_change, parse_moment

LANGUAGES = ("zh_CN", "en")


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("fabu", Path(__file__).parent, [language], fallback=True)


def translate(text: str, language: str, **params: object) -> str:
    """Return an English text in a language, with values for its `{params}`. Without a translation it stays English."""
    translated = _catalogue(language).gettext(text) if text else ""
    return translated.format(**params) if params else translated


class Locale:
    """The language and the time zone of a reader, and what is rendered with them."""

    def __init__(self, language: str, timezone: str) -> None:
        self.language, self.timezone, self.zone = language, timezone, ZoneInfo(timezone)

    @classmethod
    def of(cls, person: Person | None, language: str, timezone: str) -> Locale:
        """Return the locale of a person; `language` and `timezone` apply where the person has no preference."""
        return cls((person and person.language) or language, (person and person.timezone) or timezone)

    def text(self, source: str, /, **params: object) -> str:
        """Return an English text in the reader's language. Messages, enumerations and times in it are rendered too."""
        return translate(source, self.language, **{name: self._render(value) for name, value in params.items()})

    def spans(self, source: str, /, **params: object) -> Line:
        """Return an English text in the reader's language as a line of a card. Spans and moments in it stay such."""
        spans: list[Span] = []
        for literal, name, _, _ in Formatter().parse(translate(source, self.language)):
            spans += [Text(literal)] if literal else []
            spans += [self._span(params[name])] if name else []
        return tuple(spans)

    def moment(self, at: datetime) -> Moment:
        """Return a moment as a part of a line, which vendors may show in the reader's own zone."""
        return Moment(at, self.time(at))

    def message(self, message: Message) -> str:
        """Return a message in the reader's language. A verbatim message stays as it is."""
        return message.text if message.params is None else self.text(message.text, **message.params)

    def time(self, at: datetime | None) -> str:
        """Return a time in the reader's zone, with the zone's name: `2026-11-24 18:00 Asia/Shanghai`.

        A time that clocks show twice has its offset from UTC: `2026-11-01 01:30-04:00 America/New_York`.
        """
        if at is None:
            return self.text("any time")
        local = at.astimezone(self.zone)
        written = local if is_in_clock_change(local) else local.replace(tzinfo=None)
        return f"{written.isoformat(' ', 'minutes')} {self.timezone}"

    def parse_time(self, text: str) -> datetime:
        """Parse a time such as `2026-11-24 18:00`, in the reader's zone, or one in RFC 3339.

        Raises as `parse_moment` does.
        """
        return parse_moment(text, self.zone)

    def problem(self, problem: Problem) -> str:
        """Return a problem as `path: what to do about it`."""
        return f"{problem.path}: {self.text(problem.message, **problem.params)}"

    def error(self, error: FabuError) -> str:
        """Return the message of an error in the reader's language, with all problems of an invalid input."""
        if isinstance(error, Invalid):
            return self.text(error.message, problems="\n".join(f"• {self.problem(each)}" for each in error.problems))
        return self.text(error.message, **error.params)

    def _span(self, value: object) -> Span:
        if isinstance(value, Span):
            return value
        return self.moment(value) if isinstance(value, datetime) else Text(str(self._render(value)))

    def _render(self, value: object) -> object:
        """Return a parameter in the reader's language."""
        if isinstance(value, Message):
            return self.message(value)
        if isinstance(value, Enum):
            return translate(label(value), self.language)
        if isinstance(value, datetime):
            return self.time(value)
        return self.text("any time") if value is None else value


def error_text(error: FabuError, language: str, timezone: str = "UTC") -> str:
    """Return the message of an error in a language."""
    return Locale(language, timezone).error(error)
