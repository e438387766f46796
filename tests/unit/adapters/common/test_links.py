"""Links that chats make of plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linkify_it import LinkifyIt

from adapters.common.links import break_links

PIECES = ["https:", "http:", "HTTP:", "//", "/", "www.", "evil", ".", "com", "example", ":80", "@", "mailto:", "a", " ",
          "见", "?x=1", "#y", "ftp:", "dtmd:", "(", ")", "[::1]", "-", "_"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_links_are_found(text: str) -> None:
    finder = LinkifyIt(options={"fuzzy_link": False, "fuzzy_email": True})
    assert finder.match(break_links(text)) is None


@pytest.mark.parametrize(
    "text", ["a/b and c:d", "deploy.sh 2.4.1, e.g. shop_main", "at 18:00", "// a comment", "5 @ 3", "hotel:5", "“x”: y"]
)
def test_what_is_no_link_stays(text: str) -> None:
    assert break_links(text) == text


def test_our_own_link_stays() -> None:
    own = "https://fabu.example/sign-in/x"
    assert break_links(f"{own}, not https://fabu.example", own) == f"{own}, not https:／/fabu.example"
