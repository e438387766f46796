"""Renders cards as the variables of the card template, or as markdown messages where a card has no buttons.

A variable has at most 1024 bytes, so lists fill several of them, and the page with all of them is linked. The template
has buttons for the plan, and for the first three rows that have buttons (slots). People act on other items by typed
commands and on the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from adapters.common.fitting import MUST_BE_SHOWN, fit_card
from adapters.dingtalk.components import (
    ITEM_OF,
    POSITION,
    count_listed,
    write_body,
    write_head,
    write_part,
    write_row,
    write_rows,
    write_votes,
)
from adapters.dingtalk.text import (
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
from adapters.dingtalk.validate import (
    FLAGS,
    ITEM_VERBS,
    MAX_TOTAL_BYTES,
    MAX_VALUE_BYTES,
    PLAN_VERBS,
    ROWS,
    SLOT_VERBS,
    SLOTS,
    measure,
)
from adapters.dingtalk.words import Words
from core.card import SAY, Button, Card, Part, Row, Section, Show, Tone, plain

MESSAGE_BYTES = 6000
"""The maximum of a markdown message: `msgParam` may have 15,000 bytes, and its JSON escapes may double a text."""

_COLORS = {Tone.NEUTRAL: "gray", Tone.WAITING: "orange", Tone.ACTIVE: "blue", Tone.GOOD: "green", Tone.BAD: "red"}
_TITLE_BYTES = 300
"""The maximum of a title, and of the words inside an input."""
_STATUS_BYTES = 60
"""The maximum of a status, of the words of a link and of those of a button."""
_URL_BYTES = 500
"""The maximum of a link; a longer one is not shown, since no part of it leads anywhere."""
_TEXT_BYTES = 600
"""The maximum of a slot, of the votes, of the foot, and of what counts the rest."""
_LISTED = 72
"""How many items are listed, so that people find what is below them; six for each variable."""
_LINE_BYTES = 400
"""The maximum of a line of markdown."""
_NUMBER = re.compile(r"#(\d+)\b")
"""The number of a plan, at the beginning of a title."""


def render_variables(card: Card) -> dict[str, str]:
    """Return the public variables of the template, with as many items as there is room for."""
    slots = _slots(card)
    votes = cut_lines(write_votes(card), _TEXT_BYTES)
    fitted = fit_card(_listed(card, slots), lambda candidate: _has_room(candidate, slots, votes))
    return _variables(fitted, slots, votes)


def has_buttons(card: Card) -> bool:
    """Return whether the template has a button for a card; without one, a message has more space for the card."""
    of_items = (card.buttons, *(row.buttons for row in card.rows))
    return bool(_select(card.buttons, PLAN_VERBS) or any(_select(buttons, ITEM_VERBS) for buttons in of_items))


def render_message(card: Card, words: Words) -> str:
    """Return the markdown of a message in place of a card, with the commands to type in place of its buttons."""
    head = [f"### {escape_title(card.title)}", _bold(card.state.word), *_top(card)]
    shown = fit_card(card, lambda candidate: size(_message(head, candidate, words)) <= MESSAGE_BYTES)
    return cut(_message(head, shown, words), MESSAGE_BYTES)


def _message(head: Sequence[str], card: Card, words: Words) -> str:
    lines = list(head)
    for section in card.sections:
        lines += _section(section)
    lines += _links(card.rows)
    if commands := [f"`{escape_code(command)}`" for command in _commands(card, words)]:
        lines += [words.type_this, " ".join(commands)]
    lines += [escape_paragraph(plain(line)) for line in card.foot]
    return "\n\n".join(cut(line, _LINE_BYTES) for line in lines if line) + _link(card)


def _listed(card: Card, slots: Sequence[Row]) -> Card:
    """Return the card with the rows that it lists, which are neither slots nor votes.

    The template cannot fold: of a folded section only what must be shown stays, and the page has the rest.
    """

    def list_rows(section: Section) -> tuple[Row, ...]:
        rows = tuple(row for row in section.rows if not any(row is slot for slot in slots))
        if section.folded and section.part is Part.CONTENT and section.show is not Show.PROGRESS:
            return tuple(row for row in rows if row.weight in MUST_BE_SHOWN)
        return rows

    sections = (section for section in card.sections if section.part is not Part.VOTES)
    return replace(card, sections=tuple(replace(section, rows=list_rows(section)) for section in sections))


def _has_room(card: Card, slots: Sequence[Row], votes: str) -> bool:
    if count_listed(card) > _LISTED or len(write_rows(card)) > len(ROWS):
        return False
    return measure(_variables(card, slots, votes)) <= MAX_TOTAL_BYTES


def _slots(card: Card) -> list[Row]:
    """Return the rows that have buttons of their own: the first three that somebody can act on.

    The card of an item has its buttons below its own title. A row whose contents must be shown is none unless the
    variable of a slot has room for all of it.
    """
    own = Row(card.title, state=card.state, buttons=card.buttons) if _select(card.buttons, ITEM_VERBS) else Row()
    rows = (row for row in (own, *card.rows) if _select(row.buttons, SLOT_VERBS))
    fitting = (row for row in rows if row.weight not in MUST_BE_SHOWN or size("\n".join(write_row(row))) <= _TEXT_BYTES)
    return list(fitting)[: len(SLOTS)]


def _variables(card: Card, slots: Sequence[Row], votes: str) -> dict[str, str]:
    """Return the variables of a card that was fitted, of its slots, and of its votes."""
    buttons = _select(card.buttons, PLAN_VERBS)
    on_items = [button for row in slots for button in _select(row.buttons, SLOT_VERBS)]
    rows, changes, touches = write_rows(card), write_part(card, Part.CHANGES)[:1], write_part(card, Part.TOUCHES)[:1]
    offered = _offered(card)
    texts = {
        "title": cut(flatten(card.title), _TITLE_BYTES),
        "status": cut(flatten(card.state.word), _STATUS_BYTES),
        "status_color": _COLORS[card.state.tone],
        "ask": _ask(card, slots),
        "risk": cut_lines([f"⚠️ {flatten(plain(notice.line))}" for notice in card.notices], MAX_VALUE_BYTES),
        "changes": "".join(changes),
        "touches": "".join(touches),
        **{name: rows[index] if index < len(rows) else "" for index, name in enumerate(ROWS)},
        "rest": cut(_rest(card), _TEXT_BYTES),
        "votes": votes,
        "foot": cut(_foot(card, buttons), _TEXT_BYTES),
        "ref": buttons[0].ref if buttons else "",
        "url": offered.url if offered else "",
        "url_text": cut(flatten(offered.label), _STATUS_BYTES) if offered else "",
        "hint": _hint(buttons),
        "hint_item": _hint(on_items),
    }
    for index, name in enumerate(SLOTS):
        texts |= _slot(name, slots[index] if index < len(slots) else Row())
    shown = {*_shown(buttons, slots), *(f"show_{name}" for name in ("risk", "changes", "votes", "url") if texts[name])}
    return texts | {name: "true" if name in shown else "false" for name in FLAGS}


def _shown(buttons: Sequence[Button], slots: Sequence[Row]) -> Iterator[str]:
    """Yield the flags of the buttons that a card shows, of its slots, and of the inputs for what buttons ask."""
    on_slots = [(name, _select(row.buttons, SLOT_VERBS)) for name, row in zip(SLOTS, slots, strict=False)]
    yield from (f"show_{button.verb}" for button in buttons)
    for name, offered in on_slots:
        yield f"show_{name}"
        yield from (f"{name}_{button.verb}" for button in offered)
    if any(button.field for button in buttons):
        yield "show_input"
    if any(button.field for _, offered in on_slots for button in offered):
        yield "show_input_item"


def _slot(name: str, row: Row) -> dict[str, str]:
    """Return the texts of a slot."""
    buttons = _select(row.buttons, SLOT_VERBS)
    go = next((button.label for button in buttons if button.verb == "execute"), "")
    return {
        name: cut("\n".join(write_row(row)), _TEXT_BYTES),
        f"{name}_ref": buttons[0].ref if buttons else "",
        f"{name}_go": cut(flatten(go), _STATUS_BYTES),
    }


def _ask(card: Card, slots: Sequence[Row]) -> str:
    """Return what is asked and by when, or else the state, with links to the runs of what can be acted on."""
    asked = [plain(line) for line in card.ask] or [card.state.word]
    mark = f"{card.state.mark} " if card.state.mark and asked[0][:1].isalnum() else ""
    first = _bold(f"{mark}{asked[0]}")
    lines = [first, *(escape_paragraph(line) for line in asked[1:]), *_links((*slots, *card.rows))]
    return cut_lines([cut(line, _LINE_BYTES) for line in lines if line], MAX_VALUE_BYTES, "\n\n")


def _rest(card: Card) -> str:
    """Return how many rows found no room, part by part."""
    return " · ".join(filter(None, (flatten(section.rest) for section in card.sections)))


def _foot(card: Card, buttons: Sequence[Button]) -> str:
    """Return what is good to know, and what the buttons do that ask a question, which the template cannot ask.

    What approval is asked again for stands in the risks already.
    """
    asking = (button for button in buttons if button.confirm and button.verb != "approve")
    lines = [*(plain(line) for line in card.foot), *(f"{button.label}: {button.confirm}" for button in asking)]
    return "\n".join(filter(None, map(flatten, lines)))


def _hint(buttons: Iterable[Button]) -> str:
    """Return what the input above some buttons asks for, each question once; empty if they ask for nothing."""
    fields = [(button, button.field) for button in buttons if button.field]
    hints = (flatten(f"{button.label}{'*' if field.required else ''}: {field.label}") for button, field in fields)
    return cut(" · ".join(dict.fromkeys(hints)), _TITLE_BYTES)


def _offered(card: Card) -> Button | None:
    """Return the link to the page, or what takes the place of a button that decides."""
    links = (button for button in (*card.buttons, card.more) if button and button.url)
    return next(
        (each for each in links if each.url.startswith(("https://", "http://")) and size(each.url) <= _URL_BYTES), None
    )


def _link(card: Card) -> str:
    """Return the link below a text: to the page, or what takes the place of a button that decides."""
    offered = _offered(card)
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
    below = [f"　{escape(line)}" if row.title else f"• {escape(line)}" for line in write_body(row)]
    return [f"• {escape(write_head(row))}", *below] if row.title else below


def _links(rows: Iterable[Row]) -> list[str]:
    """Return the links to the runs of items, those of items with buttons first."""
    ordered = sorted({row.url: row for row in rows if row.url}.values(), key=lambda row: not row.buttons)
    links = [f"• {format_link(row.title, row.url)}" for row in ordered]
    return [link for link in links if size(link) <= _LINE_BYTES]


def _bold(text: str) -> str:
    return f"**{escape_inside(text)}**" if flatten(text) else ""


def _select(buttons: tuple[Button, ...], verbs: tuple[str, ...]) -> list[Button]:
    """Return the buttons that can be clicked, of those with the given verbs."""
    return [button for button in buttons if button.verb in verbs and button.ref]


def _commands(card: Card, words: Words) -> Iterator[str]:
    """Yield the command to type for each button of a plan, of its items, or of a list of plans."""
    plan = _NUMBER.match(card.title)
    for button in (each for each in card.buttons if not each.url):
        if button.verb == SAY:
            yield button.ref
        elif plan:
            yield words.command_of(button, plan[1])
    for row in card.rows:
        number, position, item = (pattern.match(row.title) for pattern in (_NUMBER, POSITION, ITEM_OF))
        for button in row.buttons:
            if item and button.verb in ITEM_VERBS:
                yield words.command_of(button, item[1], item[2])
            elif plan and position and button.verb in ITEM_VERBS:
                yield words.command_of(button, plan[1], position[1])
            elif number and button.verb == "show":
                yield words.command_of(button, number[1])
