"""A page of a list, with the cursor of the next page; and a function that reads all pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list; `next_cursor` is that of the next page, empty at the end."""

    items: Sequence[T]
    next_cursor: str = ""


def read_all(read_page: Callable[[str], Page[T]]) -> Iterator[T]:
    """Yield the items of all pages. `read_page` returns the page of a cursor, the first one for an empty cursor."""
    page = read_page("")
    yield from page.items
    while page.next_cursor:
        page = read_page(page.next_cursor)
        yield from page.items
