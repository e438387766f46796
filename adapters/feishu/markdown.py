"""Lines and excerpts of neutral cards as Feishu's Markdown, in which the texts of people are inert.

Words are escaped. Code stands in backquotes or a fence as long as nothing in it could end it or be read as one of
Feishu's tags, such as `<at id=all>`; otherwise it is escaped, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import Final
from urllib.parse import quote

from adapters.feishu.text import CUT, escape
from core.card import Code, Excerpt, ExcerptKind, Line, Link, Moment, Span, State, Text, Tone
from core.text import remove_invisible, reveal_invisible

MORE: Final = 100  # characters of what counts further lines
URL: Final = 1000  # characters
COLORS: Final = {
    Tone.NEUTRAL: "neutral",
    Tone.WAITING: "orange",
    Tone.ACTIVE: "blue",
    Tone.GOOD: "green",
    Tone.BAD: "red",
}

FONT_COLORS: Final = {**COLORS, Tone.NEUTRAL: "grey"}
"""The colours of words, and of the bar at the top of a card."""

_LIVE = re.compile(r"`|<[A-Za-z/!?]|&[#A-Za-z0-9]+;|:[A-Za-z0-9_]+:|[\n\t\\]")
_LIVE_BLOCK = re.compile(r"```|~~~|<[A-Za-z/!?]|&[#A-Za-z0-9]+;")
_LANGUAGE = re.compile(r"[a-z0-9+#-]{1,20}")
_URL_SAFE: Final = "%/:?#@&=+,;~$-._"


def is_web_address(url: str) -> bool:
    """Return whether a card may open a URL: a web page, never another scheme."""
    return url.startswith(("https://", "http://")) and len(url) <= URL


def inline(spans: Line, limit: int) -> str:
    """Return a line as one line of Markdown, cut to a number of characters."""
    found = ""
    for span, following in pairwise([*_cut(_merge(span for span in spans if _clean(span.text)), limit), Text("")]):
        found = _append(found, span, _clean(following.text))
    return found.strip()


def words(text: str, limit: int, *, strong: bool = False) -> str:
    """Return a text as one line of Markdown."""
    return inline((Text(text, strong=strong),), limit)


def tag(state: State, limit: int) -> str:
    """Return the word of a state as a coloured label; empty if it has none."""
    word = words(state.word, limit)
    return f"<text_tag color='{COLORS[state.tone]}'>{word}</text_tag>" if word else ""


def grey(markdown: str) -> str:
    """Return Markdown in grey."""
    return colored(markdown, "grey")


def colored(markdown: str, color: str) -> str:
    """Return Markdown in one of Feishu's colours."""
    return f"<font color='{color}'>{markdown}</font>" if markdown else ""


def block(excerpt: Excerpt) -> str:
    """Return an excerpt as Markdown of several lines; empty without lines."""
    lines = [reveal_invisible(each).replace("\t", "    ").replace("\n", " ").rstrip() for each in excerpt.lines]
    more = [grey(words(excerpt.more, MORE))] if excerpt.more.strip() else []
    if not any(lines):
        return "".join(more)
    if excerpt.kind is ExcerptKind.QUOTE or _LIVE_BLOCK.search("\n".join(lines)):
        return "\n".join([*map(_literal, filter(None, lines)), *more])
    language = "diff" if excerpt.kind is ExcerptKind.DIFF else excerpt.language
    language = language if _LANGUAGE.fullmatch(language) else ""
    return "\n".join([f"```{language}", *lines, "```", *more])


def _literal(line: str) -> str:
    """Return a line of code escaped, with its indentation."""
    body = line.lstrip(" ")
    return "&nbsp;" * (len(line) - len(body)) + escape(body)


def _merge(spans: Iterable[Span]) -> Iterable[Span]:
    """Yield the spans, neighbouring words with the same emphasis as one: `**a****b**` would not be bold."""
    for look, same in groupby(spans, _look):
        if isinstance(look, tuple):
            yield Text("".join(_clean(span.text) for span in same), *look)
        else:
            yield from same


def _look(span: Span) -> tuple[bool, bool] | Span:
    """Return whether words are bold or struck out, of which Feishu shows one at a time; other spans as they are."""
    if isinstance(span, Moment):
        return False, False
    return (span.strong, span.struck and not span.strong) if isinstance(span, Text) else span


def _cut(spans: Iterable[Span], limit: int) -> Iterable[Span]:
    """Yield the spans up to a number of characters; the one that is too long is cut, as plain words."""
    for span in spans:
        if len(span.text) > limit:
            yield Text(_cut_text(span.text, max(limit, 1)))
            return
        limit -= len(span.text)
        yield span


def _append(found: str, span: Span, after: str) -> str:
    """Return a line with one span more; `after` is the text of the next one."""
    if isinstance(span, Code):
        text = reveal_invisible(span.text)
        literal = text and text == text.strip() and not _LIVE.search(text) and not found.endswith("`")
        return found + (f"`{text}`" if literal else escape(text))
    text = _clean(span.text)
    if isinstance(span, Link):
        label = escape(text)
        return found + (
            f"[{label}]({quote(span.url, safe=_URL_SAFE)})" if label and is_web_address(span.url) else label
        )
    if isinstance(span, Text) and (span.strong or span.struck):
        return _emphasize(found, text, "**" if span.strong else "~~", after)
    return found + escape(text)


def _emphasize(found: str, text: str, sign: str, after: str) -> str:
    """Append a text with emphasis, unless Markdown would not see it: between a word and punctuation."""
    body = text.strip()
    if not body:
        return found + text
    start = text.index(body)
    before, behind = text[:start], text[start + len(body) :]
    found += before
    opens = body[0].isalnum() or not found or found[-1].isspace()
    closes = body[-1].isalnum() or not (behind + after) or (behind + after)[0].isspace()
    shown = f"{sign}{escape(body)}{sign}" if opens and closes else escape(body)
    return found + shown + behind


def _clean(text: str) -> str:
    """Return words without what is invisible, on one line."""
    return remove_invisible(text).replace("\t", " ").replace("\n", " ")


def _cut_text(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + CUT
