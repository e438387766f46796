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

from core.card import Button, Card, Row, Section, Style, Tone
from core.chat import Reply
from core.text import map_invisible, remove_invisible

_COLOURS = {Tone.NEUTRAL: "none", Tone.WAITING: "yellow", Tone.ACTIVE: "blue", Tone.GOOD: "green", Tone.BAD: "red"}
_MARKS = {Tone.NEUTRAL: "", Tone.WAITING: "⏳ ", Tone.ACTIVE: "▶️ ", Tone.GOOD: "✅ ", Tone.BAD: "❌ "}
_STYLES = {Style.PRIMARY: "bold", Style.DEFAULT: "", Style.DANGER: "red"}
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
    parts: list[RenderableType] = [_heading(card)]
    parts += [Text(f"⚠️ {remove_invisible(notice)}", "bold red") for notice in card.notices]
    if card.facts:
        parts.append(_facts(card))
    for section in card.sections:
        parts += [Text(), *_section(section, numbers)]
    if card.note:
        parts += [Text(), Text(remove_invisible(card.note), "italic")]
    if card.buttons:
        parts += [Text(), _buttons(card.buttons, numbers)]
    if card.more and card.more.url:
        parts += [Text(), Text(f"{remove_invisible(card.more.label)}: {remove_invisible(card.more.url)}", "dim")]
    return Panel(Group(*parts), box=ROUNDED, border_style=_COLOURS[card.tone], expand=False)


def _heading(card: Card) -> Text:
    heading = Text(_MARKS[card.tone] + remove_invisible(card.title), "bold")
    return heading.append(f"  [{remove_invisible(card.tag)}]", _COLOURS[card.tone]) if card.tag else heading


def _facts(card: Card) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for fact in card.facts:
        table.add_row(Text(remove_invisible(fact.label)), Text(remove_invisible(fact.value)))
    return table


def _section(section: Section, numbers: Iterator[int] | None) -> Iterator[RenderableType]:
    if section.heading:
        yield Text(remove_invisible(section.heading), "bold underline")
    if section.text:
        yield Text(remove_invisible(section.text))
    if section.rows:
        table = Table.grid(padding=(0, 1))
        marked = any(row.mark for row in section.rows)
        for row in section.rows:
            table.add_row(*[Text(remove_invisible(row.mark))] * marked, _row(row, numbers))
        yield table


def _row(row: Row, numbers: Iterator[int] | None) -> Text:
    text = Text(remove_invisible(row.title))
    if row.buttons:
        text.append("  ").append_text(_buttons(row.buttons, numbers))
    for more in (row.detail, row.url):
        if more:
            text.append("\n" + remove_invisible(more), "dim")
    for line in row.lines:
        text.append("\n  " + remove_invisible(line))
    return text


def _buttons(buttons: tuple[Button, ...], numbers: Iterator[int] | None) -> Text:
    labels = [
        Text(f"[{next(numbers)}] {label}" if numbers else f"[{label}]", _STYLES[button.style])
        for button in buttons
        for label in [remove_invisible(button.label)]
    ]
    return Text("  ").join(labels)
