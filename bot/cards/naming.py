"""What plans, items and people are called on cards, everywhere the same."""

from __future__ import annotations

from collections.abc import Iterable

from bot.i18n import Locale
from core.plan import Item, Plan
from core.text import NAMES


def title_of(plan: Plan) -> str:
    """Return what a plan is called: `#128 Shop`."""
    return f"#{plan.number} {plan.name}"


def title_of_item(item: Item) -> str:
    """Return what an item is called: `7 Smoke test`."""
    return f"{item.position} {item.name}"


def count_more_lines(count: int, locale: Locale) -> str:
    """Return that there are more lines than those shown; empty if there are none."""
    if count <= 0:
        return ""
    return locale.text("+1 line") if count == 1 else locale.text("+{count} lines", count=count)


def shorten(text: str, limit: int) -> str:
    """Return the text; cut and with an ellipsis when it has more characters than the limit."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def name_positions(positions: Iterable[int]) -> str:
    """Return positions of items in short: `2–49, 51`; those with many gaps as `2…99`."""
    ranges: list[list[int]] = []
    for position in sorted(positions):
        if ranges and position == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], position]
        else:
            ranges.append([position])
    if len(ranges) > NAMES:
        return f"{ranges[0][0]}…{ranges[-1][-1]}"
    return ", ".join("–".join(map(str, each)) for each in ranges)
