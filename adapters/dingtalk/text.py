"""Texts for DingTalk: cut to its limits, which count bytes, and escaped for markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

from adapters.common.links import break_links
from core.text import remove_invisible

_SPECIAL = "\\`*_~[]<>&@"
_WIDE = {ord(character): chr(ord(character) + 0xFEE0) for character in f"{_SPECIAL}#>+-=|:.)"}
"""The look-alikes of full width of the characters that may be markup."""
_DELIMITERS = re.compile(r"(?<=\S)[*_~]|[*_~](?=\S)|`")
"""The characters of which two enclose emphasis, deleted text or code. Between spaces they enclose nothing."""
_CONSTRUCTS = (
    (re.compile(r"\][ \t]?[(\[:]"), "[]"),  # links, pictures, references
    (re.compile(r"<[A-Za-z/!?]"), "<>"),  # tags
    (re.compile(r"@\S"), "@"),  # mentions
    (re.compile(r"&#?\w+;"), "&"),  # entities
)
"""What a text has where it has a construct of markdown or a tag, and the characters that make it one."""
_BACKSLASH = re.compile(r"\\(?=[!-/:-@\[-`{-~]|\Z)")
"""A backslash that a renderer with escapes hides."""
_UNSAFE_IN_URL = re.compile(r"[^\w!#$%&'+,./:;=?@~-]", re.ASCII)
_BEGINNING = re.compile(r"[#>+\-=|:*_~`]|\d{1,9}[.)](?=\s|\Z)")
"""Markup at the beginning of a paragraph: headings, quotes, lists, rules, fences, tables."""


def clean(text: str) -> str:
    """Return the text without characters that are invisible or reorder text."""
    return remove_invisible(text).replace("\t", " ").strip()


def keep(line: str) -> str:
    """Return one clean line with the spaces at its beginning, which a script or a difference needs."""
    return remove_invisible(line).replace("\t", " ").rstrip()


def flatten(text: str) -> str:
    """Return the clean text as one line."""
    return " ".join(clean(text).split())


def escape(text: str) -> str:
    """Return one line of markdown that renders the text literally, wherever it stands but at the beginning of a line.

    DingTalk documents no escapes, and a backslash could be shown. So each character by which the text would have a
    link, a mention, a tag, emphasis or code becomes its look-alike of full width, and all others stay: `shop_main` is
    shown as it is, `[a](https://b)` as `［a］(https:／/b)`. The paragraph has no other text of people.
    """
    line = break_links(flatten(text))
    special = {characters for construct, characters in _CONSTRUCTS if construct.search(line)}
    counts = Counter(_DELIMITERS.findall(line))
    special |= {delimiter for delimiter, count in counts.items() if count > 1}
    return _BACKSLASH.sub("＼", line.translate({ord(one): _WIDE[ord(one)] for one in "".join(special)}))


def escape_inside(text: str) -> str:
    """Return one line of markdown that renders the text literally inside of other markup: in bold, or as a link."""
    return break_links(flatten(text)).translate({ord(one): _WIDE[ord(one)] for one in _SPECIAL})


def escape_title(text: str) -> str:
    """Return one line of markdown that renders the text literally in a heading, which a `#` at its end would close."""
    line = escape(text)
    kept = line.rstrip("#")
    return kept + "＃" * (len(line) - len(kept))


def escape_paragraph(text: str) -> str:
    """Return markdown that renders the text literally as a paragraph, its line breaks as spaces."""
    line = escape(text)
    found = _BEGINNING.match(line)
    return found[0].translate(_WIDE) + line[found.end() :] if found else line


def escape_code(text: str) -> str:
    """Return what renders the text literally between backticks, as one line."""
    return flatten(text).replace("`", "｀")


def format_link(label: str, url: str) -> str:
    """Return a link; without a web address, its label alone. What would end the address early is percent-encoded."""
    if not url.startswith(("https://", "http://")):
        return escape_inside(label)
    return f"[{escape_inside(label)}]({_UNSAFE_IN_URL.sub(lambda found: quote(found[0]), url)})"


def plain(text: str, own: str = "") -> str:
    """Return the clean text for what has no markup, but in which DingTalk makes links of URLs; `own` stays one."""
    return break_links(clean(text), own)


def size(text: str) -> int:
    """Return the length in bytes."""
    return len(text.encode())


def cut(text: str, limit: int) -> str:
    """Return at most `limit` bytes; where the text is cut, between characters, it ends with an ellipsis."""
    if size(text) <= limit:
        return text
    return text.encode()[: limit - size("…")].decode(errors="ignore").rstrip() + "…"


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
