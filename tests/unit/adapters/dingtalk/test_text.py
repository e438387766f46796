"""What people write: no renderer of markdown makes anything of it, and it is shown as it was written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.dingtalk.text import (
    cut,
    escape,
    escape_code,
    escape_inside,
    escape_paragraph,
    escape_title,
    flatten,
    format_link,
    plain,
    size,
)

from .reading import HOSTILE, READERS, classic, look_alike, markup, page

PLAIN = {"inline", "paragraph_close", "paragraph_open", "text"}


def read(reader: MarkdownIt, markdown: str) -> str:
    """Return the text that a renderer shows."""
    return page(reader.render(markdown))[1]


@settings(max_examples=100, deadline=None)
@given(HOSTILE, READERS)
def test_in_a_line_it_is_plain_and_says_what_was_written(text: str, reader: MarkdownIt) -> None:
    shown = f"• {escape(text)}"
    kinds, links = markup(reader, shown)
    assert (kinds, links) == (PLAIN, set())
    assert look_alike(read(reader, shown)) == look_alike(f"• {flatten(text)}")


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_in_a_line_it_is_plain_where_words_may_have_emphasis_inside(text: str) -> None:
    tags, shown = classic(f"• {escape(text)}")
    assert tags == {"p"}
    assert look_alike(shown) == look_alike(f"• {flatten(text)}")


@settings(max_examples=100, deadline=None)
@given(HOSTILE, READERS)
def test_as_a_paragraph_it_is_plain(text: str, reader: MarkdownIt) -> None:
    shown = escape_paragraph(text)
    kinds, links = markup(reader, shown)
    assert kinds <= PLAIN
    assert links == set()
    assert look_alike(read(reader, shown)) == look_alike(flatten(text))
    assert classic(shown)[0] <= {"p"}


@settings(max_examples=60, deadline=None)
@given(HOSTILE, READERS)
def test_in_a_heading_it_is_plain(text: str, reader: MarkdownIt) -> None:
    shown = f"### #1 {escape_title(text)}"
    kinds, links = markup(reader, shown)
    assert (kinds, links) == ({"heading_open", "heading_close", "inline", "text"}, set())
    assert look_alike(read(reader, shown)) == look_alike(f"#1 {flatten(text)}")
    assert classic(shown)[0] == {"h3"}


@settings(max_examples=60, deadline=None)
@given(HOSTILE, READERS)
def test_inside_bold_and_in_a_link_it_is_plain(text: str, reader: MarkdownIt) -> None:
    kinds, links = markup(reader, f"**a {escape_inside(text)} b** [{escape_inside(text)}](https://fabu.example)")
    assert kinds <= PLAIN | {"strong_open", "strong_close", "link_open", "link_close"}
    assert links == {"https://fabu.example"}


@settings(max_examples=60, deadline=None)
@given(HOSTILE, READERS)
def test_between_backticks_it_is_code_alone(text: str, reader: MarkdownIt) -> None:
    kinds, links = markup(reader, f"a `approve {escape_code(text)}!` b")
    assert (kinds, links) == (PLAIN | {"code_inline"}, set())


@settings(max_examples=60, deadline=None)
@given(HOSTILE, st.integers(4, 60), READERS)
def test_what_is_cut_is_plain_and_fits(text: str, limit: int, reader: MarkdownIt) -> None:
    shown = cut(escape(text), limit)
    assert size(shown) <= limit
    assert markup(reader, f"• {shown}") == (PLAIN, set())


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[Approve here](https://evil.example/x)", "［Approve here］(https:／/evil．example/x)"),
        ("shop_main", "shop_main"),
        ("shop_main, shop_log", "shop＿main, shop＿log"),
        ("2 * 3 * 4 < 5 & more [prod] #7", "2 * 3 * 4 < 5 & more [prod] #7"),
        ("*urgent*", "＊urgent＊"),
        (r"C:\temp", r"C:\temp"),
        (r"\[a\]", r"＼[a＼]"),
        ("<b>now</b> @all &lt;", "＜b＞now＜/b＞ ＠all ＆lt;"),
        ("`rm`\nDTMD://z", "｀rm｀ DTMD：／/z"),
        ("mail bob@example.com", "mail bob＠example．com"),
        ("see evil.com, a.com.cn; Evil.IO", "see evil．com, a．com．cn; Evil．IO"),
        ("deploy.sh v2.4.1 at 18:00", "deploy.sh v2.4.1 at 18:00"),
    ],
)
def test_only_what_would_be_markup_is_replaced(written: str, shown: str) -> None:
    assert escape(written) == shown


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://ci.example/a_b?x=1&y=%20#z", "https://ci.example/a_b?x=1&y=%20#z"),
        (
            "https://ci.example/x)[evil](https://evil.example",
            "https://ci.example/x%29%5Bevil%5D%28https://evil.example",
        ),
        ("javascript:alert(1)", ""),
    ],
)
def test_a_link_leads_where_it_should(url: str, address: str) -> None:
    assert format_link("run", url) == (f"[run]({address})" if address else "run")


def test_of_urls_in_a_text_message_only_our_own_stays_one() -> None:
    own = "https://fabu.example/sign-in/x"
    text = f"{own} not https://fabu.example@evil.example/sign-in or {own}"
    assert plain(text, own) == f"{own} not https:／/fabu.example＠evil．example/sign-in or {own}"
    assert "https://" not in plain(text)
