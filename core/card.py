"""The neutral card: what is shown, without saying how. Each chat adapter renders it within its vendor's limits.

Every text is plain; adapters escape it. Texts are already in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Tone(StrEnum):
    """The mood of a card: colour where the vendor has one."""

    NEUTRAL = "neutral"
    WAITING = "waiting"
    ACTIVE = "active"
    GOOD = "good"
    BAD = "bad"


class Style(StrEnum):
    """How a button presents itself."""

    PRIMARY = "primary"
    DEFAULT = "default"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Field:
    """A text that is asked for before a button's command is sent; `name` is `text` unless a form has several."""

    label: str
    name: str = "text"
    hint: str = ""
    required: bool = False
    multiline: bool = False
    value: str = ""
    max_length: int = 1000


@dataclass(frozen=True, slots=True)
class Button:
    """One thing to do. `verb` and the opaque `ref` come back with the click; `url` opens a page instead.

    `field` asks for a text first; `confirm` asks whether it is meant.
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
    """One line of a list (an item, a vote, a plan): a mark for its state, a title, a detail, what can be done."""

    title: str
    mark: str = ""
    detail: str = ""
    url: str = ""
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a card: a heading, a longer text, rows."""

    heading: str = ""
    text: str = ""
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A whole card. `summary` is the one-line text for notifications; `more` links to the full page where it is cut."""

    title: str
    summary: str
    tone: Tone = Tone.NEUTRAL
    tag: str = ""
    facts: tuple[Fact, ...] = ()
    sections: tuple[Section, ...] = ()
    buttons: tuple[Button, ...] = ()
    note: str = ""
    more: Button | None = None

    def without_buttons(self) -> Card:
        """Return the card as something to read only; its link stays."""
        sections = (replace(s, rows=tuple(replace(row, buttons=()) for row in s.rows)) for s in self.sections)
        return replace(self, sections=tuple(sections), buttons=())


@dataclass(frozen=True, slots=True)
class Form:
    """A form of several fields, for chats that have dialogs; `verb` and `ref` come back with its values."""

    verb: str
    ref: str
    title: str
    submit: str
    fields: tuple[Field, ...]
