"""The neutral card: content without layout. Each chat adapter renders it within its vendor's limits.

All texts are plain, and already in the reader's language; adapters escape them. Makers order the rows and weigh them;
adapters decide about size alone (`adapters.common.fitting`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum
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


class Weight(IntEnum):
    """How much a reader needs a row; the lowest number is the heaviest. Heavier rows get room before lighter ones."""

    BAD = 1
    YOURS = 2
    RISKY = 3
    CHANGED = 4
    PERSON = 5
    READY = 6
    RUNNING = 7
    LATER = 8
    SAME = 9
    DONE = 10


@dataclass(frozen=True, slots=True)
class Text:
    """Words, perhaps emphasized or struck out."""

    text: str
    strong: bool = False
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A name, a value or a command, to the letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment. `text` is for vendors that cannot show `at`, which is aware, in the time zone of who reads."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A text that opens a page."""

    text: str
    url: str


Span = Code | Text | Moment | Link
Line = tuple[Span, ...]
"""One line. What people wrote stands in Text and Code alone."""


def line(*parts: str | Span) -> Line:
    """Return a line of its parts, without those that are empty; a string is plain text."""
    return tuple(Text(part) if isinstance(part, str) else part for part in parts if part)


def join_lines(lines: Iterable[Line], separator: str = " · ") -> Line:
    """Return the lines that are not empty as one."""
    found = [each for each in lines if each]
    return tuple(span for index, each in enumerate(found) for span in ((Text(separator),) if index else ()) + each)


def plain(spans: Line) -> str:
    """Return the text of a line without emphasis."""
    return "".join(span.text for span in spans)


@dataclass(frozen=True, slots=True)
class State:
    """The state of what a card or a row shows. A mark never stands without its word, except in front of a title."""

    tone: Tone = Tone.NEUTRAL
    mark: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What must not be missed."""

    line: Line
    tone: Tone = Tone.BAD


class ExcerptKind(StrEnum):
    """What sort of text an excerpt is of. A line of a diff begins with `-`, `+` or a space."""

    CODE = "code"
    DIFF = "diff"
    OUTPUT = "output"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a text to the letter, and `more`: that there are others, such as `+4 lines`; empty if there are none.

    `language` is the programming language of code, such as `sql`; empty if it is not known.
    """

    kind: ExcerptKind
    lines: tuple[str, ...]
    more: str = ""
    language: str = ""


Body = tuple[Line | Excerpt, ...]


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

    @property
    def opening_label(self) -> str:
        """The label where a press opens something first, a field or a question: it then ends in `…`.

        That of a primary button without a field stays as it is: its question repeats a risk that the card names.
        """
        asks = self.field or (self.confirm and self.style is not Style.PRIMARY)
        return f"{self.label}…" if asks else self.label


@dataclass(frozen=True, slots=True)
class Row:
    """A part of a list (an item, a vote, a plan), or a paragraph if it has a body and no title.

    `line` is the rest of what one must know at once, `body` what stands below it. `url` opens what the row is about.
    """

    title: str = ""
    weight: Weight = Weight.LATER
    state: State = State()
    line: Line = ()
    body: Body = ()
    buttons: tuple[Button, ...] = ()
    url: str = ""

    @property
    def short(self) -> Row:
        """The row in short: its head alone. Rows that somebody must act on keep their buttons."""
        buttons = self.buttons if self.weight <= Weight.YOURS else ()
        return replace(self, line=(), body=(), buttons=buttons)


class Show(StrEnum):
    """How a section is shown, where the vendor can: PROGRESS as a list of tasks."""

    LIST = "list"
    PROGRESS = "progress"


class Part(StrEnum):
    """Which part of a card a section is, for vendors that have a place of its own for each; CONTENT is the rest."""

    CONTENT = "content"
    CHANGES = "changes"
    TOUCHES = "touches"
    VOTES = "votes"


@dataclass(frozen=True, slots=True)
class Hidden:
    """How many rows of one state a section does not show; `word` is that of the state, or empty."""

    word: str
    count: int


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a card. A `folded` one is closed until somebody opens it, where the vendor can.

    `hidden` counts the rows that are not in `rows`. `columns` are the names of the title, the state and the line of a
    row, for where the rows stand in a table. `part` is which part of the card it is.
    """

    title: str = ""
    rows: tuple[Row, ...] = ()
    show: Show = Show.LIST
    folded: bool = False
    hidden: tuple[Hidden, ...] = ()
    columns: tuple[str, str, str] | tuple[()] = ()
    part: Part = Part.CONTENT

    @property
    def rest(self) -> str:
        """The line that counts hidden rows, such as `+19 ready · +120 done`; empty if none are hidden."""
        return " · ".join(f"+{each.count} {each.word}".rstrip() for each in self.hidden)


@dataclass(frozen=True, slots=True)
class Option:
    """One of several things to pick."""

    label: str
    ref: str


@dataclass(frozen=True, slots=True)
class Picker:
    """A list to pick one thing from, which sends `verb` and the `ref` of that back. Not every vendor shows it.

    Where there is too little room for all `options`, the first ones are shown.
    """

    label: str
    verb: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A whole card. `summary` is the line for notifications; `more` links to the page, for where a card is cut.

    `ask` says in one or two lines what is wanted, and by when; `notices` what must not be missed, the worst first; and
    `foot` what is good to know. `review` links to the page in place of `buttons` that decide (those that are PRIMARY)
    where not every risky and changed row finds room in full. With a `picker`, what a row does not offer is still within
    reach. The links of a `personal` card sign its reader in, so that nobody must pass it on.
    """

    title: str
    summary: str
    state: State = State()
    ask: tuple[Line, ...] = ()
    notices: tuple[Notice, ...] = ()
    sections: tuple[Section, ...] = ()
    buttons: tuple[Button, ...] = ()
    foot: tuple[Line, ...] = ()
    more: Button | None = None
    review: Button | None = None
    personal: bool = False
    picker: Picker | None = None

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all sections."""
        return tuple(row for section in self.sections for row in section.rows)

    def without_buttons(self) -> Card:
        """Return the card without buttons; the link to the page in `more` stays."""
        return replace(self.with_rows(lambda row: replace(row, buttons=())), buttons=(), review=None, picker=None)

    def with_rows(self, change: Callable[[Row], Row]) -> Card:
        """Return the card with each row changed."""
        sections = (replace(section, rows=tuple(map(change, section.rows))) for section in self.sections)
        return replace(self, sections=tuple(sections))


def count_hidden(hidden: Iterable[Hidden], rows: Iterable[Row] = ()) -> tuple[Hidden, ...]:
    """Return the counts of rows that are not shown, with more such rows: one count for each state."""
    counts: Counter[str] = Counter()
    for each in hidden:
        counts[each.word] += each.count
    counts.update(row.state.word for row in rows)
    return tuple(Hidden(word, count) for word, count in counts.items())


def leave_out(section: Section, gone: Iterable[Row]) -> Section:
    """Return a section without some of its rows, which are counted. They are known by identity: rows may be equal."""
    ids = set(map(id, gone))
    rows = tuple(row for row in section.rows if id(row) not in ids)
    left_out = (row for row in section.rows if id(row) in ids)
    return replace(section, rows=rows, hidden=count_hidden(section.hidden, left_out))


def paragraph(*lines: str, title: str = "") -> Section:
    """Return a section that is nothing but a text, of which each line is a paragraph."""
    return Section(title, (Row(body=tuple(line(each) for each in lines if each)),))


@dataclass(frozen=True, slots=True)
class Form:
    """A form of several fields, for chats that have dialogs. Its values are sent back with `verb` and `ref`."""

    verb: str
    ref: str
    title: str
    submit: str
    fields: tuple[Field, ...]
