"""A neutral card as a Feishu card, JSON 2.0.

Feishu has no dialogs: a button that asks for a text becomes an input in a form of the card itself, and the buttons
beside it submit that form, too. A form stands at the root of the card, so an item with such buttons is one form.
Names of inputs are `<field>_<number>`, since they must differ within a card; `inbound` takes the number off again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any, Final

from adapters.feishu.components import (
    Element,
    beside,
    button,
    entry,
    fact,
    heading,
    link,
    opens,
    paragraph,
    plain,
    usable,
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
TITLE: Final = 200  # characters, as the following
TAG: Final = 60
VALUE: Final = 300
DETAIL: Final = 400
NOTE: Final = 600
BODY: Final = 2000
BRIEF: Final = 80
BUTTONS: Final = 5  # side by side
ROWS: Final = 25  # of a section; there may be several, and all have to find room


def render(card: Card) -> dict[str, Any]:
    """Return a card that Feishu takes, whatever the neutral card holds; what finds no room is cut, with a link."""
    numbers = count(1)
    frame = _frame(card.title, card.summary, card.tone, card.tag)
    room = Room(frame)
    room.take([_left_out(1_000_000)])
    foot = room.keep(_foot(card, numbers))
    head = room.keep(_facts(card.facts))
    body, rest = room.fit([block for section in card.sections for block in _section(section, numbers)])
    cut = [_left_out(sum(block.rows for block in rest))] if rest else []
    elements = [*head, *body, *cut, *foot]
    frame["body"]["elements"] = elements or [paragraph(CUT, 1)]
    return frame


def render_form(form: Form) -> dict[str, Any]:
    """Return a card that asks for the fields of a form, in place of a dialog."""
    numbers = count(1)
    frame = _frame(form.title, form.title, Tone.NEUTRAL, "")
    submit = Button(form.verb, form.submit, form.ref, Style.PRIMARY)
    inputs = [entry([one], f"{one.name}_{next(numbers)}", required=one.required) for one in form.fields]
    frame["body"]["elements"] = [_form([*inputs, button(submit, f"button_{next(numbers)}")], numbers)]
    return frame


def _frame(title: str, summary: str, tone: Tone, tag: str) -> dict[str, Any]:
    """Return everything but the elements."""
    header: Element = {"title": {"tag": "plain_text", "content": fit(title, TITLE) or CUT}}
    header["template"] = _TEMPLATES[tone]
    if tag := fit(tag, TAG):
        header["text_tag_list"] = [{"tag": "text_tag", "text": plain(tag, TAG), "color": _TAG_COLORS[tone]}]
    config = {"update_multi": True, "summary": {"content": fit(summary, TITLE)}}
    return {"schema": "2.0", "config": config, "header": header, "body": {"elements": []}}


def _foot(card: Card, numbers: Iterator[int]) -> Iterator[Block]:
    """Yield the note and the buttons of the whole card, below everything else."""
    if card.note.strip():
        yield Block((paragraph(card.note, NOTE),))
    asking, others = _parted(card.buttons)
    if asking:
        yield Block((_asking_form((), asking, numbers),))
    others += usable([card.more] if card.more else [])
    for start in range(0, len(others), BUTTONS):
        yield Block((beside(map(button, others[start : start + BUTTONS])),))


def _facts(facts: Sequence[Fact]) -> Iterator[Block]:
    """Yield the facts in rows of two."""
    for start in range(0, len(facts), 2):
        pair = [fact(one.label, one.value, VALUE) for one in facts[start : start + 2]]
        yield Block((beside(pair, equal=True),))


def _section(section: Section, numbers: Iterator[int]) -> Iterator[Block]:
    if section.heading.strip():
        yield Block((heading(section.heading, TITLE),))
    if section.text.strip():
        yield Block((paragraph(section.text, BODY),), (paragraph(section.text, VALUE),))
    for row in _foremost(section.rows):
        yield _row(row, numbers)
    if (more := len(section.rows) - ROWS) > 0:
        yield Block((_left_out(more),), rows=more)


def _foremost(rows: Sequence[Row]) -> list[Row]:
    """Return as many rows as a section may have, in order, before others those where something can be done."""
    chosen = sorted(range(len(rows)), key=lambda index: not rows[index].buttons)[:ROWS]
    return [rows[index] for index in sorted(chosen)]


def _row(row: Row, numbers: Iterator[int]) -> Block:
    title = f"{row.mark} {row.title}"
    brief = f"{fit(title, TITLE)} · {fit(row.detail, BRIEF)}" if row.detail.strip() else title
    lines = [paragraph(title, TITLE), *([paragraph(row.detail, DETAIL, small=True)] if row.detail.strip() else [])]
    asking, others = _parted(row.buttons)
    others += [link(row.url)] if opens(row.url) else []
    below = [beside(map(button, others))] if others else []
    full = (_asking_form(lines, asking, numbers), *below) if asking else (*lines, *below)
    return Block(full, (paragraph(brief, TITLE + BRIEF),), pressing=bool(row.buttons), rows=1)


def _parted(buttons: Iterable[Button]) -> tuple[list[Button], list[Button]]:
    """Part the buttons that submit a form from those that stand alone.

    One that asks for a text takes those beside it into its form: what was typed then goes with any of them, as a
    comment to an approval. One that has to be confirmed stays apart, so that nobody presses it for another.
    """
    known = usable(buttons)
    if not any(one.field for one in known):
        return [], known
    asking = [one for one in known if one.field or not (one.confirm or one.url)]
    return asking, [one for one in known if one not in asking]


def _asking_form(above: Sequence[Element], buttons: Sequence[Button], numbers: Iterator[int]) -> Element:
    """Return a form with what its buttons ask for; it must be filled in only if all of them require that."""
    fields: dict[str, list[Field]] = {}
    for one in buttons:
        if one.field:
            fields.setdefault(one.field.name, []).append(one.field)
    inputs = [
        entry(asked, f"{name}_{next(numbers)}", required=sum(field.required for field in asked) == len(buttons))
        for name, asked in fields.items()
    ]
    submits = [button(one, f"button_{next(numbers)}") for one in buttons]
    return _form([*above, *inputs, beside(submits)], numbers)


def _form(elements: Sequence[Element], numbers: Iterator[int]) -> Element:
    return {"tag": "form", "name": f"form_{next(numbers)}", "elements": list(elements)}


def _left_out(rows: int) -> Element:
    return paragraph(f"{CUT} +{rows}" if rows else CUT, TAG, small=True)
