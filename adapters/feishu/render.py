"""Renders neutral cards as Feishu cards, JSON 2.0.

Feishu has no dialogs: the field of a button becomes an input in a form inside the card, which the buttons beside it
submit, too. Forms are allowed at the root of a card only, so an item with such buttons is one form. The names of inputs
are `<field>_<number>`, since they must be unique within a card; `inbound` removes the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, Final

from adapters.feishu.components import (
    Element,
    button_element,
    column_set,
    drop_unsafe_links,
    fact,
    heading,
    input_element,
    is_web_address,
    link_button,
    paragraph,
    plain_text,
    tinted,
)
from adapters.feishu.fitting import Block, Room
from adapters.feishu.text import CUT, fit
from core.card import Button, Card, Fact, Field, Form, Row, Section, Style, Tone

_TEMPLATES: Final = {
    Tone.NEUTRAL: "grey",
    Tone.WAITING: "orange",
    Tone.ACTIVE: "blue",
    Tone.GOOD: "green",
    Tone.BAD: "red",
}
_TAG_COLORS: Final = {**_TEMPLATES, Tone.NEUTRAL: "neutral"}
TITLE: Final = 200  # characters, as in the next seven
TAG: Final = 60
VALUE: Final = 300
DETAIL: Final = 400
NOTE: Final = 600
LINES: Final = 1200
BODY: Final = 2000
BRIEF: Final = 80
BUTTONS: Final = 5  # in one row
ROWS: Final = 25  # in one section; there may be several, and all of them have to fit


def render_card(card: Card) -> dict[str, Any]:
    """Return a card within Feishu's limits; where rows do not fit, a line counts them."""
    numbers = count(1)
    frame = _frame(card.title, card.summary, card.tone, card.tag)
    room = Room(frame)
    room.take([_more(1_000_000)])
    foot = room.keep(_foot(card, numbers))
    head = room.keep([*_notices(card.notices), *_facts(card.facts)])
    body, rest = room.fit([block for section in card.sections for block in _section(section, numbers)])
    cut = [_more(sum(block.rows for block in rest))] if rest else []
    elements = [*head, *body, *cut, *foot]
    frame["body"]["elements"] = elements or [paragraph(CUT, 1)]
    return frame


def render_form(form: Form) -> dict[str, Any]:
    """Return a card with the fields of a form, in place of a dialog."""
    numbers = count(1)
    frame = _frame(form.title, form.title, Tone.NEUTRAL, "")
    submit = Button(form.verb, form.submit, form.ref, Style.PRIMARY)
    inputs = [input_element([field], f"{field.name}_{next(numbers)}", required=field.required) for field in form.fields]
    frame["body"]["elements"] = [_form([*inputs, button_element(submit, f"button_{next(numbers)}")], numbers)]
    return frame


def _frame(title: str, summary: str, tone: Tone, tag: str) -> dict[str, Any]:
    """Return a card without elements."""
    header: Element = {"title": {"tag": "plain_text", "content": fit(title, TITLE) or CUT}}
    header["template"] = _TEMPLATES[tone]
    if tag := fit(tag, TAG):
        header["text_tag_list"] = [{"tag": "text_tag", "text": plain_text(tag, TAG), "color": _TAG_COLORS[tone]}]
    config = {"update_multi": True, "summary": {"content": fit(summary, TITLE)}}
    return {"schema": "2.0", "config": config, "header": header, "body": {"elements": []}}


def _foot(card: Card, numbers: Iterator[int]) -> Iterator[Block]:
    """Yield the note and the buttons of the card, which are below everything else."""
    if card.note.strip():
        yield Block((paragraph(card.note, NOTE),))
    submits, others = _split_buttons(card.buttons)
    if submits:
        yield Block((_input_form((), submits, numbers),))
    others += drop_unsafe_links([card.more] if card.more else [])
    for start in range(0, len(others), BUTTONS):
        yield Block((column_set(map(button_element, others[start : start + BUTTONS])),))


def _notices(notices: Sequence[str]) -> Iterator[Block]:
    """Yield what must not be missed, on a tinted ground."""
    if notices:
        yield Block((tinted("\n".join(f"⚠️ {each}" for each in notices), NOTE),))


def _facts(facts: Sequence[Fact]) -> Iterator[Block]:
    """Yield the facts in rows of two."""
    for start in range(0, len(facts), 2):
        pair = [fact(each.label, each.value, VALUE) for each in facts[start : start + 2]]
        yield Block((column_set(pair, equal=True),))


def _section(section: Section, numbers: Iterator[int]) -> Iterator[Block]:
    if section.heading.strip():
        yield Block((heading(section.heading, TITLE),))
    if section.text.strip():
        yield Block((paragraph(section.text, BODY),), (paragraph(section.text, VALUE),))
    for row in _select_rows(section.rows):
        yield _row(row, numbers)
    if (more := len(section.rows) - ROWS) > 0:
        yield Block((_more(more),), rows=more)


def _select_rows(rows: Sequence[Row]) -> list[Row]:
    """Return as many rows as a section may have, in order; rows with buttons and risky ones have priority."""
    chosen = sorted(range(len(rows)), key=lambda index: not (rows[index].buttons or rows[index].risky))[:ROWS]
    return [rows[index] for index in sorted(chosen)]


def _row(row: Row, numbers: Iterator[int]) -> Block:
    title = f"{row.mark} {row.title}"
    brief = f"{fit(title, TITLE)} · {fit(row.detail, BRIEF)}" if row.detail.strip() else title
    lines = [paragraph(title, TITLE), *([paragraph(row.detail, DETAIL, small=True)] if row.detail.strip() else [])]
    if row.lines:
        lines.append(paragraph("\n".join(row.lines), LINES))
    submits, others = _split_buttons(row.buttons)
    others += [link_button(row.url)] if is_web_address(row.url) else []
    below = [column_set(map(button_element, others))] if others else []
    full = (_input_form(lines, submits, numbers), *below) if submits else (*lines, *below)
    short = full if row.risky else (paragraph(brief, TITLE + BRIEF),)
    return Block(full, short, important=bool(row.buttons) or row.risky, rows=1)


def _split_buttons(buttons: Iterable[Button]) -> tuple[list[Button], list[Button]]:
    """Return the buttons that submit a form, and the others.

    Beside a button with a field, the other buttons submit the form, too: the input is then sent with any of them, such
    as a comment with an approval. A button with a confirmation is not in the form, so that nobody clicks it by mistake.
    """
    safe = drop_unsafe_links(buttons)
    if not any(button.field for button in safe):
        return [], safe
    submits = [button for button in safe if button.field or not (button.confirm or button.url)]
    return submits, [button for button in safe if button not in submits]


def _input_form(above: Sequence[Element], buttons: Sequence[Button], numbers: Iterator[int]) -> Element:
    """Return a form with the inputs of its buttons; an input is required only if all buttons require it."""
    fields: dict[str, list[Field]] = {}
    for button in buttons:
        if button.field:
            fields.setdefault(button.field.name, []).append(button.field)
    inputs = [
        input_element(same, f"{name}_{next(numbers)}", required=sum(field.required for field in same) == len(buttons))
        for name, same in fields.items()
    ]
    submits = [button_element(button, f"button_{next(numbers)}") for button in buttons]
    return _form([*above, *inputs, column_set(submits)], numbers)


def _form(elements: Sequence[Element], numbers: Iterator[int]) -> Element:
    return {"tag": "form", "name": f"form_{next(numbers)}", "elements": list(elements)}


def _more(rows: int) -> Element:
    """Return the line that counts hidden rows."""
    return paragraph(f"{CUT} +{rows}" if rows else CUT, TAG, small=True)
