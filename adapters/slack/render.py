"""Renders cards, replies, home tabs and modals as Block Kit, within Slack's limits.

Rows without buttons share blocks. Sections share the space that the head and the buttons leave. A line counts the rows
that do not fit; the card's `more` button opens the page with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from adapters.slack import components
from adapters.slack.text import JSON, clean, cut, escape, flatten, line
from adapters.slack.validate import require_valid, require_valid_view
from core.card import SAY, Button, Card, Form, Row, Section, Style, Tone
from core.chat import Reply

MAX_BLOCKS: Final = 50
MAX_CHARACTERS: Final = 12_000  # of all texts; somewhat above, Slack answers msg_blocks_too_long
MAX_BUTTONS: Final = 25  # below a card
FALLBACK: Final = 3000  # characters of the text for notifications
VALUE: Final = 2000  # characters of the value of a button
MODAL_LABEL: Final = 24  # characters of the title of a modal and its buttons
_MARKS: Final = {Tone.NEUTRAL: "⚪", Tone.WAITING: "🟡", Tone.ACTIVE: "🔵", Tone.GOOD: "🟢", Tone.BAD: "🔴"}
_TITLE: Final = 300  # characters of the title of a row
_ROW: Final = 1000  # characters of a row
_ROWS: Final = 1500  # characters of the rows that share a block


def render_message(card: Card) -> JSON:
    """Return the text for notifications and the blocks of a card. Raises DeliveryError when Slack would refuse them."""
    return {"text": escape(card.summary, FALLBACK), "blocks": require_valid(_card(card))}


def render_reply(reply: Reply) -> JSON:
    """Return a reply as the content of a message: its sentence, its card, or the sentence above the card."""
    if reply.card is None:
        return render_text(reply.text, reply.link)
    if not reply.text:
        return render_message(reply.card)
    blocks = _card(reply.card, components.sentence(reply.text, reply.link))
    return {"text": escape(reply.text, FALLBACK), "blocks": require_valid(blocks)}


def render_text(text: str, link: str = "") -> JSON:
    """Return a text as the content of a message; the URL `link` in it is the only link."""
    return {"text": escape(text, FALLBACK), "blocks": require_valid([components.sentence(text, link)])}


def render_home(card: Card) -> JSON:
    """Return a card as the view of a home tab."""
    return {"type": "home", "blocks": require_valid(_card(card))}


def render_opener(form: Form, text: str) -> JSON:
    """Return a message with a button that requests a form: only a click, and only a recent one, can open a modal.

    The button runs the command `text`; when that is empty, it is the button of the form's verb.
    """
    verb, value = (SAY, text[:VALUE]) if text else (form.verb, form.ref)
    button = Button(verb, form.title, value, Style.PRIMARY)
    return {"text": escape(form.title, FALLBACK), "blocks": require_valid(components.actions([button]))}


def render_modal(form: Form, origin: JSON) -> JSON:
    """Return the view for a form. The submission returns `origin`, the place that the reply to it is sent to.

    Raises DeliveryError when Slack would refuse the view.
    """
    view = {
        "type": "modal",
        "callback_id": form.verb,
        "private_metadata": orjson.dumps(origin | {"ref": form.ref}).decode(),
        "title": line(form.title, MODAL_LABEL),
        "submit": line(form.submit, MODAL_LABEL),
        "blocks": [components.input_block(field) for field in form.fields],
    }
    return require_valid_view(view)


@dataclass(slots=True)
class _Room:
    """The space that is left in a message, or in one of its sections."""

    blocks: int
    characters: int

    def take(self, blocks: Sequence[JSON]) -> bool:
        """Subtract the space of blocks; False, and nothing subtracted, when they do not fit."""
        count, characters = len(blocks), _characters(list(blocks))
        if count > self.blocks or characters > self.characters:
            return False
        self.blocks -= count
        self.characters -= characters
        return True


def _characters(node: object) -> int:
    """Return the number of characters of all texts."""
    if isinstance(node, dict):
        text = node.get("text")
        return (len(text) if isinstance(text, str) else 0) + sum(map(_characters, node.values()))
    return sum(map(_characters, node)) if isinstance(node, list) else 0


def _card(card: Card, *above: JSON) -> list[JSON]:
    """Return the blocks of a card. If some rows find no room, only risky rows keep their lines, and come first."""
    blocks, whole = _blocks(card, *above)
    return blocks if whole else _blocks(card.only_risky_lines(), *above)[0]


def _blocks(card: Card, *above: JSON) -> tuple[list[JSON], bool]:
    """Return the blocks of a card, and whether all rows found room."""
    head = [*above, components.header(card.title)]
    if card.tag:
        head.append(components.status_line(_MARKS[card.tone], card.tag))
    head += components.notices(card.notices)
    if card.facts:
        head.append(components.facts(card.facts))
    buttons = (*card.buttons[:MAX_BUTTONS], *([card.more] if card.more else ()))
    tail = [*([components.note(card.note)] if card.note else ()), *components.actions(buttons)]
    room = _Room(MAX_BLOCKS - len(head + tail), MAX_CHARACTERS - _characters(head + tail))
    body: list[JSON] = []
    whole = True
    for left, section in zip(range(len(card.sections), 0, -1), card.sections, strict=True):
        blocks, hidden = _section(section, _Room(room.blocks // left, room.characters // left))
        whole = whole and not hidden
        room.take(blocks)
        body += blocks
    return head + body + tail, whole


def _section(section: Section, room: _Room) -> tuple[list[JSON], int]:
    """Return the blocks of a section, and how many of its rows find no room."""
    found: list[JSON] = []
    hidden = len(section.rows)
    room.take([_more(hidden)])
    if section.heading and room.take([heading := components.heading(section.heading)]):
        found.append(heading)
    if section.text:
        limit = max(1, min(components.SECTION, room.characters))
        if room.take([paragraph := components.paragraph(section.text, limit)]):
            found.append(paragraph)
    for rows in _groups(section.rows):
        if not room.take(blocks := _rows(rows)):
            break
        hidden -= len(rows)
        found += blocks
    return [*found, *([_more(hidden)] if hidden else [])], hidden


def _more(rows: int) -> JSON:
    """Return the line that counts hidden rows."""
    return components.note(f"… +{rows}")  # needs no translation


def _groups(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield the rows of each block: neighbours without buttons share one, up to a readable size."""
    group: list[Row] = []
    for row in rows:
        alone = bool(row.buttons or row.url)
        if group and (alone or sum(map(_length, group)) + _length(row) > _ROWS):
            yield group
            group = []
        if alone:
            yield [row]
        else:
            group.append(row)
    if group:
        yield group


def _rows(rows: Sequence[Row]) -> list[JSON]:
    if any(row.lines for row in rows):
        listed = components.listed([(_line(row), "\n".join(row.lines)) for row in rows])
        return [listed, *components.actions([*rows[0].buttons, *_links(rows)])]
    text = "\n".join(map(_line, rows))
    below = components.actions([*rows[0].buttons, *_links(rows)])
    if len(below) == 1 and len(below[0]["elements"]) == 1:
        return [components.beside(text, below[0]["elements"][0])]
    return [components.paragraph(text), *below]


def _links(rows: Sequence[Row]) -> list[Button]:
    return [Button("open", "↗", url=row.url) for row in rows if row.url]


def _length(row: Row) -> int:
    return len(_line(row)) + sum(map(len, row.lines))


def _line(row: Row) -> str:
    title = cut(flatten(f"{row.mark} {row.title}"), _TITLE)
    return f"{title}\n{cut(clean(row.detail), _ROW - _TITLE)}" if row.detail else title
