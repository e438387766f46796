"""Rich text of plans as safe HTML for pages."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt

from bot.richtext import MARKUP, SCHEMES

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")


def to_html(text: str) -> str:
    """Return the text as HTML that cannot run scripts, load pictures or leave its place."""
    rendered = text if MARKUP.search(text) else _markdown.render(text)
    tags = nh3.ALLOWED_TAGS - {"img"}
    return nh3.clean(rendered, tags=tags, link_rel="noopener noreferrer nofollow", url_schemes=SCHEMES)
