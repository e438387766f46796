"""Rich text of plans (HTML of an editor, or Markdown) as safe HTML for pages and as plain text for cards."""

from __future__ import annotations

import html
import re

import nh3
from markdown_it import MarkdownIt

_MARKUP = re.compile(
    r"</?(?:p|div|br|span|ul|ol|li|h[1-6]|a|b|strong|i|em|u|s|table|tr|td|th|img|pre|code|blockquote)\b[^>]*>", re.I
)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6]|blockquote|pre)>", re.I)
_BULLET = re.compile(r"<li\b[^>]*>", re.I)
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")


def to_html(text: str) -> str:
    """Return the text as HTML that cannot run scripts, load pictures or leave its place."""
    rendered = text if _MARKUP.search(text) else _markdown.render(text)
    tags = nh3.ALLOWED_TAGS - {"img"}
    return nh3.clean(
        rendered, tags=tags, link_rel="noopener noreferrer nofollow", url_schemes={"http", "https", "mailto"}
    )


def to_plain(text: str) -> str:
    """Return the text without markup; paragraphs and list entries keep their lines. Markdown is readable as it is."""
    if not _MARKUP.search(text):
        return text.strip()
    lines = _BREAK.sub("\n", _BULLET.sub("• ", text))
    plain = html.unescape(nh3.clean(lines, tags=set()))
    return re.sub(r"\n\s*\n+", "\n", plain).strip()
