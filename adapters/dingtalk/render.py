"""Renders cards as the variables of the card template, or as markdown messages where a card has no buttons.

A variable has at most 1024 bytes, so lists are cut, and the page with all of them is linked. The template has one set
of buttons for the plan, and one for the first item that has buttons. People act on other items by typed commands and on
the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from adapters.common.fitting import fit_card
from adapters.dingtalk.text import (
    clean,
    cut,
    cut_lines,
    escape,
    escape_code,
    escape_inside,
    escape_paragraph,
    escape_title,
    flatten,
    format_link,
    size,
)
from adapters.dingtalk.validate import ITEM_VERBS, MAX_VALUE_BYTES, PLAN_VERBS
from adapters.dingtalk.words import Words
from core.card import SAY, Body, Button, Card, Excerpt, Line, Row, Section, Tone, plain

MESSAGE_BYTES = 6000
"""The maximum of a markdown message: `msgParam` may have 15,000 bytes, and its JSON escapes may double a text."""

_COLORS = {Tone.NEUTRAL: "gray", Tone.WAITING: "orange", Tone.ACTIVE: "blue", Tone.GOOD: "green", Tone.BAD: "red"}
_TITLE_BYTES = 300
"""The maximum of a title and of a status."""
_LINE_BYTES = 400
"""The maximum of a line of markdown."""
_NUMBER = re.compile(r"#(\d+)\b")
"""The number of a plan, at the beginning of a title."""
_ITEM_OF = re.compile(r"#(\d+) · (\d+) ")
"""The number of a plan and the position of an item, at the beginning of the title of a row that names both."""
_POSITION = re.compile(r"(\d+)(?:[–…,]\S+)* ")
"""The position of an item, or the positions of a group of items, at the beginning of the title of its row."""


def render_variables(card: Card) -> dict[str, str]:
    """Return the public variables of the template, with as many items as there is room for."""
    fitted = fit_card(card, lambda candidate: all(size(text) <= MAX_VALUE_BYTES for text in _lists(candidate)))
    current = next((row for row in card.rows if _select(row.buttons, ITEM_VERBS)), Row())
    return _variables(fitted, current)


def has_buttons(card: Card) -> bool:
    """Return whether the template has a button for a card; without one, a message has more space for the card."""
    return bool(_select(card.buttons, PLAN_VERBS) or any(_select(row.buttons, ITEM_VERBS) for row in card.rows))


def render_message(card: Card, words: Words) -> str:
    """Return the markdown of a message in place of a card, with the commands to type in place of its buttons."""
    head = [f"### {escape_title(card.title)}", _bold(card.state.word), *_top(card)]
    shown = fit_card(card, lambda candidate: size(_message(head, candidate, words)) <= MESSAGE_BYTES)
    return cut(_message(head, shown, words), MESSAGE_BYTES)


def _message(head: Sequence[str], card: Card, words: Words) -> str:
    lines = list(head)
    for section in card.sections:
        lines += _section(section)
    lines += _links(card)
    if commands := [f"`{escape_code(command)}`" for command in _commands(card, words)]:
        lines += [words.type_this, " ".join(commands)]
    lines += [escape_paragraph(plain(line)) for line in card.foot]
    return "\n\n".join(cut(line, _LINE_BYTES) for line in lines if line) + _link(card)


def _variables(card: Card, current: Row) -> dict[str, str]:
    """Return the variables of a card that was fitted; `current` is the item that its buttons for items act on."""
    on_plan, on_item = _select(card.buttons, PLAN_VERBS), _select(current.buttons, ITEM_VERBS)
    buttons = {button.verb: button for button in (*on_plan, *on_item)}
    items, details = _lists(card)
    return {
        "title": cut(flatten(card.title), _TITLE_BYTES),
        "status": cut(flatten(card.state.word), _TITLE_BYTES),
        "status_color": _COLORS[card.state.tone],
        "body": _body(card),
        "details": cut(details, MAX_VALUE_BYTES),
        "items": cut(items, MAX_VALUE_BYTES),
        "item": cut(_line(current), MAX_VALUE_BYTES),
        "footer": cut(_footer(card, on_plan), MAX_VALUE_BYTES),
        "ref": on_plan[0].ref if on_plan else "",
        "item_ref": on_item[0].ref if on_item else "",
        "show_input": _flag(any(button.field for button in buttons.values())),
        **{f"show_{verb}": _flag(verb in buttons) for verb in PLAN_VERBS + ITEM_VERBS},
    }


def _lists(card: Card) -> tuple[str, str]:
    """Return the items of a card, one a line, and what they do: what cannot be taken back comes first."""
    lists = [section for section in card.sections if _has_items(section)]
    titled = len(lists) > 1
    lines = [
        line
        for section in lists
        for line in (flatten(section.title) if titled else "", *map(_line, section.rows), flatten(section.rest))
    ]
    rows = sorted((row for section in lists for row in section.rows if row.body), key=lambda row: row.weight)
    details = [
        clean("\n".join(filter(None, (row.title and f"【{row.title}】", *_plain_body(row.body))))) for row in rows
    ]
    paragraphs = (row for section in card.sections if not _has_items(section) for row in section.rows if not row.title)
    details += [clean("\n".join(_plain_body(row.body))) for row in paragraphs]
    return "\n".join(filter(None, lines)), "\n\n".join(filter(None, details))


def _has_items(section: Section) -> bool:
    """Return whether a section has items of plans, rather than stages, links or a text."""
    titles = [row.title for row in section.rows]
    return any(_POSITION.match(title) or _ITEM_OF.match(title) for title in titles)


def _body(card: Card) -> str:
    """Return what is asked, what must not be missed, and what is neither an item nor a text."""
    lines = _top(card)
    for section in card.sections:
        if not _has_items(section) and any(row.title for row in section.rows):
            lines += _section(section)
    lines += [*_links(card), *(escape_paragraph(plain(line)) for line in card.foot)]
    paragraphs = [cut(line, _LINE_BYTES) for line in lines if line]
    link = _link(card)
    return cut_lines(paragraphs, MAX_VALUE_BYTES - size(link), "\n\n") + link


def _link(card: Card) -> str:
    """Return the link below a text: to the page, or what takes the place of a button that decides."""
    offered = next((button for button in (*card.buttons, card.more) if button and button.url), None)
    return f"\n\n{format_link(offered.label, offered.url)}" if offered else ""


def _top(card: Card) -> list[str]:
    """Return what is asked and by when, and what must not be missed."""
    return [
        *(escape_paragraph(plain(line)) for line in card.ask),
        *(f"⚠️ {_bold(plain(notice.line))}" for notice in card.notices),
    ]


def _section(section: Section) -> list[str]:
    """Return the rows of a section with what stands below them, apart from rows that are but a link (`_links`)."""
    rows = [row for row in section.rows if row.line or row.body or row.buttons or row.state.word or not row.url]
    if not rows and not section.rest:
        return []
    lines = [text for row in rows for text in _row(row)]
    return [_bold(section.title), *lines, escape_paragraph(section.rest)]


def _row(row: Row) -> list[str]:
    below = [f"　{escape(line)}" if row.title else f"• {escape(line)}" for line in _plain_body(row.body)]
    return [f"• {escape(_line(row))}", *below] if row.title else below


def _footer(card: Card, on_plan: Sequence[Button]) -> str:
    """Return what the buttons do that ask a question, which the template cannot ask."""
    return "\n".join(f"{flatten(button.label)}: {flatten(button.confirm)}" for button in on_plan if button.confirm)


def _links(card: Card) -> list[str]:
    """Return the links to the runs of items, those of items with buttons first."""
    rows = sorted((row for row in card.rows if row.url), key=lambda row: not row.buttons)
    links = [f"• {format_link(row.title, row.url)}" for row in rows]
    return [link for link in links if size(link) <= _LINE_BYTES]


def _plain_body(body: Body) -> Iterator[str]:
    """Yield the lines of what stands below a row, to the letter."""
    for part in body:
        if isinstance(part, Excerpt):
            yield from (line for line in (*part.lines, part.more) if line.strip())
        elif text := _plain(part):
            yield text


def _plain(line: Line) -> str:
    return plain(line).strip()


def _bold(text: str) -> str:
    return f"**{escape_inside(text)}**" if flatten(text) else ""


def _line(row: Row) -> str:
    """Return the head of a row: mark, title, state and line."""
    word = row.state.word if row.title else ""
    return flatten(" · ".join(filter(None, (f"{row.state.mark} {row.title}".strip(), word, _plain(row.line)))))


def _select(buttons: tuple[Button, ...], verbs: tuple[str, ...]) -> list[Button]:
    """Return the buttons that can be clicked, of those with the given verbs."""
    return [button for button in buttons if button.verb in verbs and button.ref]


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _commands(card: Card, words: Words) -> Iterator[str]:
    """Yield the command to type for each button of a plan, of its items, or of a list of plans."""
    plan = _NUMBER.match(card.title)
    for button in (each for each in card.buttons if not each.url):
        if button.verb == SAY:
            yield button.ref
        elif plan:
            yield words.command_of(button, plan[1])
    for row in card.rows:
        number, position, item = (pattern.match(row.title) for pattern in (_NUMBER, _POSITION, _ITEM_OF))
        for button in row.buttons:
            if item and button.verb in ITEM_VERBS:
                yield words.command_of(button, item[1], item[2])
            elif plan and position and button.verb in ITEM_VERBS:
                yield words.command_of(button, plan[1], position[1])
            elif number and button.verb == "show":
                yield words.command_of(button, number[1])
