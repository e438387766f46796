"""Texts for DingTalk: cut to its limits, which count bytes, and escaped for markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.text import remove_invisible

_MARKUP = re.compile(r"([\\`*_\[\]~&])")
_CUT_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\$")
_WIDE = str.maketrans("<>@", "＜＞＠")
_COMMAND_LINK = re.compile("dtmd:", re.IGNORECASE)


def clean(text: str) -> str:
    """Return the text without characters that are invisible or reorder text."""
    return remove_invisible(text).replace("\t", " ").strip()


def flatten(text: str) -> str:
    """Return the clean text as one line."""
    return " ".join(clean(text).split())


def escape(text: str) -> str:
    """Return one line of markdown that renders the text literally.

    DingTalk documents no escapes. The characters of its tags, mentions and command links are replaced by full-width
    ones; other markup is escaped by backslashes. Markup that works only at the beginning of a line is not escaped:
    never put texts of people there.
    """
    return _MARKUP.sub(r"\\\1", _COMMAND_LINK.sub("dtmd：", flatten(text)).translate(_WIDE))


def size(text: str) -> int:
    """Return the length in bytes."""
    return len(text.encode())


def cut(text: str, limit: int) -> str:
    """Return at most `limit` bytes; where the text is cut, between characters, it ends with an ellipsis."""
    if size(text) <= limit:
        return text
    kept = text.encode()[: limit - size("…")].decode(errors="ignore").rstrip()
    return _CUT_ESCAPE.sub(r"\1", kept) + "…"


def cut_lines(lines: Sequence[str], limit: int, separator: str = "\n") -> str:
    """Return the first lines that fit into `limit` bytes; a last line counts the others."""
    if size(separator.join(lines)) <= limit:
        return separator.join(lines)
    room = limit - size(f"{separator}… +{len(lines)}")
    fitting: list[str] = []
    for line in lines:
        if size(separator.join([*fitting, line])) > room:
            break
        fitting.append(line)
    if not fitting:
        fitting.append(cut(lines[0], room))
    left = len(lines) - len(fitting)
    return separator.join([*fitting, f"… +{left}"] if left else fitting)
