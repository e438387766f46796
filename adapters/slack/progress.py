"""The progress of a plan under way: which rows of a card are part of it, and what shows them.

That is a `plan` of tasks, or a `data_table` where they are many. Nothing can be pressed in either, so rows that need
somebody stay rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from adapters.slack.components import note, row_list, row_text, web_address
from adapters.slack.newest import TABLE_CHARACTERS, TABLE_ROWS, TASKS, TITLE
from adapters.slack.text import EMPTY, JSON, cut, flatten
from core.card import Card, Row, Section, Show, Weight, count_hidden, leave_out, plain

_MANY: Final = 20  # rows of a card, from which on not all that can be executed have buttons
_NEXT: Final = 5  # rows of each weight that have
_NEXT_WEIGHTS: Final = frozenset({Weight.PERSON, Weight.READY})
_OF_ITEMS: Final = frozenset({*_NEXT_WEIGHTS, Weight.RUNNING, Weight.LATER, Weight.DONE})
_CELL: Final = 70  # characters of the title of a row in a table
_STATE: Final = 20  # characters of a state in a table
_STATUSES: Final = {Weight.BAD: "error", Weight.RUNNING: "in_progress", Weight.DONE: "complete"}
"""The statuses of tasks by the weights of their rows; other tasks are pending."""
_DETAILS: Final = 50  # rows in the details of a task


def set_aside(card: Card) -> Card:
    """Return the card of a plan under way with what is running as part of the progress, which needs nobody.

    Of many rows, only the first of those that can be executed stay rows with buttons: the picker offers what the others
    do.
    """
    if not _shows_progress(card) and card.picker is None:
        return card
    most = _NEXT if card.picker and len(card.rows) > _MANY else len(card.rows)
    return replace(card, sections=tuple(part for section in card.sections for part in _split_next(section, most)))


def list_few(card: Card) -> Card:
    """Return the card of many rows for a workspace that refuses tables: most of what needs nobody is counted.

    As in a table, only the first of the rows that can be executed have buttons. A card without such rows is about what
    will run, of which nothing is left out here.
    """
    if card.picker is None or len(card.rows) <= _MANY or not any(row.buttons for row in card.rows):
        return card
    far = {id(row) for section in card.sections for row in _find_far(section.rows, _NEXT)}
    card = card.with_rows(lambda row: replace(row, buttons=(), body=()) if id(row) in far else row)
    idle = sorted(
        (row for row in card.rows if _only_tells(row) and row.weight in _OF_ITEMS), key=lambda row: row.weight
    )
    return replace(card, sections=tuple(leave_out(section, idle[_MANY:]) for section in card.sections))


def _split_next(section: Section, most: int) -> Iterator[Section]:
    """Yield a section, and the rows of it that are part of the progress."""
    aside = [] if section.folded or section.show is not Show.LIST else list(_find_far(section.rows, most))
    ids = set(map(id, aside))
    yield replace(section, rows=tuple(row for row in section.rows if id(row) not in ids)) if aside else section
    if aside:
        title = " · ".join(dict.fromkeys(row.state.word for row in aside if row.state.word))
        rows = tuple(replace(row, buttons=(), body=()) for row in aside)
        yield replace(section, title=title, rows=rows, show=Show.PROGRESS, hidden=())


def _find_far(rows: Iterable[Row], most: int) -> Iterator[Row]:
    seen: Counter[Weight] = Counter()
    for row in rows:
        seen[row.weight] += 1
        runs = row.weight is Weight.RUNNING and _only_tells(row)
        if runs or (row.weight in _NEXT_WEIGHTS and seen[row.weight] > most):
            yield row


def _shows_progress(card: Card) -> bool:
    """Return whether a card says how far something has come, and is not closed as a whole."""
    is_open = any(not section.folded for section in card.sections)
    return is_open and any(section.show is Show.PROGRESS for section in card.sections)


class Progress:
    """The rows of a card that only say how far it has come, in one `plan`, or a `data_table` where they are many.

    A card that is closed as a whole has none. Whether its rows are many is decided by the whole card, before rows are
    left out to find room.
    """

    def __init__(self, card: Card) -> None:
        self.exists = _shows_progress(card)
        self._many = len(list(_tasks(self._split(card.sections)[1]))) > TASKS

    def limit(self, card: Card) -> Card:
        """Return the card without the lightest of the rows for which there is no room, which are counted."""
        parts = self._split(card.sections)[1]
        if self._many:
            rows = sorted((row for part in parts for row in part.rows), key=lambda row: row.weight)[TABLE_ROWS:]
        else:
            rows = [row for part in parts if part.folded for row in part.rows[_DETAILS:]]
        return replace(card, sections=tuple(leave_out(section, rows) for section in card.sections))

    def split(self, sections: Sequence[Section]) -> list[tuple[Section, list[JSON]]]:
        """Return the sections without these rows, each with the blocks below it: the progress below the first."""
        others, parts = self._split(sections)
        shown = [part for part in parts if part.rows]
        blocks = [self._block(shown)] if shown else []
        rest = Section(hidden=count_hidden(each for part in parts for each in part.hidden)).rest
        blocks += [note(rest)] if rest else []
        first = next((section for section in sections if section.show is Show.PROGRESS), None)
        return [(other, blocks if section is first else []) for section, other in zip(sections, others, strict=True)]

    def _split(self, sections: Sequence[Section]) -> tuple[list[Section], list[Section]]:
        """Return the sections without the rows of the progress, and the parts of the progress."""
        others: list[Section] = []
        parts: list[Section] = []
        for section in sections:
            if not self.exists or section.show is not Show.PROGRESS:
                others.append(section)
                continue
            told = tuple(row for row in section.rows if _only_tells(row))
            parts.append(replace(section, rows=told))
            others.append(replace(section, rows=tuple(row for row in section.rows if not _only_tells(row)), hidden=()))
        return others, parts

    def _block(self, parts: Sequence[Section]) -> JSON:
        title = cut(flatten(" · ".join(part.title for part in parts if part.title)), TITLE) or EMPTY
        if self._many:
            return _table(title, parts)
        return {"type": "plan", "title": title, "tasks": list(_tasks(parts))}


def _only_tells(row: Row) -> bool:
    """Return whether there is nothing to press, to check or to read below a row."""
    return bool(flatten(row.title)) and not row.buttons and not row.body and row.weight > Weight.CHANGED


def _tasks(parts: Iterable[Section]) -> Iterator[JSON]:
    """Yield a task for each row; several rows of a folded section are the details of a single task."""
    number = 0
    for part in parts:
        if part.folded and len(part.rows) > 1:
            number += 1
            lightest = max(row.weight for row in part.rows)
            details = {"type": "rich_text", "elements": [row_list(part.rows)]}
            yield _task(number, part.title or part.rows[0].state.word, lightest) | {"details": details}
            continue
        for row in part.rows:
            number += 1
            url = web_address(row.url)
            sources = {"sources": [{"type": "url", "url": url, "text": "↗"}]} if url else {}
            yield _task(number, row_text(row), row.weight) | sources


def _task(number: int, title: str, weight: Weight) -> JSON:
    return {
        "type": "task_card",
        "task_id": f"t{number}",
        "title": cut(flatten(title), TITLE) or EMPTY,
        "status": _STATUSES.get(weight, "pending"),
    }


def _table(caption: str, parts: Sequence[Section]) -> JSON:
    """Return a table of rows: what each is about, its state, and as much of the rest as all of them have room for."""
    names = next((part.columns for part in parts if part.columns), ()) or (EMPTY,) * 3
    rows = [row for part in parts for row in part.rows]
    heads = [
        (cut(flatten(row.title), _CELL), cut(flatten(f"{row.state.mark} {row.state.word}"), _STATE)) for row in rows
    ]
    header = [cut(flatten(name), _STATE) or EMPTY for name in names]
    taken = sum(map(len, header)) + sum(len(title) + max(len(state), 1) for title, state in heads)
    width = (TABLE_CHARACTERS - taken) // len(rows)
    cells = [
        (title, state or EMPTY, cut(flatten(plain(row.line)), width) or EMPTY)
        for (title, state), row in zip(heads, rows, strict=True)
    ]
    return {
        "type": "data_table",
        "caption": caption,
        "page_size": 5,
        "row_header_column_index": 0,
        "rows": [[{"type": "raw_text", "text": text} for text in each] for each in [header, *cells]],
    }
