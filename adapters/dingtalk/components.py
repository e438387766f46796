"""The texts in the variables of the card template: rows to the letter, and lists that fill several variables.

Variables of the template render no markup, so what people wrote stands as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, takewhile
from typing import Final

from adapters.common.fitting import MUST_BE_SHOWN
from adapters.dingtalk.text import flatten, keep, size
from adapters.dingtalk.validate import MAX_VALUE_BYTES, ROWS
from core.card import Card, Excerpt, Part, Row, Section, plain

ITEM_OF: Final = re.compile(r"#(\d+) · (\d+) ")
"""The number of a plan and the position of an item, at the beginning of the title of a row that names both."""
POSITION: Final = re.compile(r"(\d+)(?:[–…,]\S+)* ")
"""The position of an item, or the positions of a group of items, at the beginning of the title of its row."""
_MANY, _IN_LINE = 8, 6
"""More rows than this that are but a name, and in one state, are in a line together, and how many in each."""
_LINES: Final = (8, 12, 20, 30)
"""How many lines a variable has at most: as few as there is room for. The template shows twice as many, for lines that
wrap.
"""


def write_head(row: Row) -> str:
    """Return the head of a row: mark, title, state and line."""
    word = row.state.word if row.title else ""
    return flatten(" · ".join(filter(None, (f"{row.state.mark} {row.title}".strip(), word, plain(row.line).strip()))))


def write_row(row: Row) -> list[str]:
    """Return the lines of a row, to the letter, with the position of an item as `【3】`."""
    word = row.state.word if row.title else ""
    head = " · ".join(filter(None, (_write_title(row), word, plain(row.line))))
    mark = f"{row.state.mark} " if row.state.mark and head else ""
    return list(filter(None, (flatten(f"{mark}{head}"), *write_body(row))))


def _write_title(row: Row) -> str:
    if found := ITEM_OF.match(row.title):
        return f"#{found[1]}【{found[2]}】{row.title[found.end() :]}"
    if found := POSITION.match(row.title):
        return f"【{found[0].strip()}】{row.title[found.end() :]}"
    return row.title


def write_body(row: Row) -> Iterator[str]:
    """Yield the lines of what stands below a row, to the letter."""
    for part in row.body:
        lines = (*part.lines, part.more) if isinstance(part, Excerpt) else plain(part).splitlines()
        yield from (kept for line in lines for each in line.splitlines() if (kept := keep(each)).strip())


def write_part(card: Card, part: Part) -> list[str]:
    """Return one of the parts that have a variable, in pieces: the first is for the variable, the others find room
    among the items. Of the changes, the first has what is said of them all.
    """
    blocks = [block for section in sections_of(card, part) for block in _write_part(section)]
    if part is Part.CHANGES:
        return [text for block in blocks for text in _fill([block])]
    return _fill(blocks)


def write_rows(card: Card) -> list[str]:
    """Return the texts of the variables of the items, as many as are needed, which may be too many.

    First comes what has changed, and what found no room in the variables of the other parts. An item with contents has
    a text of its own where there are few of them, or else shares it with its neighbours.
    """
    changes, touches = (write_part(card, part)[1:] for part in (Part.CHANGES, Part.TOUCHES))
    sections = [section for section in sections_of(card, Part.CONTENT) if section.rows]
    blocks = [block for section in sections for block in _write_blocks(section, titled=len(sections) > 1)]
    apart = [*changes, *touches, *(text for block in blocks for text in _fill([block]))]
    parts = [text.split("\n") for text in (*changes, *touches)]
    denser = (_fill([*parts, *blocks], limit) for limit in _LINES)
    return next((texts for texts in (apart, *denser) if len(texts) <= len(ROWS)), apart)


def count_listed(card: Card) -> int:
    """Return how many rows a card lists, apart from those that it must show in full, and does."""
    rows = (row for part in (Part.CONTENT, Part.CHANGES) for section in sections_of(card, part) for row in section.rows)
    return sum(row.weight not in MUST_BE_SHOWN or not (row.line or row.body) for row in rows)


def write_votes(card: Card) -> list[str]:
    """Return the lines of the votes."""
    return [line for section in sections_of(card, Part.VOTES) for row in section.rows for line in write_row(row)]


def sections_of(card: Card, part: Part) -> list[Section]:
    """Return the sections of one part."""
    return [section for section in card.sections if section.part is part]


def _write_part(section: Section) -> Iterator[list[str]]:
    """Yield the lines of a part that belong together.

    What a plan touches has its title in the same line. The title of changes stands above what is said of them all, and
    not of one item.
    """
    rows, title = section.rows, flatten(section.title)
    if section.part is Part.CHANGES:
        said = list(takewhile(lambda row: not row.title, rows))
        yield [*filter(None, [title]), *(line for row in said for line in write_row(row))]
        yield from _write_names(rows[len(said) :])
        return
    lines = [line for row in rows for line in write_row(row)]
    if lines:
        yield [f"{title}: {lines[0]}" if title else lines[0], *lines[1:]]


def _write_blocks(section: Section, *, titled: bool) -> Iterator[list[str]]:
    """Yield the lines that belong together: an item with its contents, or some items of one line each."""
    title = [flatten(section.title)] if titled and flatten(section.title) else []
    for is_short, group in groupby(_write_names(section.rows), key=lambda lines: len(lines) == 1):
        rows = list(group)
        step = _LINES[0] if is_short else 1
        for start in range(0, len(rows), step):
            yield title + [line for lines in rows[start : start + step] for line in lines]
            title = []


def _write_names(rows: Sequence[Row]) -> Iterator[list[str]]:
    """Yield the lines of each row that is more than a link. Of many that are in one state, several are in a line."""
    shown = [row for row in rows if row.line or row.body or row.buttons or row.state.word or not row.url]
    for state, group in groupby(shown, key=lambda row: None if row.line or row.body else row.state):
        alike = list(group)
        if state is None or len(alike) <= _MANY:
            yield from filter(None, map(write_row, alike))
            continue
        for start in range(0, len(alike), _IN_LINE):
            names = " · ".join(_write_title(row) for row in alike[start : start + _IN_LINE])
            yield [flatten(f"{state.mark} {state.word} {names}")]


def _fill(blocks: Sequence[Sequence[str]], limit: int = _LINES[-1]) -> list[str]:
    """Return the lines as texts that have room in a variable each; a block stays whole where it can."""
    texts: list[list[str]] = [[]]
    for block in blocks:
        lines = [piece for line in block for piece in _chop(line)]
        if texts[-1] and not _has_room([*texts[-1], *lines], limit):
            texts.append([])
        for line in lines:
            if texts[-1] and not _has_room([*texts[-1], line], limit):
                texts.append([])
            texts[-1].append(line)
    return ["\n".join(lines) for lines in texts if lines]


def _has_room(lines: Sequence[str], limit: int) -> bool:
    return len(lines) <= limit and size("\n".join(lines)) <= MAX_VALUE_BYTES


def _chop(line: str) -> Iterator[str]:
    """Yield a line in pieces that have room in a variable; nothing of it is lost."""
    while size(line) > MAX_VALUE_BYTES:
        piece = line.encode()[:MAX_VALUE_BYTES].decode(errors="ignore")
        yield piece
        line = line[len(piece) :]
    yield line
