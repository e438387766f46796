"""Lines and excerpts as Markdown: code stays to the letter, and nothing that people write becomes markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.feishu.markdown import block, inline, is_web_address, tag, words
from core.card import Code, Excerpt, ExcerptKind, Line, Link, State, Text, Tone, line
from core.text import reveal_invisible

from .test_text import HOSTILE

READER = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(["linkify", "strikethrough", "table"])
SPANS = st.one_of(
    st.builds(Text, HOSTILE, st.booleans(), st.booleans()),
    st.builds(Code, HOSTILE),
    st.builds(
        Link, HOSTILE, st.sampled_from(["https://fabu.example/a_(b)?c=d*", "javascript:alert(1)", "https://x y'\n"])
    ),
)
MARKS = {"strong_open", "strong_close", "s_open", "s_close", "link_open", "link_close"}
WORDS = {"text", "text_special", "code_inline"}


@settings(max_examples=200, deadline=None)
@given(st.lists(SPANS, max_size=6).map(tuple))
def test_a_line_is_one_paragraph_without_markup_of_people(spans: Line) -> None:
    content = inline(spans, 10_000)
    tokens = READER.parse(content)
    assert [token.type for token in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"])
    parts = tokens[1].children or [] if tokens else []
    assert {part.type for part in parts} <= MARKS | WORDS
    assert all(str(part.attrGet("href")).startswith("https://") for part in parts if part.type == "link_open")
    assert not re.search("<[A-Za-z/!?]", content)
    shown = "".join(part.content for part in parts if part.type in WORDS)
    assert "*" not in shown or any("*" in span.text for span in spans), "emphasis is never seen as stars"


@settings(max_examples=200, deadline=None)
@given(st.lists(HOSTILE, max_size=5).map(tuple), st.sampled_from(ExcerptKind), st.sampled_from(["", "sql", "a`\nb"]))
def test_nothing_in_an_excerpt_ends_it_or_is_markup(lines: tuple[str, ...], kind: ExcerptKind, language: str) -> None:
    content = block(Excerpt(kind, lines, language=language))
    tokens = READER.parse(content)
    assert {token.type for token in tokens} <= {"fence", "paragraph_open", "inline", "paragraph_close"}
    fences = [token for token in tokens if token.type == "fence"]
    if fences:
        assert len(tokens) == 1
        expected = [reveal_invisible(one).replace("\t", "    ").replace("\n", " ").rstrip() for one in lines]
        assert fences[0].content == "\n".join(expected) + "\n"
        assert "<at" not in fences[0].content
    else:
        parts = [part for token in tokens for part in token.children or []]
        assert {part.type for part in parts} <= {"text", "text_special", "softbreak"}


def test_code_is_shown_to_the_letter() -> None:
    assert inline((Code("shop_main"), Text(" is "), Code("a*b*[c](d)")), 100) == "`shop_main` is `a*b*[c](d)`"
    sql = Excerpt(ExcerptKind.CODE, ("DELETE FROM shop_main;", "  -- all"), "+4 lines", "sql")
    assert block(sql) == "```sql\nDELETE FROM shop_main;\n  -- all\n```\n<font color='grey'>&#43;4 lines</font>"


@pytest.mark.parametrize("text", ["<at id=all></at>", "a`b", "&lt;", ":DONE:"])
def test_code_that_feishu_could_read_as_markup_is_escaped(text: str) -> None:
    content = inline((Code(text),), 100)
    assert not any(sign in content for sign in ("`", "<", ":"))


@pytest.mark.parametrize("text", ["```", "   ```\n# x", "~~~", "<at id=all></at>", "&lt;at&gt;"])
def test_an_excerpt_that_could_end_its_fence_is_escaped(text: str) -> None:
    content = block(Excerpt(ExcerptKind.CODE, ("a", text), language="bash"))
    assert not any(sign in content for sign in ("```", "~~~", "<", "\n#"))


def test_what_is_invisible_in_code_is_revealed() -> None:
    assert "⟨U+202E⟩" in block(Excerpt(ExcerptKind.CODE, ("rm \u202ex",)))
    assert "⟨U+200B⟩" in inline((Code("a\u200bb"),), 100)


def test_a_difference_is_marked_as_one() -> None:
    assert block(Excerpt(ExcerptKind.DIFF, ("-a", "+b"))) == "```diff\n-a\n+b\n```"


def test_emphasis_is_where_markdown_sees_it() -> None:
    assert words("#1 (two)", 100, strong=True) == "**&#35;1 &#40;two&#41;**"
    assert inline(line("2.4.0 → ", Text("2.4.1", strong=True)), 100) == "2&#46;4&#46;0 → **2&#46;4&#46;1**"
    assert "*" not in inline(line("执行", Text("(x)", strong=True), "吗"), 100)
    assert inline((Text("a", strong=True), Text("b", strong=True)), 100) == "**ab**"
    assert inline((Text("old", struck=True),), 100) == "~~old~~"


def test_a_line_is_cut_at_its_limit() -> None:
    assert inline((Code("abc"), Text("defghi")), 6) == "`abc`de…"


def test_a_state_is_a_word_in_its_colour() -> None:
    assert tag(State(Tone.BAD, "❌", "failed"), 60) == "<text_tag color='red'>failed</text_tag>"
    assert tag(State(Tone.BAD, "❌"), 60) == ""


@pytest.mark.parametrize(
    ("url", "opens"), [("https://a.example", True), ("javascript:x", False), ("https://" + "a" * 2000, False)]
)
def test_only_web_addresses_of_a_sane_length_are_opened(url: str, opens: bool) -> None:
    assert is_web_address(url) is opens
