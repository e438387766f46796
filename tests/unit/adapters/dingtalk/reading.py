"""Hostile texts, and how renderers of markdown read them: DingTalk does not document its own."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import markdown2
from hypothesis import strategies as st
from markdown_it import MarkdownIt

CONSTRUCTS = [
    "[批准](https://evil.example/x)", "[a] (https://evil.example)", "![](https://evil.example/x.png)", "[a][b]",
    "[b]:", "[b]: https://evil.example", "<https://evil.example>", "https://evil.example/x", "www.evil.example",
    "evil.example/x", "HTTP://evil.example", "//evil.example/x", "mailto:a@evil.example", "a@evil.example",
    "dtmd://x", "<b>", "</b>", "<font color=red>", '<a atId="1">', "<!--", "&lt;", "&#42;", "&amp;", "@all",
    "@13800000000", "\\", "`", "```", "*", "**", "_", "__", "~~", "#", "# a", ">", "> a", "- a", "+ a", "---",
    "===", "1. a", "1) a", "|", "|a|\n|-|", "[", "]", "(", ")", "!", " ", "\n", "\n\n", "\u202e", "\u200b",
    "\ud800", "\x00", "a", "shop_main", "发", "😀", "“", "'", '"',
]  # fmt: skip
HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text("发布支付服务，。！\n", max_size=40).map(lambda text: text * 40),
    st.lists(st.sampled_from(CONSTRUCTS), max_size=12).map("".join),
)


def _reader(*without: str, linkify: bool = True) -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": True, "linkify": linkify})
    if reader.linkify:
        reader.linkify.set({"fuzzy_link": False})  # it takes every name with two letters behind its dot for a host
    return reader.enable(["strikethrough", "table", *(["linkify"] if linkify else [])]).disable(list(without))


READERS = st.sampled_from([_reader(), _reader(linkify=False), _reader("escape"), _reader("escape", "entity")])
"""Renderers that know escapes by backslashes and entities, or do not, and that make links of URLs, or do not."""


def markup(reader: MarkdownIt, text: str) -> tuple[set[str], set[str]]:
    """Return the kinds of things that a renderer makes of markdown, and where its links lead."""
    tokens = [token for block in reader.parse(text) for token in (block, *(block.children or ()))]
    links = {str(token.attrs.get("href", token.attrs.get("src"))) for token in tokens if token.attrs}
    return {token.type for token in tokens}, links


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def page(html: str) -> tuple[set[str], str]:
    """Return the tags of a page and its text, in one line."""
    parser = _Page()
    parser.feed(html)
    parser.close()
    return parser.tags, " ".join(parser.text.split())


def classic(text: str) -> tuple[set[str], str]:
    """Return the tags and the text that a renderer in the manner of the first Markdown makes of markdown.

    It has emphasis within words, and links over a space.
    """
    return page(str(markdown2.markdown(text, extras=["strike", "fenced-code-blocks", "tables"])))


def look_alike(text: str) -> str:
    """Return a text with the characters of full width in ASCII, in one line."""
    narrow = re.sub("[！-～]", lambda found: chr(ord(found[0]) - 0xFEE0), text)
    return " ".join(narrow.split())
