"""Rich text of plans (HTML of an editor, or Markdown): as plain text for cards, and as safe HTML for pages.

Its libraries are loaded where they are used: a server without rich text does without them.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_MARKUP = re.compile(
    r"</?(?:p|div|br|span|ul|ol|li|h[1-6]|a|b|strong|i|em|u|s|table|tr|td|th|img|pre|code|blockquote)\b[^>]*>", re.I
)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6]|blockquote|pre)>", re.I)
_BULLET = re.compile(r"<li\b[^>]*>", re.I)
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.S)
"""A link as nh3 writes it."""
_SCHEMES = {"http", "https", "mailto"}
"""The schemes that links may have."""


def to_plain(text: str) -> str:
    """Return a text without HTML: paragraphs and list entries stay lines, and links keep their addresses.

    Markdown stays as it is, for it is readable.
    """
    if not _MARKUP.search(text):
        return text.strip()
    import nh3  # takes 1 ms, once, and 1.5 MB

    lines = _BREAK.sub("\n", _BULLET.sub("• ", text))
    linked = nh3.clean(lines, tags={"a"}, attributes={"a": {"href"}}, link_rel=None, url_schemes=_SCHEMES)
    plain = html.unescape(re.sub(r"</?a[^>]*>", "", _LINK.sub(_link, linked)))
    return re.sub(r"\n\s*\n+", "\n", plain).strip()


def _link(found: re.Match[str]) -> str:
    address, text = found[1], found[2].strip()
    return text if text in (address, address.removeprefix("mailto:")) else f"{text} ({address})".strip()


def to_html(text: str) -> str:
    """Return a text as HTML that cannot run scripts, load pictures or leave its place in a page."""
    import nh3

    rendered = text if _MARKUP.search(text) else markdown().render(text)
    tags = nh3.ALLOWED_TAGS - {"img"}
    return nh3.clean(rendered, tags=tags, link_rel="noopener noreferrer nofollow", url_schemes=_SCHEMES)


@cache
def markdown() -> MarkdownIt:
    """Return the parser of Markdown. The first call takes 15 ms."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
