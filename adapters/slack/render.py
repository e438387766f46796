"""Cards, replies, home tabs and modals as Block Kit, within what Slack allows.

Rows without buttons share blocks. Sections share the room that is left; rows beyond it are counted, and the card's
`more` button leads to all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from adapters.slack import components as b
from adapters.slack.text import JSON, clean, cut, escape, flat, line
from adapters.slack.validate import checked, checked_view
from core.card import Button, Card, Form, Row, Section, Style, Tone
from core.chat import Reply

MAX_BLOCKS: Final = 50
MAX_CHARACTERS: Final = 12_000  # of all texts; Slack answers msg_blocks_too_long somewhat above
MAX_BUTTONS: Final = 25  # below a card
FALLBACK: Final = 3000
VALUE: Final = 2000
SHORT: Final = 24  # the title of a modal and its buttons
SAY: Final = "say"  # the verb of a button that types its value as a command
_MARKS: Final = {Tone.NEUTRAL: "⚪", Tone.WAITING: "🟡", Tone.ACTIVE: "🔵", Tone.GOOD: "🟢", Tone.BAD: "🔴"}
_TITLE: Final = 300
_ROW: Final = 1000
_TOGETHER: Final = 1500  # characters of rows that share a block


def message(card: Card) -> JSON:
    """Return the text for notifications and the blocks of a card. Raises DeliveryError if it broke Slack's rules."""
    return {"text": escape(card.summary, FALLBACK), "blocks": checked(_card(card))}


def answer(reply: Reply) -> JSON:
    """Return a reply as the content of a message: its sentence alone, or above its card."""
    if reply.card is None:
        return {"text": escape(reply.text, FALLBACK)}
    if not reply.text:
        return message(reply.card)
    return {"text": escape(reply.text, FALLBACK), "blocks": checked(_card(reply.card, b.said(reply.text)))}


def home(card: Card) -> JSON:
    """Return a card as the view of a home tab."""
    return {"type": "home", "blocks": checked(_card(card))}


def opener(form: Form, text: str) -> JSON:
    """Return a message with a button that types `text` again: a modal opens upon a click, not upon a message."""
    button = Button(SAY, form.title, text[:VALUE], Style.PRIMARY)
    return {"text": escape(form.title, FALLBACK), "blocks": checked(b.actions([button]))}


def modal(form: Form, origin: JSON) -> JSON:
    """Return the view for a form; `origin` says where its result is to be told, and comes back with the submission.

    Raises DeliveryError if it broke Slack's rules.
    """
    view = {
        "type": "modal",
        "callback_id": form.verb,
        "private_metadata": orjson.dumps(origin | {"ref": form.ref}).decode(),
        "title": line(form.title, SHORT),
        "submit": line(form.submit, SHORT),
        "blocks": [b.entry(field) for field in form.fields],
    }
    return checked_view(view)


@dataclass(slots=True)
class _Room:
    """How much more a message, or one section of it, may hold."""

    blocks: int
    characters: int

    def take(self, blocks: Sequence[JSON]) -> bool:
        """Count the blocks in, unless they do not fit."""
        count, characters = len(blocks), _characters(list(blocks))
        if count > self.blocks or characters > self.characters:
            return False
        self.blocks -= count
        self.characters -= characters
        return True


def _characters(node: object) -> int:
    """Count the characters of all texts."""
    if isinstance(node, dict):
        text = node.get("text")
        return (len(text) if isinstance(text, str) else 0) + sum(map(_characters, node.values()))
    return sum(map(_characters, node)) if isinstance(node, list) else 0


def _card(card: Card, *above: JSON) -> list[JSON]:
    head = [*above, b.header(card.title)]
    if card.tag:
        head.append(b.tagged(_MARKS[card.tone], card.tag))
    if card.facts:
        head.append(b.facts(card.facts))
    buttons = (*card.buttons[:MAX_BUTTONS], *([card.more] if card.more else ()))
    tail = [*([b.note(card.note)] if card.note else ()), *b.actions(buttons)]
    room = _Room(MAX_BLOCKS - len(head + tail), MAX_CHARACTERS - _characters(head + tail))
    body: list[JSON] = []
    for left, section in zip(range(len(card.sections), 0, -1), card.sections, strict=True):
        shown = list(_section(section, _Room(room.blocks // left, room.characters // left)))
        room.take(shown)
        body += shown
    return head + body + tail


def _section(section: Section, room: _Room) -> Iterator[JSON]:
    folded = len(section.rows)
    room.take([b.note(_more(folded))])
    if section.heading and room.take([shown := b.heading(section.heading)]):
        yield shown
    if section.text and room.take([shown := b.paragraph(section.text, max(1, min(b.SECTION, room.characters)))]):
        yield shown
    for rows in _together(section.rows):
        if not room.take(blocks := _rows(rows)):
            break
        folded -= len(rows)
        yield from blocks
    if folded:
        yield b.note(_more(folded))


def _more(count: int) -> str:
    return f"… +{count}"  # needs no translation


def _together(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield rows that share a block: neighbours without buttons, up to a readable size."""
    group: list[Row] = []
    for row in rows:
        alone = bool(row.buttons or row.url)
        if group and (alone or sum(len(_line(one)) for one in group) + len(_line(row)) > _TOGETHER):
            yield group
            group = []
        if alone:
            yield [row]
        else:
            group.append(row)
    if group:
        yield group


def _rows(rows: Sequence[Row]) -> list[JSON]:
    block = b.paragraph("\n".join(map(_line, rows)))
    link = [Button("open", "↗", url=row.url) for row in rows if row.url]
    below = b.actions([*rows[0].buttons, *link])
    if len(below) == 1 and len(below[0]["elements"]) == 1:
        return [block | {"accessory": below[0]["elements"][0]}]
    return [block, *below]


def _line(row: Row) -> str:
    title = cut(flat(f"{row.mark} {row.title}"), _TITLE)
    return f"{title}\n{cut(clean(row.detail), _ROW - _TITLE)}" if row.detail else title
