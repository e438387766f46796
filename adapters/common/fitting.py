"""Fits a card into the room that a vendor's messages have: the rows that a reader needs most get room first.

A row is shown in full, in short (its head alone), or only counted. All rows start counted. Then they grow step by step,
the heaviest first, until a step finds no room, which ends it. So more room never shows less, and no row is smaller than
a lighter one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import IntEnum
from typing import Final

from core.card import Card, Row, Section, Style, Weight, count_hidden

MUST_BE_SHOWN: Final = frozenset({Weight.RISKY, Weight.CHANGED})
"""The weights of rows without whose full contents nobody decides by a button."""
_STAGES: Final = (
    {Weight.BAD, Weight.YOURS},
    {Weight.RISKY},
    {Weight.CHANGED},
    {weight for weight in Weight if weight > Weight.CHANGED},
)
"""The weights whose rows grow together; each stage grows to its full size before the next appears at all."""
_NEXT_STEPS: Final = 3
"""How many rows with buttons grow before the rest of their stage."""


class _Size(IntEnum):
    COUNTED = 0
    SHORT = 1
    FULL = 2


def fit_card(card: Card, fits: Callable[[Card], bool]) -> Card:
    """Return the card with as many rows, as large as the vendor has room for.

    `fits` is the vendor's ruler: whether the request with a card is within its limits. It is asked about a dozen times
    for a card that does not fit as it is. A card that does not fit even without rows is returned without rows.
    """
    if fits(card):
        return card
    steps = _steps(card.rows)
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high + 1) // 2
        if fits(_at(card, steps[:middle])):
            low = middle
        else:
            high = middle - 1
    return _at(card, steps[:low])


def _steps(rows: Sequence[Row]) -> list[int]:
    """Return the indexes of rows in the order in which they grow, each row once to SHORT and then once to FULL.

    All rows that somebody must act on have their heads and buttons before one of them has more. Of the others, the
    first with buttons grow before the rest appears: a list of three hundred has its next steps, too.
    """
    by_weight = sorted(range(len(rows)), key=lambda index: rows[index].weight)
    steps: list[int] = []
    for stage in _STAGES:
        here = [index for index in by_weight if rows[index].weight in stage]
        first = _count_first(rows[index] for index in here)
        steps += 2 * here[:first] + 2 * here[first:]
    return steps


def _count_first(rows: Iterable[Row]) -> int:
    """Return how many rows of a stage grow before the rest of it: up to the last of the first few with buttons."""
    with_buttons = [number for number, row in enumerate(rows, 1) if row.buttons and row.weight > Weight.CHANGED]
    return min(with_buttons[:_NEXT_STEPS][-1], 2 * _NEXT_STEPS) if with_buttons else 0


def _at(card: Card, steps: Sequence[int]) -> Card:
    """Return the card after some steps."""
    sizes = Counter(steps)
    found: list[Section] = []
    start = 0
    for section in card.sections:
        found.append(_shrink(section, [_Size(sizes[start + index]) for index in range(len(section.rows))]))
        start += len(section.rows)
    whole = all(sizes[i] == _Size.FULL for i, row in enumerate(card.rows) if row.weight in MUST_BE_SHOWN)
    shrunk = replace(card, sections=tuple(found))
    return shrunk if whole or card.review is None else _to_review(shrunk)


def _shrink(section: Section, sizes: Sequence[_Size]) -> Section:
    pairs = list(zip(section.rows, sizes, strict=True))
    shown = ((row, size) for row, size in pairs if size is _Size.FULL or (size and row.title))
    rows = (row if size is _Size.FULL else row.short for row, size in shown)
    counted = (row for row, size in pairs if not size and row.title)
    return replace(section, rows=tuple(rows), hidden=count_hidden(section.hidden, counted))


def _to_review(card: Card) -> Card:
    """Return the card with the link to the page in place of the buttons that decide."""
    kept = (button for button in card.buttons if button.style is not Style.PRIMARY)
    return replace(card, buttons=(*((card.review,) if card.review else ()), *kept))
