"""Text objects and escaping. Slack docs: messaging/formatting-message-text, reference/block-kit (text objects).

Texts are sent as rich_text or `plain_text`, in which Slack looks for no markup, so that people read them to the letter.
The text of a message, which notifications show, is mrkdwn: there a `<!channel>`, `<@U1>` or `<https://evil|Approve>` is
escaped, and unescapable `*` or `_` can but change how it looks.
"""

from __future__ import annotations

import re
from typing import Any, Final

from adapters.common.links import written_link
from core.text import remove_invisible

JSON = dict[str, Any]

EMPTY: Final = "–"  # in place of an empty text, which Slack refuses

_CUT_ENTITY = re.compile(r"&[a-z]{0,3}$")
_REFERENCE = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")


def clean(text: str) -> str:
    """Return the text without characters that are invisible or reorder text."""
    return remove_invisible(text).strip()


def flatten(text: str) -> str:
    """Return the clean text as one line."""
    return " ".join(clean(text).split())


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters; where the text is cut, it ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def escape(text: str, limit: int) -> str:
    """Return mrkdwn that renders the clean text literally. It is never cut inside an entity."""
    escaped = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") or EMPTY
    return escaped if len(escaped) <= limit else _CUT_ENTITY.sub("", escaped[: limit - 1]) + "…"


def plain_text(text: str, limit: int) -> JSON:
    """Return a text object that renders the text literally, emoji names included."""
    return {"type": "plain_text", "text": cut(clean(text), limit) or EMPTY, "emoji": False}


def line(text: str, limit: int) -> JSON:
    """Return the text object of a title or label, as one line."""
    return plain_text(flatten(text), limit)


def strip_markup(text: str) -> str:
    """Return the text that a user typed, without the markup that Slack adds.

    Links become what was typed (`deploy.sh`), or their URL where they have another label; people become `@U1`, channels
    `#name`.
    """
    plain = _REFERENCE.sub(_plain_reference, text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def mentioned_users(text: str) -> frozenset[str]:
    """Return the ids of the users whom a text mentions."""
    return frozenset(target for sign, target, _ in _REFERENCE.findall(text) if sign == "@")


def _plain_reference(reference: re.Match[str]) -> str:
    sign, target, label = reference.groups()
    match sign:
        case "@":
            return f"@{target}"
        case "#":
            return f"#{label or target}"
        case "!":  # a group, which brings its own @, or everybody
            return "@" + (label or target).removeprefix("@")
        case _:
            return written_link(label, target).removeprefix("mailto:")
