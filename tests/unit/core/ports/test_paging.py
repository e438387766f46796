"""Reading all pages of a list."""

from __future__ import annotations

from core.ports.paging import Page, read_all

PAGES = {"": Page((1, 2), "second"), "second": Page((), "third"), "third": Page((3,))}


def test_all_pages_are_read_in_order_and_each_once() -> None:
    cursors = []

    def read_page(cursor: str) -> Page[int]:
        cursors.append(cursor)
        return PAGES[cursor]

    assert list(read_all(read_page)) == [1, 2, 3]
    assert cursors == ["", "second", "third"]
