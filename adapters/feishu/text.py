"""Text that is safe to show: cut to its limit, and escaped where Markdown is read.

Characters that cannot be seen, or that turn the order of reading around, are left out.
"""

from __future__ import annotations

import re
from typing import Final

from core.text import remove_invisible

CUT: Final = "…"

_MARKUP: Final = str.maketrans(
    {"\n": " "} | {character: f"&#{ord(character)};" for character in "&<>*~_[]()#:!`$-+\\/\"'|"}
)
_MENTION_MARKUP = re.compile(r"<(?=/?at\b)", re.IGNORECASE)


def fit(text: str, limit: int) -> str:
    """Return a text of people as it may be shown, cut with an ellipsis when it is longer than the limit."""
    text = remove_invisible(text).replace("\t", " ").strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + CUT


def escape(text: str, limit: int) -> str:
    """Return a text as one line of Markdown that shows it literally: no mention, link, image or emoji comes of it."""
    return fit(text, limit).translate(_MARKUP)


def unmentioning(text: str) -> dict[str, str]:
    """Return the content of a text message in which no markup mentions anybody, and no character is invisible."""
    return {"text": _MENTION_MARKUP.sub("<\u200b", remove_invisible(text))}
