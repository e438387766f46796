"""Rich text of plans (HTML of an editor, or Markdown) as plain text for cards."""

from __future__ import annotations

import html
import re

MARKUP = re.compile(
    r"</?(?:p|div|br|span|ul|ol|li|h[1-6]|a|b|strong|i|em|u|s|table|tr|td|th|img|pre|code|blockquote)\b[^>]*>", re.I
)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6]|blockquote|pre)>", re.I)
_BULLET = re.compile(r"<li\b[^>]*>", re.I)
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>', re.S)
"""A link as nh3 writes it."""
SCHEMES = {"http", "https", "mailto"}
"""Where links may lead."""


def to_plain(text: str) -> str:
    """Return the text without markup: paragraphs and list entries keep their lines, links their addresses.

    Markdown is readable as it is.
    """
    if not MARKUP.search(text):
        return text.strip()
    import nh3  # takes 1 ms, once, and 1.5 MB

    lines = _BREAK.sub("\n", _BULLET.sub("• ", text))
    linked = nh3.clean(lines, tags={"a"}, attributes={"a": {"href"}}, link_rel=None, url_schemes=SCHEMES)
    plain = html.unescape(re.sub(r"</?a[^>]*>", "", _LINK.sub(_link, linked)))
    return re.sub(r"\n\s*\n+", "\n", plain).strip()


def _link(found: re.Match[str]) -> str:
    address, words = found[1], found[2].strip()
    return words if words in (address, address.removeprefix("mailto:")) else f"{words} ({address})".strip()
