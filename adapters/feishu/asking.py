"""The buttons of a card, and the one form with the inputs that they need.

Feishu has no dialogs: the field of a button becomes an input in a form inside the card, which the buttons beside it
submit, too. A card has one form, of its own buttons or else of the row that needs somebody most; elsewhere, a button
that needs a text opens a form in the chat with the bot. The names of inputs are `<field>_<number>`, since they must be
unique within a card; `inbound` removes the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from adapters.feishu.components import (
    Element,
    beside,
    button_element,
    drop_unsafe_links,
    input_element,
    markdown,
    side_by_side,
)
from core.card import Button, Card, Excerpt, ExcerptKind, Field, Line, Row, Style, Weight, plain

BUTTONS: Final = 3  # in one row
BESIDE: Final = 2  # buttons at the right of a row
SHORT: Final = 60  # characters of a line beside buttons
_LIGHTEST: Final = Weight.PERSON
"""The lightest weight of a row with a form: what is ready is started without a word."""


def pick_asking(card: Card) -> Row | None:
    """Return the row whose buttons stand in the form of a card; None if its own buttons do, or none needs it."""
    if split_buttons(card.buttons)[0]:
        return None
    asking = [row for row in card.rows if row.weight <= _LIGHTEST and split_buttons(row.buttons)[0]]
    return min(asking, key=lambda row: row.weight, default=None)


def stands_beside(row: Row) -> bool:
    """Return whether the buttons of a row that has no form stand at its right: few, beside a few short lines."""
    short = len(row.body) <= 1 and all(map(_is_short, row.body))
    return bool(row.title) and short and 0 < len(drop_unsafe_links(row.buttons)) <= BESIDE


def row_elements(row: Row, content: str, numbers: Iterator[int], *, asks: bool) -> Iterator[Element]:
    """Yield a row with its buttons: in a form if it `asks`, else beside or below it."""
    text = [markdown(content)] if content else []
    submits, others = split_buttons(row.buttons) if asks else ([], drop_unsafe_links(row.buttons))
    if submits:
        yield input_form(text, submits, numbers)
    elif content and stands_beside(row) and not asks:
        first, *rest = others
        yield beside(content, [button_element(first), *(button_element(button, light=True) for button in rest)])
        return
    else:
        yield from text
    yield from button_rows(others)


def _is_short(part: Line | Excerpt) -> bool:
    """Return whether a part of a body is one short line of words."""
    if not isinstance(part, Excerpt):
        return len(plain(part)) <= SHORT
    return (
        part.kind is ExcerptKind.QUOTE and len(part.lines) <= 1 and not part.more and len("".join(part.lines)) <= SHORT
    )


def button_rows(buttons: Sequence[Button]) -> Iterator[Element]:
    """Yield rows of buttons."""
    yield from rows_of([button_element(button) for button in buttons])


def split_buttons(buttons: Iterable[Button]) -> tuple[list[Button], list[Button]]:
    """Return the buttons that submit a form, and the others.

    Beside a button with a field, the other buttons submit the form, too: the input is then sent with any of them, such
    as a comment with an approval. A primary button asks its question in the form; any other with a question is not in
    it, so that nobody clicks it by mistake.
    """
    safe = drop_unsafe_links(buttons)
    if not any(button.field for button in safe):
        return [], safe
    apart = (button for button in safe if button.url or (button.confirm and button.style is not Style.PRIMARY))
    others = [button for button in apart if not button.field]
    submits = [button for button in safe if button not in others]
    return submits, others


def input_form(above: Sequence[Element], buttons: Sequence[Button], numbers: Iterator[int]) -> Element:
    """Return a form with the inputs of its buttons; an input is required only if all buttons require it."""
    fields: dict[str, list[Field]] = {}
    for button in buttons:
        if button.field:
            fields.setdefault(button.field.name, []).append(button.field)
    inputs = []
    for name, same in fields.items():
        required = sum(field.required for field in same) == len(buttons)
        inputs.append(input_element(same, f"{name}_{next(numbers)}", required=required, labelled=len(fields) > 1))
    submits = [button_element(button, f"button_{next(numbers)}") for button in buttons]
    return form([*above, *inputs, *rows_of(submits)], numbers)


def form(elements: Sequence[Element], numbers: Iterator[int]) -> Element:
    """Return components in a form."""
    return {"tag": "form", "name": f"form_{next(numbers)}", "elements": list(elements)}


def rows_of(elements: Sequence[Element]) -> Iterator[Element]:
    """Yield rows of a few components each."""
    for start in range(0, len(elements), BUTTONS):
        yield side_by_side(elements[start : start + BUTTONS])
