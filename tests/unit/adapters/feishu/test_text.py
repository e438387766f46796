"""What people write: neither Markdown nor messages make anything of it, and it is shown as it was written."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from adapters.feishu.text import CUT, escape, fit, plain, post_content

PIECES = [
    "[批准](https://evil.example/x)", "![](img_key)", "https://evil.example", "www.evil.example", "<at id=all></at>",
    "<b>", "<font color='red'>", "<text_tag color='red'>", "<link url='x'>", "&lt;", "&#42;", "\\", "`", "```", "*",
    "**", "_", "~~", "\n# a", "\n> a", "\n- a", "\n    a", "\n---", "\n1. a", "|a|\n|-|", ":DONE:", "$x$", "a", "发",
    " ", "'", '"',
]  # fmt: skip
HOSTILE = st.text(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_in_markdown_it_is_plain(text: str) -> None:
    reader = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(["linkify", "strikethrough", "table"])
    [_, inline, _] = reader.parse(f"**Label**\na{escape(fit(text, 1000))}a")
    parts = inline.children or []
    assert {part.type for part in parts} <= {"strong_open", "strong_close", "text", "softbreak", "text_special"}
    shown = "".join(part.content for part in parts if part.type != "softbreak")
    assert shown == "Labela" + fit(text, 1000).replace("\n", " ") + "a"


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_in_a_message_it_is_a_text_to_the_letter(text: str) -> None:
    lines = post_content(text)["zh_cn"]["content"]
    assert all(part.keys() == {"tag", "text"} and part["tag"] == "text" for line in lines for part in line)
    shown = "\n".join("".join(part["text"] for part in line) for line in lines)
    written = "\n".join(line for line in plain(text, 5000).split("\n") if line)
    assert shown == written
    assert "://" not in shown


def test_of_urls_in_a_message_only_our_own_is_a_link() -> None:
    own = "https://fabu.example/x"
    [first, second] = post_content(f"[a](https://evil.example)\nb {own}", own)["zh_cn"]["content"]
    assert first == [{"tag": "text", "text": "[a](https:／/evil.example)"}]
    assert second == [{"tag": "text", "text": "b "}, {"tag": "a", "text": own, "href": own}]


def test_a_long_message_is_cut_and_no_url_is_hidden_by_what_is_invisible() -> None:
    [[part]] = post_content("发" * 9000)["zh_cn"]["content"]
    assert part["text"] == "发" * 4999 + CUT
    assert plain("http:/\u200b/evil.example", 100) == "http:／/evil.example"
