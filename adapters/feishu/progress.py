"""The progress of many items: a table with pages, and tiles with how many items are in each state.

Feishu allows tables at the root of a card only, and nothing in them. So the rows that need somebody, have buttons or
more to say stay rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Final

from adapters.feishu.components import Element, markdown
from adapters.feishu.markdown import COLORS, FONT_COLORS, colored, words
from adapters.feishu.text import CUT, fit
from core.card import Body, Card, Excerpt, Line, Row, Section, Show, Tone, Weight, count_hidden, leave_out, plain

MANY: Final = 20
"""How many items a card shows without tiles, and with a row for each of those that are next."""
NEXT: Final = 5
"""How many rows of each weight that are next have buttons on a card with many items; the others are in the table."""
PAGED: Final = 100
"""How many rows of a section are in the table of a card with many items: nobody pages further."""
PAGE: Final = 5  # rows
CELL: Final = 300  # characters
OPTION: Final = 20  # characters of a state in a table
TILES: Final = 6

_NEXT_WEIGHTS: Final = frozenset({Weight.PERSON, Weight.READY, Weight.RUNNING})
_COUNT: Final = re.compile(r"([^\w\s]\S*) ([0-9]+) (.+)")


@dataclass(frozen=True, slots=True)
class Count:
    """How many items are in a state."""

    mark: str
    number: int
    word: str
    tone: Tone

    @property
    def text(self) -> str:
        """The count as a line, such as `❌ 1 failed`."""
        return f"{self.mark} {self.number} {self.word}"


def counts_in(card: Card) -> tuple[list[Count], tuple[Line, ...]]:
    """Return the counts in the first lines of a card, and the other lines.

    Counts are a line that has nothing else, such as `❌ 1 failed · ⏳ 2 running`.
    """
    tones = {row.state.word: row.state.tone for row in card.rows}
    parsed = [(each, _parse_counts(each, tones)) for each in card.ask]
    return [count for _, counts in parsed for count in counts], tuple(each for each, counts in parsed if not counts)


def is_many(card: Card, counts: Sequence[Count]) -> bool:
    """Return whether a card has so many items that their counts stand as tiles."""
    return bool(counts) and max(len(card.rows), sum(each.number for each in counts)) > MANY


def is_open(card: Card) -> bool:
    """Return whether a card shows progress, or what is to do: else what is folded stays so."""
    opened = [section for section in card.sections if not section.folded]
    return any(
        row.title and (section.show is Show.PROGRESS or row.weight <= Weight.LATER)
        for section in opened
        for row in section.rows
    )


def set_aside(card: Card) -> Card:
    """Return a card of many items with only the first of those that are next as rows, and the others in the table."""
    sections: list[Section] = []
    for section in card.sections:
        if section.folded or section.show is not Show.LIST:
            sections.append(section)
            continue
        groups = [list(group) for _, group in groupby(section.rows, lambda row: row.weight)]
        aside = {id(row) for group in groups if group[0].weight in _NEXT_WEIGHTS for row in group[NEXT:]}
        sections.append(replace(section, rows=tuple(row for row in section.rows if id(row) not in aside)))
        rows = tuple(replace(row, buttons=(), body=()) for row in section.rows if id(row) in aside)
        sections += [replace(section, rows=rows, hidden=(), show=Show.PROGRESS)] if rows else []
    return replace(card, sections=tuple(_condense(section, PAGED) for section in sections))


def condense(card: Card) -> Card:
    """Return a card for an app without tables: of a long progress, most of what nobody has to do is counted."""
    return replace(card, sections=tuple(_condense(section, MANY) for section in card.sections))


def _condense(section: Section, limit: int) -> Section:
    idle = [row for row in section.rows if not row.buttons and row.weight > Weight.CHANGED]
    if section.show is not Show.PROGRESS or len(idle) <= limit:
        return section
    return leave_out(section, sorted(idle, key=lambda row: row.weight)[limit:])


def split_sections(sections: Sequence[Section]) -> tuple[list[Section], Section]:
    """Return the sections without what stands in the table, and that as one section, titled as they are."""
    found = [(section, [row for row in section.rows if _is_tabular(section, row)]) for section in sections]
    left = [_without(section, rows) if section.show is Show.PROGRESS else section for section, rows in found]
    titles = dict.fromkeys(section.title for section, rows in found if rows and section.title)
    hidden = (each for section in sections if section.show is Show.PROGRESS for each in section.hidden)
    rows = tuple(row for _, rows in found for row in rows)
    return left, Section(" · ".join(titles), rows, hidden=count_hidden(hidden))


def _without(section: Section, rows: Sequence[Row]) -> Section:
    gone = set(map(id, rows))
    return replace(section, rows=tuple(row for row in section.rows if id(row) not in gone), hidden=())


def _is_tabular(section: Section, row: Row) -> bool:
    """Return whether a row stands in the table: one of a progress that nobody must press or check."""
    return (
        section.show is Show.PROGRESS
        and row.weight > Weight.CHANGED
        and bool(row.title)
        and not row.buttons
        and _is_short(row.body)
    )


def table(section: Section) -> Element:
    """Return the rows of a section as a table, whose first column has its title as a name."""
    rows = list(map(_cells, section.rows))
    columns = [
        {"name": "i", "display_name": fit(section.title, CELL), "data_type": "text", "width": "auto"},
        {"name": "s", "display_name": "", "data_type": "options", "width": "100px"},
        {"name": "w", "display_name": "", "data_type": "text", "width": "auto"},
    ]
    unused = {name for name in "sw" if not any(row[name] for row in rows)}
    return {
        "tag": "table",
        "page_size": PAGE,
        "row_height": "low",
        "header_style": {"background_style": "grey", "bold": True},
        "columns": [column for column in columns if column["name"] not in unused],
        "rows": [{name: cell for name, cell in row.items() if name not in unused} for row in rows],
    }


def tiles(counts: Sequence[Count]) -> Element:
    """Return how many items are in each state, side by side on a grey ground."""
    columns = [
        {
            "tag": "column",
            "elements": [markdown(f"{each.mark} **{each.number}**\n{_in_color(each)}", centered=True)],
            "width": "weighted",
            "weight": 1,
        }
        for each in counts[:TILES]
    ]
    return {"tag": "column_set", "background_style": "grey-50", "columns": columns}


def _in_color(count: Count) -> str:
    return colored(words(count.word, OPTION), FONT_COLORS[count.tone])


def _parse_counts(spans: Line, tones: Mapping[str, Tone]) -> list[Count]:
    parts = [_COUNT.fullmatch(part.strip()) for part in plain(spans).split(" · ")]
    found = [part.groups() for part in parts if part]
    if len(found) < len(parts):
        return []
    return [Count(mark, int(number), word, tones.get(word, Tone.NEUTRAL)) for mark, number, word in found]


def _is_short(body: Body) -> bool:
    return len(body) <= 1 and not any(isinstance(part, Excerpt) for part in body)


def _cells(row: Row) -> dict[str, Any]:
    """Return a row as cells: the item, its state, and the rest of what is said about it."""
    state = fit(row.state.word, OPTION)
    said = [plain(row.line), *(plain(part) for part in row.body if not isinstance(part, Excerpt))]
    return {
        "i": fit(" ".join(filter(None, (row.state.mark, row.title))), CELL) or CUT,
        "s": [{"text": state, "color": COLORS[row.state.tone]}] if state else [],
        "w": fit(" · ".join(filter(None, said)), CELL),
    }
