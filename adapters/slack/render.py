"""Renders cards, replies, home tabs and modals as Block Kit, within Slack's limits.

Texts of people stand in rich_text, in which Slack looks for no markup. Rows without buttons share blocks. Rows that do
not fit are counted; the card's `more` button opens the page with all of them. Messages have Slack's `newest` blocks,
unless the workspace refuses them: progress and what is folded are rows then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

import orjson

from adapters.common.fitting import fit_card
from adapters.slack import components
from adapters.slack.newest import CHILDREN, container, count_blocks, texts_fit
from adapters.slack.progress import Progress, list_few, set_aside
from adapters.slack.text import JSON, escape, line
from adapters.slack.validate import MESSAGE_BLOCKS, VIEW_BLOCKS, require_valid, require_valid_view
from core.card import SAY, Button, Card, Form, Row, Section, Style, Weight
from core.card import line as line_of
from core.chat import Reply

MAX_BUTTONS: Final = 25  # below a card
FEW_BUTTONS: Final = 5  # below a card that is too large without rows
FEW_ROWS: Final = 10  # that have all of their buttons, though a picker offers them, too
FALLBACK: Final = 3000  # characters of the text for notifications
VALUE: Final = 2000  # characters of the value of a button
DETAIL: Final = "detail"  # the callback_id of modals without inputs
MODAL_LABEL: Final = 24  # characters of the title of a modal and its buttons
_ROWS: Final = 2500  # characters of the rows that share a block: more of them, and it is a wall


def render_message(card: Card, *, newest: bool = True) -> JSON:
    """Return the text for notifications and the blocks of a card. Raises DeliveryError when Slack would refuse them."""
    return {"text": escape(card.summary, FALLBACK), "blocks": require_valid(_card(card, newest=newest))}


def render_reply(reply: Reply, *, newest: bool = True) -> JSON:
    """Return a reply as the content of a message: its sentence, its card, or the sentence above the card."""
    if reply.card is None:
        return render_text(reply.text, reply.link)
    if not reply.text:
        return render_message(reply.card, newest=newest)
    blocks = _card(reply.card, components.sentence(reply.text, reply.link), newest=newest)
    return {"text": escape(reply.text, FALLBACK), "blocks": require_valid(blocks)}


def render_text(text: str, link: str = "", mentioned: Sequence[str] = ()) -> JSON:
    """Return a text as the content of a message, which mentions users; the URL `link` in it is the only link."""
    return {"text": escape(text, FALLBACK), "blocks": require_valid([components.sentence(text, link, mentioned)])}


def render_home(card: Card) -> JSON:
    """Return a card as the view of a home tab, in which the newest blocks are not documented to be allowed."""
    return require_valid_view({"type": "home", "blocks": _card(card, newest=False, limit=VIEW_BLOCKS)})


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


def render_detail(card: Card, origin: JSON, text: str = "") -> JSON:
    """Return the view of a modal with a card below a sentence, if there is one.

    A click in it returns `origin`, from where it was opened. Raises DeliveryError when Slack would refuse the view.
    """
    above = [components.sentence(text)] if text else []
    view = {
        "type": "modal",
        "callback_id": DETAIL,
        "private_metadata": orjson.dumps(origin).decode(),
        "title": line(card.title, MODAL_LABEL),
        "blocks": _card(card, *above, newest=False, limit=VIEW_BLOCKS),
    }
    return require_valid_view(view)


def _card(card: Card, *above: JSON, newest: bool, limit: int = MESSAGE_BLOCKS) -> list[JSON]:
    """Return the blocks of a card, with as many rows as there is room for."""
    if card.picker and len(card.rows) > FEW_ROWS:
        card = card.with_rows(_with_one_button)
    progress = None
    if newest:
        card = set_aside(card)
        progress = Progress(card)
        card = progress.limit(card)
    else:
        card = list_few(card)

    def draw(candidate: Card) -> list[JSON]:
        return _blocks(candidate, above, progress)

    blocks = draw(card)
    if not _fits(blocks, limit):
        blocks = draw(fit_card(card, lambda candidate: _fits(draw(candidate), limit)))
    return blocks if _fits(blocks, limit) else draw(_cut(card))


def _cut(card: Card) -> Card:
    """Return what is left of a card that is too large even without rows: its first lines and buttons."""
    hidden = sum(each.count for section in card.sections for each in section.hidden) + len(card.rows)
    foot = (line_of(f"… +{hidden}"),) if hidden else ()
    buttons = card.buttons[:FEW_BUTTONS]
    return replace(
        card, ask=card.ask[:1], notices=card.notices[:1], sections=(), buttons=buttons, foot=foot, picker=None
    )


def _with_one_button(row: Row) -> Row:
    """Return a row with its first button, unless it has failed: the picker has the others."""
    return row if row.weight is Weight.BAD else replace(row, buttons=row.buttons[:1])


def _fits(blocks: list[JSON], limit: int) -> bool:
    return count_blocks(blocks) <= limit and texts_fit(blocks)


def _blocks(card: Card, above: Sequence[JSON], progress: Progress | None) -> list[JSON]:
    """Return the blocks of a card, all of its rows in full."""
    buttons = card.buttons[:MAX_BUTTONS]
    sections = progress.split(card.sections) if progress else [(section, []) for section in card.sections]
    return [
        *above,
        components.header(card.title),
        *components.head(card.state, card.ask),
        *components.notices(card.notices),
        *_sections(sections, folds=progress is not None),
        *components.actions(buttons, card.title, more=card.more, picker=card.picker),
        *components.foot(card.foot),
    ]


def _sections(sections: Sequence[tuple[Section, list[JSON]]], *, folds: bool) -> Iterator[JSON]:
    """Yield the blocks of sections, each with those below it."""
    for is_folded, each in groupby(sections, lambda pair: folds and pair[0].folded and bool(pair[0].title)):
        pairs = list(each)
        if is_folded:
            yield from _folded([section for section, _ in pairs if section.rows or section.rest])
        for section, below in pairs:
            yield from () if is_folded else _section(section)
            yield from below


def _folded(sections: Sequence[Section]) -> list[JSON]:
    """Return the blocks of neighbouring folded sections, in one container if it has room, or else in one for each.

    A single line is not folded: closed, it would take as much room.
    """
    blocks = [_section(section) for section in sections]
    together = [block for each in blocks for block in each]
    rows = [row for section in sections for row in section.rows]
    if len(rows) < 2 and not any(row.body for row in rows):
        return together
    if len(sections) == 1:
        inside = together[1:]  # without the heading
        return [container(sections[0].title, inside)] if 1 <= len(inside) <= CHILDREN else together
    if len(together) <= CHILDREN:
        return [container(" · ".join(section.title for section in sections), together)]
    return [block for section in sections for block in _folded([section])]


def _section(section: Section) -> list[JSON]:
    blocks = [block for group in _groups(section.rows) for block in _rows(*group)]
    blocks += [components.note(section.rest)] if section.rest else []
    return [components.heading(section.title), *blocks] if section.title and blocks else blocks


_Drawn = tuple[Row, list[JSON]]
"""A row with its elements of rich_text."""


def _groups(rows: Sequence[Row]) -> Iterator[list[_Drawn]]:
    """Yield the rows of each block: neighbours without buttons share one, up to a readable size."""
    group: list[_Drawn] = []
    characters = 0
    for row in rows:
        elements = components.row_elements(row)
        size = components.count_characters(elements)
        alone = bool(row.buttons or row.url)
        if group and (alone or characters + size > _ROWS):
            yield group
            group, characters = [], 0
        if alone:
            yield [(row, elements)]
        else:
            group.append((row, elements))
            characters += size
    if group:
        yield group


def _rows(*drawn: _Drawn) -> Iterator[JSON]:
    """Yield the block of some rows; below one with buttons, its buttons, of which a single one stands beside it."""
    first = drawn[0][0]
    link = Button("open", "↗", url=first.url) if first.url else None
    below = components.actions(first.buttons, first.title, more=link)
    if not first.body and len(below) == 1 and len(below[0]["elements"]) == 1:
        yield components.beside(first, below[0]["elements"][0])
        return
    if together := [element for _, elements in drawn for element in elements]:
        yield {"type": "rich_text", "elements": together}
    yield from below
