"""Texts for Feishu: cut to its limits, and escaped for Markdown.

Characters that are invisible or reorder text are removed.
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
    """Return a text without invisible characters, cut with an ellipsis when it is longer than the limit."""
    text = remove_invisible(text).replace("\t", " ").strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + CUT


def escape(text: str, limit: int) -> str:
    """Return one line of Markdown that renders a text literally, without mentions, links, images and emojis."""
    return fit(text, limit).translate(_MARKUP)


def text_content(text: str) -> dict[str, str]:
    """Return the content of a text message, with the markup of mentions escaped and invisible characters removed."""
    return {"text": _MENTION_MARKUP.sub("<\u200b", remove_invisible(text))}
