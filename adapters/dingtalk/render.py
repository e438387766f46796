"""Renders cards as the variables of the card template, or as markdown messages where a card has no buttons.

A variable has at most 1024 bytes, so lists are cut, and the page with all of them is linked. The template has one set
of buttons for the plan, and one for the first item that has buttons. People act on other items by typed commands and on
the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters.dingtalk.text import (
    clean,
    cut,
    cut_lines,
    escape,
    escape_code,
    escape_inside,
    escape_title,
    flatten,
    format_link,
    size,
)
from adapters.dingtalk.validate import ITEM_VERBS, MAX_VALUE_BYTES, PLAN_VERBS
from adapters.dingtalk.words import Words
from core.card import SAY, Button, Card, Row, Section, Tone

MESSAGE_BYTES = 6000
"""The maximum of a markdown message: `msgParam` may have 15,000 bytes, and its JSON escapes may double a text."""

_COLORS = {Tone.NEUTRAL: "gray", Tone.WAITING: "orange", Tone.ACTIVE: "blue", Tone.GOOD: "green", Tone.BAD: "red"}
_TITLE_BYTES = 300
"""The maximum of a title and of a status."""
_LINE_BYTES = 400
"""The maximum of a line of markdown."""
_NUMBER = re.compile(r"#(\d+)\b")
"""The number of a plan, at the beginning of a title."""
_ITEM_OF = re.compile(r"#(\d+) · (\d+)\. ")
"""The number of a plan and the position of an item, at the beginning of the title of a row that names both."""
_POSITION = re.compile(r"(\d+)\. ")
"""The position of an item, at the beginning of the title of its row."""


def render_variables(card: Card) -> dict[str, str]:
    """Return the public variables of the template."""
    current = next((row for row in _rows(card) if _select(row.buttons, ITEM_VERBS)), Row(""))
    on_plan, on_item = _select(card.buttons, PLAN_VERBS), _select(current.buttons, ITEM_VERBS)
    buttons = {button.verb: button for button in (*on_plan, *on_item)}
    items = _items(card)
    return {
        "title": cut(flatten(card.title), _TITLE_BYTES),
        "status": cut(flatten(card.tag), _TITLE_BYTES),
        "status_color": _COLORS[card.tone],
        "body": _body(card, [section for section in card.sections if section is not items]),
        "details": cut("\n\n".join(_details(card)), MAX_VALUE_BYTES),
        "items": cut_lines([_line(row) for row in items.rows], MAX_VALUE_BYTES),
        "item": cut(_line(current), MAX_VALUE_BYTES),
        "footer": cut(
            "\n".join(f"{flatten(b.label)}: {flatten(b.confirm)}" for b in on_plan if b.confirm), MAX_VALUE_BYTES
        ),
        "ref": on_plan[0].ref if on_plan else "",
        "item_ref": on_item[0].ref if on_item else "",
        "show_input": _flag(any(button.field for button in buttons.values())),
        **{f"show_{verb}": _flag(verb in buttons) for verb in PLAN_VERBS + ITEM_VERBS},
    }


def has_buttons(card: Card) -> bool:
    """Return whether the template has a button for a card; without one, a message has more space for the card."""
    return bool(_select(card.buttons, PLAN_VERBS) or any(_select(row.buttons, ITEM_VERBS) for row in _rows(card)))


def render_message(card: Card, words: Words) -> str:
    """Return the markdown of a message in place of a card, with the commands to type in place of its buttons."""
    lines = [f"### {escape_title(card.title)}", _bold(card.tag), *_facts(card)]
    for section in card.sections:
        lines.append(_bold(section.heading))
        lines += [f"• {escape(line)}" for line in clean(section.text).splitlines() if line.strip()]
        lines += _bullets(section)
    lines += _links(card)
    if commands := [f"`{escape_code(command)}`" for command in _commands(card, words)]:
        lines += [words.type_this, " ".join(commands)]
    return _with_link(lines, card.more, MESSAGE_BYTES)


def _body(card: Card, sections: list[Section]) -> str:
    lines = _facts(card)
    for section in sections:
        lines += [_bold(section.heading)] if section.rows else []
        lines += _bullets(section)
    return _with_link(lines + _links(card), card.more, MAX_VALUE_BYTES)


def _details(card: Card) -> Iterator[str]:
    """Yield what the rows do, those that are a risk first, and the longer texts of the card."""
    for row in sorted(_rows(card), key=lambda row: not row.risky):
        if row.lines:
            yield clean("\n".join((f"【{row.title}】", *row.lines)))
    yield from (clean(section.text) for section in card.sections if section.text)


def _bullets(section: Section) -> list[str]:
    """Return the rows with their lines, apart from rows that are nothing but a link: `_links` has them."""
    rows = [row for row in section.rows if row.detail or row.buttons or not row.url]
    return [text for row in rows for text in (f"• {escape(_line(row))}", *(f"　{escape(line)}" for line in row.lines))]


def _links(card: Card) -> list[str]:
    """Return the links to the runs of items, those of items with buttons first."""
    rows = sorted((row for row in _rows(card) if row.url), key=lambda row: not row.buttons)
    links = [f"• {format_link(row.title, row.url)}" for row in rows]
    return [link for link in links if size(link) <= _LINE_BYTES]


def _facts(card: Card) -> list[str]:
    notices = [f"⚠️ {_bold(notice)}" for notice in card.notices]
    note = [f"⚠️ {escape(card.note)}"] if card.note else []
    return notices + note + [f"{_bold(fact.label) or '•'} {escape(fact.value)}" for fact in card.facts]


def _bold(text: str) -> str:
    return f"**{escape_inside(text)}**" if flatten(text) else ""


def _with_link(lines: list[str], more: Button | None, limit: int) -> str:
    """Return the paragraphs that fit, and below them the link to the page."""
    paragraphs = [cut(line, _LINE_BYTES) for line in lines if line]
    link = f"\n\n{format_link(more.label, more.url)}" if more and more.url else ""
    return cut_lines(paragraphs, limit - size(link), "\n\n") + link


def _rows(card: Card) -> Iterator[Row]:
    return (row for section in card.sections for row in section.rows)


def _items(card: Card) -> Section:
    """Return the section for the list of items: the one with buttons, or else the longest."""
    return max(
        card.sections,
        key=lambda section: (any(_select(row.buttons, ITEM_VERBS) for row in section.rows), len(section.rows)),
        default=Section(),
    )


def _line(row: Row) -> str:
    return flatten(" · ".join(part for part in (f"{row.mark} {row.title}".strip(), row.detail) if part))


def _select(buttons: tuple[Button, ...], verbs: tuple[str, ...]) -> list[Button]:
    """Return the buttons that can be clicked, of those with the given verbs."""
    return [button for button in buttons if button.verb in verbs and button.ref]


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _commands(card: Card, words: Words) -> Iterator[str]:
    """Yield the command to type for each button of a plan, of its items, or of a list of plans."""
    plan = _NUMBER.match(card.title)
    for button in card.buttons:
        if button.verb == SAY:
            yield button.ref
        elif plan:
            yield words.command_of(button, plan[1])
    for row in _rows(card):
        number, position, item = (pattern.match(row.title) for pattern in (_NUMBER, _POSITION, _ITEM_OF))
        for button in row.buttons:
            if item and button.verb in ITEM_VERBS:
                yield words.command_of(button, item[1], item[2])
            elif plan and position and button.verb in ITEM_VERBS:
                yield words.command_of(button, plan[1], position[1])
            elif number and button.verb == "show":
                yield words.command_of(button, number[1])
