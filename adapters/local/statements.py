"""Splits a text of SQL into statements, as SQLite and psql do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<literal> e'(?:[^'\\]|\\.|'')*' | '[^']*' | "[^"]*" | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$ )
    | (?P<comment> --[^\n]* | /\* )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<mark> [();] )
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_ROUTINE = re.compile(r"create (or replace )?(function|procedure)\b")


def split_sqlite(text: str) -> Iterator[str]:
    """Yield the statements of a text, as SQLite finds their ends; a trigger with its statements is one statement."""
    start = 0
    for end in (place + 1 for place, character in enumerate(text) if character == ";"):
        if sqlite3.complete_statement(text[start:end]):
            yield text[start:end]
            start = end
    if text[start:].strip():
        yield text[start:]


def split_postgresql(text: str) -> Iterator[str]:
    """Yield the statements of a text, as psql splits it; a part without a word is no statement.

    Semicolons in literals, comments, parentheses (CREATE RULE) and bodies of routines (BEGIN ATOMIC … END) do not end a
    statement. Backslashes in plain literals are ordinary characters, as they are by PostgreSQL's default.
    """
    start = position = parentheses = blocks = 0
    words: list[str] = []
    while token := _TOKEN.search(text, position):
        position = token.end()
        if token["comment"] == "/*":
            position = _end_of_comment(text, position)
        elif word := token["word"]:
            words.append(word.lower())
            blocks = max(0, blocks + _block_change(words, blocks))
        elif token["mark"] == "(":
            parentheses += 1
        elif token["mark"] == ")":
            parentheses -= 1
        elif token["mark"] and not (parentheses or blocks):
            if words:
                yield text[start:position]
            start, words = position, []
    if words:
        yield text[start:]


def _end_of_comment(text: str, position: int) -> int:
    """Return where a comment ends whose beginning was just read; comments may hold comments."""
    depth = 1
    while depth and (mark := _COMMENT_MARK.search(text, position)):
        depth += 1 if mark[0] == "/*" else -1
        position = mark.end()
    return len(text) if depth else position


def _block_change(words: list[str], blocks: int) -> int:
    """Return by how much the last word changes the depth of blocks in the body of a routine."""
    if not _ROUTINE.match(" ".join(words[:4])):
        return 0
    match words[-1]:
        case "begin":
            return 1
        case "case" if blocks:
            return 1
        case "end":
            return -1
        case _:
            return 0
