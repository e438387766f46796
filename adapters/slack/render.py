"""Renders cards, replies, home tabs and modals as Block Kit, within Slack's limits.

Texts of people stand in rich_text, in which Slack looks for no markup. Rows without buttons share blocks. Rows that do
not fit are counted; the card's `more` button opens the page with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from adapters.common.fitting import fit_card
from adapters.slack import components
from adapters.slack.text import JSON, escape, line
from adapters.slack.validate import require_valid, require_valid_view
from core.card import SAY, Button, Card, Form, Row, Section, Style
from core.chat import Reply

MAX_BLOCKS: Final = 50
MAX_CHARACTERS: Final = 12_000  # of all texts; somewhat above, Slack answers msg_blocks_too_long
MAX_BUTTONS: Final = 25  # below a card
FALLBACK: Final = 3000  # characters of the text for notifications
VALUE: Final = 2000  # characters of the value of a button
MODAL_LABEL: Final = 24  # characters of the title of a modal and its buttons
_ROWS: Final = 2500  # characters of the rows that share a block: more of them, and it is a wall


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


def render_text(text: str, link: str = "", mentioned: Sequence[str] = ()) -> JSON:
    """Return a text as the content of a message, which mentions users; the URL `link` in it is the only link."""
    return {"text": escape(text, FALLBACK), "blocks": require_valid([components.sentence(text, link, mentioned)])}


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


def _card(card: Card, *above: JSON) -> list[JSON]:
    """Return the blocks of a card, with as many rows as there is room for."""
    return _blocks(fit_card(card, lambda candidate: _fits(_blocks(candidate, *above))), *above)


def _fits(blocks: list[JSON]) -> bool:
    return len(blocks) <= MAX_BLOCKS and components.count_characters(blocks) <= MAX_CHARACTERS


def _blocks(card: Card, *above: JSON) -> list[JSON]:
    """Return the blocks of a card, all of its rows in full."""
    buttons = (*card.buttons[:MAX_BUTTONS], *([card.more] if card.more else ()))
    return [
        *above,
        components.header(card.title),
        *components.head(card.state, card.ask),
        *components.notices(card.notices),
        *(block for section in card.sections for block in _section(section)),
        *components.actions(buttons),
        *components.foot(card.foot),
    ]


def _section(section: Section) -> Iterator[JSON]:
    if section.title and (section.rows or section.rest):
        yield components.heading(section.title)
    for rows in _groups(section.rows):
        yield from _rows(rows)
    if section.rest:
        yield components.note(section.rest)


def _groups(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield the rows of each block: neighbours without buttons share one, up to a readable size."""
    group: list[Row] = []
    characters = 0
    for row in rows:
        size = components.count_characters(components.row_elements(row))
        alone = bool(row.buttons or row.url)
        if group and (alone or characters + size > _ROWS):
            yield group
            group, characters = [], 0
        if alone:
            yield [row]
        else:
            group.append(row)
            characters += size
    if group:
        yield group


def _rows(rows: Sequence[Row]) -> Iterator[JSON]:
    """Yield the block of some rows; below one with buttons, its buttons, of which a single one stands beside it."""
    [first, *_] = rows
    buttons = [*first.buttons, *([Button("open", "↗", url=first.url)] if first.url else ())]
    below = components.actions(buttons, about=first.title)
    if not first.body and len(below) == 1 and len(below[0]["elements"]) == 1:
        yield components.beside(first, below[0]["elements"][0])
        return
    if elements := [element for row in rows for element in components.row_elements(row)]:
        yield {"type": "rich_text", "elements": elements}
    yield from below
