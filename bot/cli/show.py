"""Renders replies and cards for a terminal: as in a chat, with numbers in place of buttons.

Colours only repeat marks and texts, so that nothing is lost without them (NO_COLOR). Texts come from people and other
systems: they are never read as markup, and invisible characters, which could control the terminal, are removed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import count

import typer
from rich.box import ROUNDED, SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from core.card import Button, Card, Code, Excerpt, Line, Link, Row, Section, Span, Style, Tone
from core.card import Text as Words
from core.chat import Reply
from core.text import map_invisible, remove_invisible

_COLOURS = {Tone.NEUTRAL: "none", Tone.WAITING: "yellow", Tone.ACTIVE: "blue", Tone.GOOD: "green", Tone.BAD: "red"}
_MARKS = {Tone.NEUTRAL: "", Tone.WAITING: "⏳ ", Tone.ACTIVE: "▶️ ", Tone.GOOD: "✅ ", Tone.BAD: "❌ "}
_STYLES = {Style.PRIMARY: "bold", Style.DEFAULT: "", Style.DANGER: "red"}
_EXCERPT = "cyan"
_WIDTH = 100
"""The largest width of a card, in columns: longer lines are hard to read."""
TABLE = 160
"""The largest width of a table, in columns."""


def terminal(width: int = _WIDTH, *, errors: bool = False) -> Console:
    """Return the console of the standard output, or of the error output. It reads no markup and no emoji codes."""
    console = Console(stderr=errors, markup=False, emoji=False, highlight=False)
    console.width = min(console.width, width) if console.is_terminal else width
    return console


def table_of(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """Return a table of texts. The first column is never cut: it has the names that commands take."""
    table = Table(box=SIMPLE_HEAD)
    for index, heading in enumerate(headings):
        table.add_column(heading, no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(remove_invisible(cell)) for cell in row))
    return table


def print_json(answer: object) -> None:
    """Print an answer of the API as JSON. Invisible characters, which could control the terminal, are escapes."""
    written = json.dumps(answer, ensure_ascii=False, indent=2)
    typer.echo(map_invisible(written, lambda character: json.dumps(character)[1:-1]))


def buttons_of(card: Card) -> list[Button]:
    """Return the buttons of a card from top to bottom: the first one has the number 1."""
    in_rows = [button for section in card.sections for row in section.rows for button in row.buttons]
    return [*in_rows, *card.buttons]


def reply_view(reply: Reply, *, numbered: bool = True) -> RenderableType:
    """Render a reply: its sentence, its card, and the title of its form."""
    parts: list[RenderableType] = [sentence(reply)] if reply.text else []
    if reply.card:
        parts.append(card_view(reply.card, numbered=numbered))
    if reply.form:
        parts.append(Text(remove_invisible(reply.form.title), "bold"))
    return Group(*parts)


def sentence(reply: Reply) -> Text:
    """Render the sentence of a reply. Print it with `soft_wrap`, so that a link in it stays whole."""
    return Text(_MARKS[reply.tone] + remove_invisible(reply.text), _COLOURS[reply.tone])


def card_view(card: Card, *, numbered: bool = True) -> RenderableType:
    """Render a card. With `numbered`, each button shows its position in `buttons_of`, from 1."""
    numbers = count(1) if numbered else None
    parts: list[RenderableType] = [_heading(card), *map(_line, card.ask)]
    parts += [Text("⚠️ ", f"bold {_COLOURS[each.tone]}").append_text(_line(each.line)) for each in card.notices]
    for section in card.sections:
        parts += [Text(), *_section(section, numbers)]
    if card.buttons:
        parts += [Text(), _buttons(card.buttons, numbers)]
    if card.foot:
        parts += [Text(), *(Text.assemble(_line(each), style="dim") for each in card.foot)]
    if card.more and card.more.url:
        parts += [Text(), Text(f"{remove_invisible(card.more.label)}: {remove_invisible(card.more.url)}", "dim")]
    return Panel(Group(*parts), box=ROUNDED, border_style=_COLOURS[card.state.tone], expand=False)


def _heading(card: Card) -> Text:
    mark, word = card.state.mark, remove_invisible(card.state.word)
    heading = Text(" ".join(part for part in (mark, remove_invisible(card.title)) if part), "bold")
    return heading.append(f"  [{word}]", _COLOURS[card.state.tone]) if word else heading


def _section(section: Section, numbers: Iterator[int] | None) -> Iterator[RenderableType]:
    if section.title:
        yield Text(remove_invisible(section.title), "bold underline")
    for row in section.rows:
        yield _row(row, numbers)
    if section.rest:
        yield Text(remove_invisible(section.rest), "dim")


def _row(row: Row, numbers: Iterator[int] | None) -> Text:
    lines = [_head(row, numbers)] if row.title else []
    for part in row.body:
        indent = "  " if row.title else ""
        if isinstance(part, Excerpt):
            lines += [Text(indent + remove_invisible(each), _EXCERPT) for each in part.lines]
            lines += [Text(indent + remove_invisible(part.more), "dim")] if part.more else []
        else:
            lines.append(Text(indent).append_text(_line(part)))
    return Text("\n").join(lines)


def _head(row: Row, numbers: Iterator[int] | None) -> Text:
    """Render the mark of a row, its title with its buttons, and below it its state and what else is known."""
    head = Text(f"{row.state.mark} " if row.state.mark else "").append(remove_invisible(row.title), "bold")
    if row.buttons:
        head.append("  ").append_text(_buttons(row.buttons, numbers))
    word = Text(remove_invisible(row.state.word), _COLOURS[row.state.tone])
    details = [each for each in (word, _line(row.line)) if each.plain]
    if details:
        head.append("\n  ").append_text(Text(" · ").join(details))
    if row.url:
        head.append(f"\n  {remove_invisible(row.url)}", "dim")
    return head


def _line(line: Line) -> Text:
    """Render a line of a card: code to the letter, links with their addresses."""
    return Text.assemble(*map(_span, line))


def _span(span: Span) -> Text:
    written = remove_invisible(span.text)
    if isinstance(span, Link):
        return Text(f"{written} ({remove_invisible(span.url)})")
    if isinstance(span, Code):
        return Text(written, _EXCERPT)
    if isinstance(span, Words):
        return Text(written, "bold" if span.strong else "strike" if span.struck else "")
    return Text(written)


def _buttons(buttons: tuple[Button, ...], numbers: Iterator[int] | None) -> Text:
    labels = [
        Text(f"[{next(numbers)}] {label}" if numbers else f"[{label}]", _STYLES[button.style])
        for button in buttons
        for label in [remove_invisible(button.label)]
    ]
    return Text("  ").join(labels)
