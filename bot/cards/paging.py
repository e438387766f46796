"""Pages of long lists in chats: which part a card shows, and the commands and buttons that show the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from bot.i18n import Locale
from core.card import SAY, Button, Section, paragraph

T = TypeVar("T")

PAGE_SIZE: Final = 10
"""How many rows with buttons a page has. So many find room in every vendor's messages."""
LOG_PAGE_SIZE: Final = 30
"""How many entries a page of an operation log has."""


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of a list of `total` rows, of which the `wanted` one is shown, or the last if there are fewer.

    `command` shows a page when its number follows, from 1: `list executing`. `size` is how many rows a page has.
    """

    total: int
    wanted: int
    command: str
    size: int = PAGE_SIZE

    @property
    def count(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def number(self) -> int:
        """The page that is shown."""
        return min(max(1, self.wanted), self.count)

    @property
    def skipped(self) -> int:
        """How many rows come before the page."""
        return (self.number - 1) * self.size

    def part(self, rows: Sequence[T]) -> Sequence[T]:
        """Return those of all rows that are on the page."""
        return rows[self.skipped : self.skipped + self.size]


def paging_sections(pages: Pages | None, locale: Locale) -> tuple[Section, ...]:
    """Return the section that names the page and the command for the next one; none for a single page."""
    if pages is None or pages.count == 1:
        return ()
    text = locale.text("Page {number} of {count}.", number=pages.number, count=pages.count)
    if pages.number < pages.count:
        command = f"{pages.command} {pages.number + 1}"
        text = f"{text} {locale.text('`{command}` shows the next page.', command=command)}"
    return (paragraph(text),)


def paging_buttons(pages: Pages | None, locale: Locale) -> tuple[Button, ...]:
    """Return the buttons that lead to the pages before and after, as far as there are any."""
    if pages is None:
        return ()
    neighbours = ((pages.number - 1, locale.text("Previous page")), (pages.number + 1, locale.text("Next page")))
    return tuple(
        Button(SAY, label, f"{pages.command} {number}") for number, label in neighbours if 1 <= number <= pages.count
    )
