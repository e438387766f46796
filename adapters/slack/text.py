"""Text that is safe to show. Slack docs: messaging/formatting-message-text, reference/block-kit (text objects).

Texts of others are shown as `plain_text`, where nothing is markup. Where mrkdwn is needed they are escaped, so that
no `<!channel>`, `<@U1>` or `<https://evil|Approve>` comes alive.
"""

from __future__ import annotations

import re
from typing import Any, Final

from core.text import remove_invisible

JSON = dict[str, Any]

EMPTY: Final = "–"  # Slack refuses empty texts

_CUT_ENTITY = re.compile(r"&[a-z]{0,3}$")
_REFERENCE = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def clean(text: str) -> str:
    """Return the text without characters that hide, reorder or break what people read."""
    return remove_invisible(text).strip()


def flat(text: str) -> str:
    """Return the clean text as one line."""
    return " ".join(clean(text).split())


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters, the last of which is an ellipsis if something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def escape(text: str, limit: int) -> str:
    """Return clean text as mrkdwn that shows it literally; it is cut between characters, never inside an entity."""
    escaped = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") or EMPTY
    return escaped if len(escaped) <= limit else _CUT_ENTITY.sub("", escaped[: limit - 1]) + "…"


def plain(text: str, limit: int) -> JSON:
    """Return a text object that shows the text literally, emoji names included."""
    return {"type": "plain_text", "text": cut(clean(text), limit) or EMPTY, "emoji": False}


def line(text: str, limit: int) -> JSON:
    """Return the text object of a title or label: one line, whatever the text holds."""
    return plain(flat(text), limit)


def mrkdwn(markup: str) -> JSON:
    """Return a text object for markup that is ours; texts of others inside it must be escaped."""
    return {"type": "mrkdwn", "text": markup, "verbatim": True}


def typed(text: str) -> str:
    """Return what a user typed, without the markup in which Slack sends it.

    Links become their address (or the e-mail address that was typed), people `@U1`, channels `#name`.
    """
    shown = _REFERENCE.sub(_shown, text)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _shown(reference: re.Match[str]) -> str:
    sign, target, label = reference.groups()
    match sign:
        case "@":
            return f"@{target}"
        case "#":
            return f"#{label or target}"
        case "!":  # a group, which brings its own @, or everybody
            return "@" + (label or target).removeprefix("@")
        case _:
            return label or target.removeprefix("mailto:") if target.startswith("mailto:") else target
