"""The statements of an SQL text: of which kind each is, and which cannot be taken back.

The parser is loaded where it is used: a server that shows no SQL does without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from core.messages import NO_MESSAGE, Message

if TYPE_CHECKING:
    from sqlparse.sql import Statement as Parsed

_LONGEST: Final = 100_000
"""How many characters are parsed; what is longer counts as a risk, since nobody reads it on a card either."""
_DANGEROUS: Final = frozenset({"DROP", "TRUNCATE", "GRANT", "REVOKE"})
"""The first words of statements that remove what no statement brings back, or change who may do what."""
_NESTED: Final = frozenset({"DO", "CALL", "EXEC", "EXECUTE", "DECLARE"})
"""The first words of statements that run others, which are not examined."""
_BEFORE_WRITING: Final = frozenset({"", "(", ")", "EXPLAIN", "ANALYZE", "AS", "MATERIALIZED"})
"""What stands before a DELETE or UPDATE that writes. Elsewhere these words belong to locks, keys and MERGE."""
_RUN_IN_COMMENT: Final = ("/*!", "/*M!")
"""How comments begin that MySQL and MariaDB run."""
_TOO_LONG: Final = Message("the SQL is too long to be examined")
_CANNOT_READ: Final = Message("the SQL cannot be read; look at all of it")
_HAS_HIDDEN: Final = Message("the SQL has a comment that the database runs; look at all of it")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its lines, its kind such as DELETE, and why it is a risk, if it is."""

    lines: tuple[str, ...]
    kind: str
    risk: Message = NO_MESSAGE


@lru_cache(maxsize=64)  # each card of a plan, for every reader, shows the same texts
def parse_statements(sql: str) -> tuple[Statement, ...]:
    """Return the statements of a text, without comments and empty lines. One that cannot be read is a risk."""
    if len(sql) > _LONGEST:
        return (Statement(_lines(sql[:_LONGEST]), "SQL", _TOO_LONG),)
    if any(mark in sql for mark in _RUN_IN_COMMENT):
        return (Statement(_lines(sql), "SQL", _HAS_HIDDEN),)
    import sqlparse  # takes 50 ms, once

    try:
        parsed = sqlparse.parse(sqlparse.format(sql, strip_comments=True))
    except (sqlparse.exceptions.SQLParseError, RecursionError):
        return (Statement(_lines(sql), "SQL", _CANNOT_READ),)
    return tuple(_statement(each) for each in parsed if str(each).strip(" \t\r\n;"))


def _statement(parsed: Parsed) -> Statement:
    tokens = parsed.flatten()  # type: ignore[no-untyped-call]
    words = [str(token).upper() for token in tokens if not token.is_whitespace]
    kind = str(parsed.get_type())  # type: ignore[no-untyped-call]
    kind = words[0] if kind == "UNKNOWN" else kind
    return Statement(_lines(str(parsed)), kind, _risk(kind, words))


def _risk(kind: str, words: Sequence[str]) -> Message:
    if unlimited := _writes_everything(words):
        return Message("{statement} without WHERE", {"statement": unlimited})
    if kind in _DANGEROUS:
        return Message.verbatim(kind)
    if kind == "ALTER" and "DROP" in words:
        return Message.verbatim("ALTER … DROP")
    if kind in _NESTED:
        return Message("{statement} runs statements that are not examined", {"statement": kind})
    return NO_MESSAGE


def _writes_everything(words: Sequence[str]) -> str:
    """Return DELETE or UPDATE if one has no WHERE of its own: at the same depth of parentheses. Else nothing."""
    pending: dict[int, str] = {}
    depth, before = 0, ""
    for word in words:
        if word == "(":
            depth += 1
        elif word == ")":
            if found := pending.get(depth):
                return found
            depth -= 1
        elif word in ("DELETE", "UPDATE") and before in _BEFORE_WRITING:
            pending[depth] = word
        elif word == "WHERE":
            pending.pop(depth, None)
        before = word
    return next(iter(pending.values()), "")


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.rstrip() for line in text.strip().splitlines() if line.strip())
