"""Text that fits and is safe to show: cut by bytes, as DingTalk counts, and escaped where markdown is read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.text import remove_invisible

_MARKUP = re.compile(r"([\\`*_\[\]~&])")
_CUT_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\$")
_WIDE = str.maketrans("<>@", "＜＞＠")
_COMMAND_LINK = re.compile("dtmd:", re.IGNORECASE)


def clean(text: str) -> str:
    """Return the text without characters that hide, reorder or break what people read."""
    return remove_invisible(text).replace("\t", " ").strip()


def flat(text: str) -> str:
    """Return the clean text as one line."""
    return " ".join(clean(text).split())


def escape(text: str) -> str:
    """Return the text as one line of markdown that shows it literally.

    DingTalk documents no escapes: its own tags, mentions and links that make the reader send a message are written
    with full-width characters, the rest with backslashes. What has a meaning only at the beginning of a line stays as
    it is: never put others' text there.
    """
    return _MARKUP.sub(r"\\\1", _COMMAND_LINK.sub("dtmd：", flat(text)).translate(_WIDE))


def size(text: str) -> int:
    """Return the length in bytes, as DingTalk counts."""
    return len(text.encode())


def cut(text: str, limit: int) -> str:
    """Return at most `limit` bytes, cut between characters, with an ellipsis if something is missing."""
    if size(text) <= limit:
        return text
    kept = text.encode()[: limit - size("…")].decode(errors="ignore").rstrip()
    return _CUT_ESCAPE.sub(r"\1", kept) + "…"


def cut_lines(lines: Sequence[str], limit: int, separator: str = "\n") -> str:
    """Return the first lines that fit into `limit` bytes; a last line tells how many are left out."""
    if size(separator.join(lines)) <= limit:
        return separator.join(lines)
    room = limit - size(f"{separator}… +{len(lines)}")
    shown: list[str] = []
    for line in lines:
        if size(separator.join([*shown, line])) > room:
            break
        shown.append(line)
    if not shown:
        shown.append(cut(lines[0], room))
    left = len(lines) - len(shown)
    return separator.join([*shown, f"… +{left}"] if left else shown)
