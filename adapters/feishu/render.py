"""Renders neutral cards as Feishu cards, JSON 2.0.

Feishu has no dialogs: the field of a button becomes an input in a form inside the card, which the buttons beside it
submit, too. Forms are allowed at the root of a card only, so an item with such buttons is one form, and stands above
the panel of a folded section. The names of inputs are `<field>_<number>`, since they must be unique within a card;
`inbound` removes the numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, Final

from adapters.common.fitting import fit_card
from adapters.feishu.components import (
    Element,
    beside,
    button_element,
    drop_unsafe_links,
    input_element,
    markdown,
    panel,
    plain_text,
    side_by_side,
    tinted,
)
from adapters.feishu.markdown import COLORS, block, grey, inline, tag, words
from adapters.feishu.text import CUT, fit
from adapters.feishu.validate import ENVELOPE, MAX_BYTES, MAX_ELEMENTS, count_elements, size_in_body
from core.card import (
    Button,
    Card,
    Excerpt,
    Field,
    Form,
    Hidden,
    Line,
    Link,
    Notice,
    Row,
    Section,
    Show,
    State,
    Style,
    Text,
    Tone,
    Weight,
    line,
)

_TEMPLATES: Final = {**COLORS, Tone.NEUTRAL: "grey"}
TITLE: Final = 200  # characters, as in the next three
TAG: Final = 60
LINE: Final = 300  # of one line of the ask, the notices and the foot
BODY: Final = 3000  # of one line of a row
ASK: Final = 2  # lines
NOTICES: Final = 3
FOOT: Final = 4  # lines
BUTTONS: Final = 5  # in one row
PROGRESS: Final = 20  # rows of a progress that nobody must press or check
BESIDE: Final = 2  # buttons at the right of a row


def render_card(card: Card) -> dict[str, Any]:
    """Return a card within Feishu's limits; where rows do not fit, lines count them.

    A card that is too large without rows keeps its first lines and buttons.
    """
    card = replace(card, sections=tuple(map(_condense, card.sections)))
    fitted = fit_card(card, lambda each: _fits(_render(each)))
    found = _render(fitted)
    if _fits(found):
        return found
    hidden = sum(each.count for section in card.sections for each in section.hidden) + len(card.rows)
    foot = (line(f"{CUT} +{hidden}"),) if hidden else ()
    buttons = fitted.buttons[:BUTTONS]
    return _render(replace(card, ask=card.ask[:1], notices=card.notices[:1], sections=(), buttons=buttons, foot=foot))


def render_form(form: Form) -> dict[str, Any]:
    """Return a card with the fields of a form, in place of a dialog."""
    numbers = count(1)
    frame = _frame(form.title, form.title, State())
    submit = Button(form.verb, form.submit, form.ref, Style.PRIMARY)
    inputs = [input_element([field], f"{field.name}_{next(numbers)}", required=field.required) for field in form.fields]
    frame["body"]["elements"] = [_form([*inputs, button_element(submit, f"button_{next(numbers)}")], numbers)]
    return frame


def _condense(section: Section) -> Section:
    """Return a section, of a long progress without the lightest of the rows that nobody must press or check."""
    idle = [row for row in section.rows if not row.buttons and row.weight > Weight.CHANGED]
    if section.show is not Show.PROGRESS or len(idle) <= PROGRESS:
        return section
    cut = set(map(id, sorted(idle, key=lambda row: row.weight)[PROGRESS:]))
    hidden = Counter({each.word: each.count for each in section.hidden})
    hidden.update(row.state.word for row in section.rows if id(row) in cut)
    rows = tuple(row for row in section.rows if id(row) not in cut)
    return replace(section, rows=rows, hidden=tuple(Hidden(*each) for each in hidden.items()))


def _fits(rendered: dict[str, Any]) -> bool:
    """Return whether Feishu takes a request with a card of this size."""
    return count_elements(rendered) <= MAX_ELEMENTS and size_in_body(rendered) + ENVELOPE <= MAX_BYTES


def _render(card: Card) -> dict[str, Any]:
    """Return a card of whatever size."""
    numbers = count(1)
    frame = _frame(card.title, card.summary, card.state)
    opened = [element for section in card.sections if not section.folded for element in _section(section, numbers)]
    folded = [element for section in card.sections if section.folded for element in _panel(section, numbers)]
    elements = [
        *_lines(card.ask[:ASK]),
        *_notices(card.notices),
        *opened,
        *_buttons(card, numbers),
        *folded,
        *_lines(card.foot[:FOOT], small=True),
    ]
    frame["body"]["elements"] = elements or [markdown(CUT)]
    return frame


def _frame(title: str, summary: str, state: State) -> dict[str, Any]:
    """Return a card without elements."""
    header: Element = {"title": {"tag": "plain_text", "content": fit(title, TITLE) or CUT}}
    header["template"] = _TEMPLATES[state.tone]
    if label := fit(f"{state.mark} {state.word}" if state.word else "", TAG):
        header["text_tag_list"] = [{"tag": "text_tag", "text": plain_text(label, TAG), "color": COLORS[state.tone]}]
    config = {"update_multi": True, "summary": {"content": fit(summary, TITLE)}}
    layout = {"direction": "vertical", "padding": "12px 12px 16px 12px", "vertical_spacing": "8px"}
    return {"schema": "2.0", "config": config, "header": header, "body": {**layout, "elements": []}}


def _lines(lines: Iterable[Line], *, small: bool = False) -> Iterator[Element]:
    """Yield lines as one component; small ones are grey."""
    shown = [content for each in lines if (content := inline(each, LINE))]
    if shown:
        yield markdown("\n".join(map(grey, shown) if small else shown), small=small)


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


def _section(section: Section, numbers: Iterator[int]) -> Iterator[Element]:
    """Yield an open section: its title, its rows, and the line that counts the others.

    A title and a paragraph of one line stand in one line.
    """
    title = words(section.title, TITLE, strong=True) if section.rows or section.hidden else ""
    first = section.rows[0] if section.rows else Row()
    if title and not first.title and not first.buttons and (content := _content(first)) and "\n" not in content:
        section = replace(section, rows=section.rows[1:])
        title = f"{title}　{content}"
    if title:
        yield markdown(title)
    yield from _rows(section, numbers)
    if section.rest:
        yield markdown(grey(words(section.rest, LINE)), small=True)


def _panel(section: Section, numbers: Iterator[int]) -> Iterator[Element]:
    """Yield a folded section; its rows with fields stand above it, since no form is allowed within a panel."""
    outside = tuple(row for row in section.rows if _split_buttons(row.buttons)[0])
    inside = tuple(row for row in section.rows if row not in outside)
    yield from _rows(replace(section, rows=outside), numbers)
    rest = words(section.rest, LINE)
    title = words(section.title, TITLE, strong=True)
    elements = list(_rows(replace(section, rows=inside), numbers))
    if elements:
        elements += [markdown(grey(rest), small=True)] if rest else []
        yield panel(title or CUT, elements)
    elif shown := " ".join(filter(None, (title, grey(rest)))) if rest else "":
        yield markdown(shown)


def _rows(section: Section, numbers: Iterator[int]) -> Iterator[Element]:
    """Yield rows, each as one component; the tasks of a progress that are one line each are one component together."""
    lines: list[str] = []
    for row in section.rows:
        content = _content(row)
        if section.show is Show.PROGRESS and not row.buttons and "\n" not in content:
            lines += [content] if content else []
            continue
        if lines:
            yield markdown("\n".join(lines))
            lines = []
        yield from _row(row, content, numbers)
    if lines:
        yield markdown("\n".join(lines))


def _row(row: Row, content: str, numbers: Iterator[int]) -> Iterator[Element]:
    submits, others = _split_buttons(row.buttons)
    text = [markdown(content)] if content else []
    if submits:
        yield _input_form(text, submits, numbers)
    elif others and content and len(others) <= BESIDE and "\n" not in content:
        yield beside(content, map(button_element, others))
        return
    else:
        yield from text
    yield from _button_rows(others)


def _content(row: Row) -> str:
    """Return a row as Markdown: the head in bold with its state, the rest of its line, and its body."""
    title = words(row.title, TITLE, strong=True)
    if title and row.url:
        title = inline((Link(row.title, row.url),), TITLE)
        title = f"**{title}**" if title.startswith("[") else words(row.title, TITLE, strong=True)
    mark = words(row.state.mark, TAG) if row.title else ""
    rest = inline(row.line, BODY)
    if all(isinstance(span, Text) and not span.strong for span in row.line):
        rest = grey(rest)
    head = " ".join(filter(None, (mark, title, tag(row.state, TAG), rest)))
    return "\n".join(filter(None, (head, *map(_part, row.body))))


def _part(part: Line | Excerpt) -> str:
    return block(part) if isinstance(part, Excerpt) else inline(part, BODY)


def _buttons(card: Card, numbers: Iterator[int]) -> Iterator[Element]:
    """Yield the buttons of the card, the link to the page last."""
    submits, others = _split_buttons(card.buttons)
    if submits:
        yield _input_form((), submits, numbers)
    yield from _button_rows(others + drop_unsafe_links([card.more] if card.more else []))


def _button_rows(buttons: Sequence[Button]) -> Iterator[Element]:
    for start in range(0, len(buttons), BUTTONS):
        yield side_by_side(map(button_element, buttons[start : start + BUTTONS]))


def _split_buttons(buttons: Iterable[Button]) -> tuple[list[Button], list[Button]]:
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


def _input_form(above: Sequence[Element], buttons: Sequence[Button], numbers: Iterator[int]) -> Element:
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
    return _form([*above, *inputs, side_by_side(submits)], numbers)


def _form(elements: Sequence[Element], numbers: Iterator[int]) -> Element:
    return {"tag": "form", "name": f"form_{next(numbers)}", "elements": list(elements)}
