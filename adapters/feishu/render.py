"""Renders neutral cards as Feishu cards, JSON 2.0.

Of a long progress the rows stand in a table with pages, and the counts as tiles (`progress`); an app that refuses
tables gets rows. Forms and tables are allowed at the root of a card only: what asks for a text stands above the panel
of a folded section.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any, Final

from adapters.common.fitting import fit_card
from adapters.feishu.asking import (
    button_rows,
    form,
    input_form,
    pick_asking,
    row_elements,
    split_buttons,
    stands_beside,
)
from adapters.feishu.components import (
    Element,
    button_element,
    drop_unsafe_links,
    input_element,
    markdown,
    panel,
    plain_text,
    select_element,
    tinted,
)
from adapters.feishu.markdown import COLORS, FONT_COLORS, block, grey, inline, tag, words
from adapters.feishu.progress import (
    Count,
    condense,
    counts_in,
    is_many,
    is_open,
    set_aside,
    split_sections,
    table,
    tiles,
)
from adapters.feishu.text import CUT, fit
from adapters.feishu.validate import ENVELOPE, MAX_BYTES, MAX_ELEMENTS, count_elements, size_in_body
from core.card import (
    Button,
    Card,
    Excerpt,
    Form,
    Line,
    Link,
    Notice,
    Picker,
    Row,
    Section,
    Show,
    State,
    Style,
    Text,
    Tone,
    line,
)

TITLE: Final = 200  # characters, as in the next three
TAG: Final = 60
LINE: Final = 300  # of one line of the ask, the notices and the foot
BODY: Final = 3000  # of one line of a row
ASK: Final = 2  # lines
NOTICES: Final = 3
FOOT: Final = 4  # lines
TAGS: Final = 3  # labels beside the title
BUTTONS: Final = 5  # on a card that is too large without rows
OPTIONS: Final = 20  # of a list to pick from, for which rows make room


def render_card(card: Card, *, tables: bool = True) -> dict[str, Any]:
    """Return a card within Feishu's limits; where rows do not fit, lines count them.

    A card that is too large without rows keeps its first lines and buttons. Without `tables` it has rows in their
    place.
    """
    counts, ask = counts_in(card)
    card, many, tables = replace(card, ask=ask), is_many(card, counts), tables and is_open(card)
    if not tables:
        card = condense(card)
    elif many:
        card = set_aside(card)
    draw = partial(_draw, counts=counts, many=many, tables=tables)
    fitted = fit_card(card, lambda each: _fits(draw(each)))
    found = draw(fitted)
    if _fits(found):
        return _fill_picker(found, card.picker)
    hidden = sum(each.count for section in card.sections for each in section.hidden) + len(card.rows)
    foot = (line(f"{CUT} +{hidden}"),) if hidden else ()
    card = replace(card, ask=card.ask[:1], notices=card.notices[:1], sections=(), foot=foot, picker=None)
    return draw(replace(card, buttons=fitted.buttons[:BUTTONS]))


def _fill_picker(rendered: dict[str, Any], picker: Picker | None) -> dict[str, Any]:
    """Return a card whose list to pick from has as many options as there is room for."""
    menu = next((each for each in rendered["body"]["elements"] if each["tag"] == "select_static"), None)
    if picker and menu:
        few, every = menu["options"], select_element(picker, len(picker.options))["options"]
        for number in range(len(every), len(few), -5):
            menu["options"] = every[:number]
            if _fits(rendered):
                return rendered
        menu["options"] = few
    return rendered


def render_form(form_: Form, opened_by: str = "") -> dict[str, Any]:
    """Return a card with the fields of a form, in place of a dialog; `opened_by` is the message of its button."""
    numbers = count(1)
    frame = _frame(form_.title, form_.title, State())
    submit = Button(form_.verb, form_.submit, form_.ref, Style.PRIMARY)
    inputs = [input_element([each], f"{each.name}_{next(numbers)}", required=each.required) for each in form_.fields]
    button = button_element(submit, f"button_{next(numbers)}")
    button["behaviors"][0]["value"]["form"] = {"title": fit(form_.title, TITLE), "opened_by": opened_by}
    frame["body"]["elements"] = [form([*inputs, button], numbers)]
    return frame


def has_tables(rendered: dict[str, Any]) -> bool:
    """Return whether a rendered card has tables."""
    return any(element["tag"] == "table" for element in rendered["body"]["elements"])


def _fits(rendered: dict[str, Any]) -> bool:
    """Return whether Feishu takes a request with a card of this size."""
    return count_elements(rendered) <= MAX_ELEMENTS and size_in_body(rendered) + ENVELOPE <= MAX_BYTES


def _draw(card: Card, *, counts: Sequence[Count], many: bool, tables: bool) -> dict[str, Any]:
    """Return a card of whatever size. `counts` stand on top: as tiles if there are `many` items."""
    drawing = _Drawing(pick_asking(card))
    submits, others = split_buttons(card.buttons)
    more = drop_unsafe_links([card.more] if card.more else [])
    linked = more if card.foot and not others else []
    sections, paged = split_sections(card.sections) if tables else (card.sections, Section())
    opened = [each for section in sections if not section.folded for each in drawing.section(section)]
    asked = [input_form((), submits, drawing.numbers)] if submits else []
    frame = _frame(card.title, card.summary, card.state, counts, many=many)
    if card.personal:
        frame["config"]["enable_forward"] = False
    frame["body"]["elements"] = [
        *_lines(card.ask[:ASK]),
        *([tiles(counts)] if many else []),
        *_notices(card.notices),
        *opened,
        *_paged(paged),
        *asked,
        *button_rows(others if linked else others + more),
        *([select_element(card.picker, OPTIONS)] if card.picker and card.picker.options else []),
        *(each for section in sections if section.folded for each in drawing.panel(section)),
        *_foot(card.foot[:FOOT], linked),
    ] or [markdown(CUT)]
    return frame


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Draws the parts of one card, in which the row that asks for a text has the form."""

    asking: Row | None
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def section(self, section: Section) -> Iterator[Element]:
        """Yield an open section: its title, its rows, and the line that counts the others.

        A title stands in one line with a paragraph, or with the only row, of one line.
        """
        title = words(section.title, TITLE, strong=True) if section.rows or section.hidden else ""
        first = section.rows[0] if section.rows else Row()
        joins = not first.buttons and (not first.title or len(section.rows) == 1)
        if title and joins and (content := _content(first)) and "\n" not in content:
            section = replace(section, rows=section.rows[1:])
            title = f"{title}　{content}"
        if title:
            yield markdown(title)
        yield from self._rows(section)
        if section.rest:
            yield markdown(grey(words(section.rest, LINE)), small=True)

    def panel(self, section: Section) -> Iterator[Element]:
        """Yield a folded section; a row that asks stands above it, since no form is allowed within a panel."""
        outside = tuple(row for row in section.rows if row is self.asking)
        inside = tuple(row for row in section.rows if row is not self.asking)
        yield from self._rows(replace(section, rows=outside))
        rest = words(section.rest, LINE)
        title = words(section.title, TITLE, strong=True)
        elements = list(self._rows(replace(section, rows=inside)))
        if elements:
            elements += [markdown(grey(rest), small=True)] if rest else []
            yield panel(title or CUT, elements)
        elif shown := " ".join(filter(None, (title, grey(rest)))) if rest else "":
            yield markdown(shown)

    def _rows(self, section: Section) -> Iterator[Element]:
        """Yield rows, each as one component; the tasks of a progress that are one line each are one together."""
        lines: list[str] = []
        for row in section.rows:
            content = _content(row, broken=stands_beside(row) and row is not self.asking)
            if section.show is Show.PROGRESS and not row.buttons and "\n" not in content:
                lines += [content] if content else []
                continue
            if lines:
                yield markdown("\n".join(lines))
                lines = []
            yield from row_elements(row, content, self.numbers, asks=row is self.asking)
        if lines:
            yield markdown("\n".join(lines))


def _frame(
    title: str, summary: str, state: State, counts: Sequence[Count] = (), *, many: bool = False
) -> dict[str, Any]:
    """Return a card without elements.

    Of the counts, those that need somebody stand as labels beside the title, and the others below it unless there are
    so many items that tiles have them.
    """
    urgent = [each for each in counts if each.tone in (Tone.BAD, Tone.WAITING)]
    header: Element = {"title": {"tag": "plain_text", "content": fit(title, TITLE) or CUT}}
    if calm := " · ".join(each.text for each in counts if each not in urgent and not many):
        header["subtitle"] = plain_text(calm, TITLE)
    header["template"] = FONT_COLORS[state.tone]
    labels = [(f"{state.mark} {state.word}" if state.word else "", COLORS[Tone.NEUTRAL])]
    labels += [(each.text, COLORS[each.tone]) for each in urgent]
    tags = [
        {"tag": "text_tag", "text": plain_text(label, TAG), "color": color}
        for label, color in labels
        if fit(label, TAG)
    ]
    if tags:
        header["text_tag_list"] = tags[:TAGS]
    config = {"update_multi": True, "summary": {"content": fit(summary, TITLE)}}
    layout = {"direction": "vertical", "padding": "12px 12px 16px 12px", "vertical_spacing": "8px"}
    return {"schema": "2.0", "config": config, "header": header, "body": {**layout, "elements": []}}


def _lines(lines: Iterable[Line]) -> Iterator[Element]:
    """Yield lines as one component."""
    if shown := [content for each in lines if (content := inline(each, LINE))]:
        yield markdown("\n".join(shown))


def _foot(lines: Iterable[Line], links: Sequence[Button]) -> Iterator[Element]:
    """Yield lines as one component in small grey letters, with links at their end."""
    shown = "\n".join(grey(content) for each in lines if (content := inline(each, LINE)))
    linked = [inline((Link(button.label, button.url),), LINE) for button in links]
    if content := " · ".join(filter(None, [shown, *linked])):
        yield markdown(content, small=True)


def _notices(notices: Sequence[Notice]) -> Iterator[Element]:
    """Yield what must not be missed, on a ground in the colour of the worst, which is the first."""
    shown = [f"{_mark(each.tone)}{inline(_strong(each.line), LINE)}" for each in notices[:NOTICES]]
    if shown:
        more = [f"+{len(notices) - NOTICES}"] if len(notices) > NOTICES else []
        yield tinted("\n".join([*shown, *more]), notices[0].tone)


def _mark(tone: Tone) -> str:
    return "⚠️ " if tone in (Tone.BAD, Tone.WAITING) else ""


def _strong(spans: Line) -> Line:
    return tuple(replace(span, strong=True) if isinstance(span, Text) else span for span in spans)


def _paged(section: Section) -> Iterator[Element]:
    """Yield the table of the rows of all progress, and the line that counts those without room."""
    if section.rows:
        yield table(section)
    if section.rest:
        yield markdown(grey(words(section.rest, LINE)), small=True)


def _content(row: Row, *, broken: bool = False) -> str:
    """Return a row as Markdown: the head in bold with its state, the rest of its line, and its body.

    A line that is `broken` has its rest below the head: beside buttons there is little room.
    """
    title = words(row.title, TITLE, strong=True)
    if title and row.url:
        title = inline((Link(row.title, row.url),), TITLE)
        title = f"**{title}**" if title.startswith("[") else words(row.title, TITLE, strong=True)
    mark = words(row.state.mark, TAG) if row.title else ""
    rest = inline(row.line, BODY)
    if not any(isinstance(span, Text) and span.strong for span in row.line):
        rest = grey(rest)
    head = " ".join(filter(None, (mark, title, tag(row.state, TAG))))
    first = "\n" if broken else " "
    return "\n".join(filter(None, (first.join(filter(None, (head, rest))), *map(_part, row.body))))


def _part(part: Line | Excerpt) -> str:
    return block(part) if isinstance(part, Excerpt) else inline(part, BODY)
