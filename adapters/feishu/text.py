"""Texts for Feishu: cut to its limits, escaped for Markdown, and as messages.

Characters that are invisible or reorder text are removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from adapters.common.links import break_links
from core.text import remove_invisible

CUT: Final = "…"
POST: Final = 5000  # characters of a message, whose request may have 30 KB

_MARKUP: Final = str.maketrans(
    {"\n": " "} | {character: f"&#{ord(character)};" for character in "&<>*~_[]()#:!`$-+\\/\"'|.@="}
)


def fit(text: str, limit: int) -> str:
    """Return a text without invisible characters, cut with an ellipsis when it is longer than the limit."""
    text = remove_invisible(text).replace("\t", " ").strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + CUT


def escape(text: str) -> str:
    """Return one line of Markdown that renders a text literally, without mentions, links, images and emojis."""
    return remove_invisible(text).replace("\t", " ").translate(_MARKUP)


def plain(text: str, limit: int) -> str:
    """Return a text for what has no markup, but in which Feishu makes links of URLs."""
    return fit(break_links(remove_invisible(text)), limit)


def post_content(text: str, link: str = "", mentioned: Sequence[str] = ()) -> dict[str, Any]:
    """Return a text as the content of a message of type `post`, whose parts are rendered literally.

    In the type `text`, Feishu reads `<at>`, `<b>` and `[a](https://b)` in it. The URL `link` in it is the only link.
    The users with the open_ids in `mentioned` are notified; they are named after the text.
    """
    pieces = fit(text, POST).split(link) if link else [fit(text, POST)]
    lines: list[list[dict[str, str]]] = [[]]
    for number, piece in enumerate(pieces):
        lines[-1] += [{"tag": "a", "text": link, "href": link}] if number else []
        first, *others = break_links(piece).split("\n")
        lines[-1] += [{"tag": "text", "text": first}] if first else []
        lines += [[{"tag": "text", "text": line}] for line in others if line]
    for user in mentioned:
        lines[-1] += [{"tag": "text", "text": " "}, {"tag": "at", "user_id": user}]
    return {"zh_cn": {"title": "", "content": lines}}
