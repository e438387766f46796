"""The card of one item, with all that it says, and the card of the items of a plan that somebody looks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bot.cards.buttons import Buttons, emphasize_one, link_to
from bot.cards.items import ItemRows
from bot.cards.naming import title_of, title_of_item
from bot.cards.states import state_of_item, weigh_item
from bot.cards.values import write_workflow
from bot.i18n import Locale
from bot.richtext import to_plain
from core.card import Button, Card, Excerpt, ExcerptKind, Line, Row, Section, join_lines, line
from core.people import Directory
from core.plan import Item, Plan
from core.text import join_names, reveal_invisible

_LINES: Final = 25
"""How many lines of a content are a row, so that what finds no room ends between two rows."""


@dataclass(frozen=True, slots=True)
class ItemCards:
    """Makes cards of the items of one plan for one reader. `public_url` is the address of the console."""

    locale: Locale
    directory: Directory
    public_url: str
    plan: Plan
    reader: str = ""

    def item(self, item: Item) -> Card:
        """Return the card of an item: state, who has it, what it needs, what waits for it, and its contents whole."""
        state = state_of_item(item, weigh_item(self.plan, item), self.locale)
        title = f"{title_of(self.plan)} · {title_of_item(item)}"
        contents = Section(self.locale.text("Contents"), tuple(self._contents(item)))
        card = Card(
            title,
            f"{title}: {state.word}",
            state,
            tuple(each for each in (self._about(item), self._neighbours(item)) if each),
            sections=(contents,) if contents.rows else (),
            buttons=Buttons(self.locale).of_item(self.plan, item),
            foot=(line(self.locale.text("revision {revision}", revision=self.plan.revision)),),
            more=self._open(),
        )
        return emphasize_one(card)

    def found(self, items: Sequence[Item], what: str) -> Card:
        """Return the card of the items that fit what somebody looks for."""
        title, text = title_of(self.plan), self.locale.text("{count} items: {what}", count=len(items), what=what)
        sections = (Section(rows=tuple(map(self._rows.row, items))),)
        return emphasize_one(Card(title, f"{title}: {text}", ask=(line(text),), sections=sections, more=self._open()))

    @property
    def _rows(self) -> ItemRows:
        return ItemRows(self.locale, self.directory, self.plan, reader=self.reader)

    def _about(self, item: Item) -> Line:
        """Return how an item is done, by whom, and what its run says."""
        how = f"{item.workflow} ({item.runner})" if item.type == "workflow" else self.locale.text("by hand")
        run = self.locale.message(item.run.message) if item.run and item.run.message else ""
        who = self.directory.name(item.assignee) if item.assignee else ""
        return join_lines(line(reveal_invisible(part)) for part in (how, who, run, item.remark))

    def _neighbours(self, item: Item) -> Line:
        """Return which items an item needs that are not complete, and which wait for it."""
        needed = join_names(map(title_of_item, self.plan.blockers(item)))
        after = line(self.locale.text("after: {items}", items=needed)) if needed else ()
        return join_lines([after, self._rows.waiting_for(item)])

    def _contents(self, item: Item) -> Iterator[Row]:
        """Yield all that an item says, credentials masked; invisible characters are revealed."""
        if item.type == "text":
            kind, written = ExcerptKind.QUOTE, reveal_invisible(to_plain(str((item.spec or {}).get("content", ""))))
        else:
            kind, written = ExcerptKind.CODE, write_workflow(item.spec or {})
        language = "yaml" if kind is ExcerptKind.CODE else ""
        lines = written.splitlines()
        for start in range(0, len(lines), _LINES):
            yield Row(body=(Excerpt(kind, tuple(lines[start : start + _LINES]), language=language),))

    def _open(self) -> Button:
        return link_to(self.locale.text("Open"), self.public_url, self.plan)
