"""The neutral card: content without layout. Each chat adapter renders it within its vendor's limits.

All texts are plain, and already in the reader's language; adapters escape them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

SAY: Final = "say"
"""The verb of a button whose `ref` is a command, which a click runs as if it were typed."""


class Tone(StrEnum):
    """What sort of state a card reports; rendered as a colour where the vendor has colours."""

    NEUTRAL = "neutral"
    WAITING = "waiting"
    ACTIVE = "active"
    GOOD = "good"
    BAD = "bad"


class Style(StrEnum):
    """How a button is emphasized."""

    PRIMARY = "primary"
    DEFAULT = "default"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Field:
    """An input for a text, beside a button or in a form. `name` is `text` unless a form has several fields."""

    label: str
    name: str = "text"
    hint: str = ""
    required: bool = False
    multiline: bool = False
    value: str = ""
    max_length: int = 1000


@dataclass(frozen=True, slots=True)
class Button:
    """A button. A click sends `verb` and the opaque `ref` back; with `url` it opens a page instead.

    `field` is a text to enter before the click is sent; `confirm` is a question to answer before.
    """

    verb: str
    label: str
    ref: str = ""
    style: Style = Style.DEFAULT
    field: Field | None = None
    confirm: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A label with a value: manager, window, revision."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list (an item, a vote, a plan): a mark for its state, a title, a detail, and its buttons.

    `lines` say what will run, to the letter. Where there is no room for those of all rows, `risky` rows keep theirs.
    """

    title: str
    mark: str = ""
    detail: str = ""
    url: str = ""
    buttons: tuple[Button, ...] = ()
    lines: tuple[str, ...] = ()
    risky: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a card: a heading, a longer text, rows."""

    heading: str = ""
    text: str = ""
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A whole card. `summary` is the line for notifications; `more` links to the page, for where a card is cut.

    `notices` are what must not be missed, the worst first.
    """

    title: str
    summary: str
    tone: Tone = Tone.NEUTRAL
    tag: str = ""
    facts: tuple[Fact, ...] = ()
    sections: tuple[Section, ...] = ()
    buttons: tuple[Button, ...] = ()
    note: str = ""
    more: Button | None = None
    notices: tuple[str, ...] = ()

    def only_risky_lines(self) -> Card:
        """Return the card with the lines of risky rows alone, which come first in their sections."""
        return self._with_rows(lambda rows: sorted((_keep_risky(row) for row in rows), key=lambda row: not row.risky))

    def without_buttons(self) -> Card:
        """Return the card without buttons; the link to the page stays."""
        return replace(self._with_rows(lambda rows: [replace(row, buttons=()) for row in rows]), buttons=())

    def _with_rows(self, change: Callable[[Sequence[Row]], Sequence[Row]]) -> Card:
        sections = (replace(section, rows=tuple(change(section.rows))) for section in self.sections)
        return replace(self, sections=tuple(sections))


def _keep_risky(row: Row) -> Row:
    return row if row.risky else replace(row, lines=())


@dataclass(frozen=True, slots=True)
class Form:
    """A form of several fields, for chats that have dialogs. Its values are sent back with `verb` and `ref`."""

    verb: str
    ref: str
    title: str
    submit: str
    fields: tuple[Field, ...]
