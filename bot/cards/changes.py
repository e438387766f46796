"""What a revision of a plan changed since another one, as a part of cards: an item a row, long texts by lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.cards.naming import count_more_lines
from bot.cards.places import item_key, name_place
from bot.cards.sentences import FIELDS
from bot.cards.values import compare_lines, is_short, write_in_line
from bot.i18n import Locale
from bot.i18n.labels import N_
from core.card import Body, Code, Excerpt, ExcerptKind, Line, Row, State, Text, Tone, Weight, line
from core.differences import Difference
from core.revisions import Comparison
from core.text import reveal_invisible

_NEW: Final = N_("new")
_REMOVED: Final = N_("removed")
_CHANGED: Final = N_("changed")
_CONTEXT: Final = 1
"""How many lines that are equal stand around those that differ."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The differences of two revisions for one reader. Of each item, at most `limit` lines of long texts are shown."""

    locale: Locale
    comparison: Comparison
    limit: int

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the items that are new or changed."""
        return frozenset(self._by_item()) - {""}

    def rows(self) -> tuple[Row, ...]:
        """Return a row for the plan's own fields, and one for each item that is new, changed or removed, in order."""
        found = self._by_item()
        order = {item["key"]: position for position, item in enumerate(self._items(), 1)}
        return tuple(self._row(key, found[key], order) for key in sorted(found, key=lambda key: _place(key, order)))

    def _by_item(self) -> dict[str, list[Difference]]:
        found: dict[str, list[Difference]] = {}
        for each in self.comparison.differences:
            if each.matters:
                found.setdefault(item_key(each.path), []).append(each)
        return found

    def _items(self) -> Sequence[Any]:
        items: Sequence[Any] = self.comparison.after.get("items", ())
        return items

    def _row(self, key: str, found: Sequence[Difference], order: dict[str, int]) -> Row:
        if key and key not in order:
            old = next(item for item in self.comparison.before["items"] if item["key"] == key)
            return Row(str(old["name"]), Weight.CHANGED, self._state(_REMOVED))
        title = f"{order[key]} {self._items()[order[key] - 1]['name']}" if key else self.locale.text("Plan")
        is_new = any(key and each.path == f"items[{key}]" for each in found)
        return Row(title, Weight.CHANGED, self._state(_NEW if is_new else _CHANGED), body=tuple(self._body(found)))

    def _state(self, word: str) -> State:
        return State(Tone.WAITING, "", self.locale.text(word))

    def _body(self, found: Sequence[Difference]) -> Iterator[Line | Excerpt]:
        """Yield what differs; the lines of long texts end at the limit, after which they are counted."""
        left = self.limit
        for each in found:
            parts = self._parts(each, left)
            left -= sum(len(part.lines) for part in parts if isinstance(part, Excerpt))
            yield from parts

    def _parts(self, each: Difference, left: int) -> Body:
        if each.path == f"items[{item_key(each.path)}]":  # a new item, whose name is in the title
            said = {name: value for name, value in each.after.items() if value and name not in ("key", "name")}
            return (self._excerpt(replace(each, after=said), left),)
        content = self.comparison.after, self.comparison.before
        name = name_place(each.path, *content) or self.locale.text(FIELDS[each.field])
        if each.is_credential:
            return (line(Code(name), " ", self.locale.text("the credential changed")),)
        if is_short(each.before) and is_short(each.after):
            before, after = _span(each.before, struck=True), _span(each.after)
            return (line(Code(name), "\u00a0", before, "\u00a0→\u00a0", after),)
        return line(Code(name)), self._excerpt(each, left)

    def _excerpt(self, each: Difference, limit: int) -> Excerpt:
        lines = [text for text in compare_lines(each.before, each.after, _CONTEXT) if not text.startswith("@@")]
        more = count_more_lines(len(lines) - limit, self.locale)
        return Excerpt(ExcerptKind.DIFF, tuple(lines[:limit]), more)


def _span(value: Any, *, struck: bool = False) -> Text:
    written = reveal_invisible(value) if isinstance(value, str) and value else write_in_line(value)
    return Text(written, strong=not struck, struck=struck and value not in (None, ""))


def _place(key: str, order: dict[str, int]) -> tuple[int, int]:
    """Return where a row stands: the plan first, then the items in their order, and last what was removed."""
    return (0 if not key else 1 if key in order else 2), order.get(key, 0)
