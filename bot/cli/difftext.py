"""The differences of two versions of a plan as text for the terminal: short values in a line, long ones by lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.cards.values import compare_lines, is_short, write_in_line
from core.differences import Difference
from core.text import reveal_invisible


def format_differences(found: Iterable[Difference]) -> str:
    """Return each difference that matters as `path: before → after`, or as the lines that differ; nothing is cut off.

    Invisible characters are revealed.
    """
    return "\n".join(line for each in found if each.matters for line in _lines(each))


def _lines(each: Difference) -> Iterator[str]:
    path = reveal_invisible(each.path)
    if each.is_credential:
        yield f"  {path}: the credential changed"
    elif is_short(each.before) and is_short(each.after):
        yield f"  {path}: {write_in_line(each.before)} → {write_in_line(each.after)}"
    else:
        yield f"  {path}:"
        yield from (f"    {line}" for line in compare_lines(each.before, each.after))
