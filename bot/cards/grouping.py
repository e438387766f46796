"""Groups of rows of one kind, target and state: `2–49 48 workflows`, with three examples.

What runs a script or a statement is never in a group: nobody would see it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from bot.cards.naming import name_positions
from bot.i18n import Locale
from core.card import Excerpt, Line, Row, Weight, join_lines, line
from core.plan import Item
from core.text import join_names

_MORE_THAN: Final = 20
"""How many rows of one kind, target and state stand alone."""
_EXAMPLES: Final = 3
_ALONE: Final = frozenset({Weight.BAD, Weight.YOURS, Weight.RISKY, Weight.CHANGED, Weight.PERSON, Weight.READY})
"""The weights of rows that are never grouped."""


def group_rows(rows: Sequence[tuple[Item, Row]], target: Callable[[Item], str], locale: Locale) -> tuple[Row, ...]:
    """Return the rows, those of one kind, target and state as one row if there are more than 20 of them.

    A group stands where its first row stood.
    """
    groups: dict[tuple[object, ...], list[tuple[Item, Row]]] = defaultdict(list)
    for item, row in rows:
        alone = item.id if _stands_alone(row) else ""
        groups[alone, row.weight, row.state, item.type, target(item)].append((item, row))
    heads = {id(group[0][1]): group for group in groups.values() if len(group) > _MORE_THAN}
    members = {id(row) for group in heads.values() for _, row in group}
    found: list[Row] = []
    for _, row in rows:
        if group := heads.get(id(row)):
            found.append(_group(group, target(group[0][0]), locale))
        elif id(row) not in members:
            found.append(row)
    return tuple(found)


def _stands_alone(row: Row) -> bool:
    """Return whether a row is never grouped: somebody has to look at it, or at the lines that it runs."""
    return row.weight in _ALONE or any(isinstance(part, Excerpt) for part in row.body)


def _group(group: Sequence[tuple[Item, Row]], target: str, locale: Locale) -> Row:
    """Return the row of a group: which items and how many, where they run, and the first three."""
    first, row = group[0]
    positions, count = name_positions(item.position for item, _ in group), len(group)
    if first.type == "text":
        title = locale.text("{positions} {count} steps by hand", positions=positions, count=count)
    else:
        title = locale.text("{positions} {count} workflows", positions=positions, count=count)
    return Row(title, row.weight, row.state, _examples([item for item, _ in group], target))


def _examples(items: Sequence[Item], target: str) -> Line:
    return join_lines([line(target), line(join_names((item.name for item in items), _EXAMPLES))])
