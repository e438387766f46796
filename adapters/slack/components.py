"""Block Kit blocks for cards and modals, each within Slack's limits. Slack docs: reference/block-kit/blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, assert_never

from yarl import URL

from adapters.slack.text import EMPTY, JSON, clean, cut, flatten, line, plain_text
from core.card import (
    SAY,
    Button,
    Code,
    Excerpt,
    ExcerptKind,
    Field,
    Line,
    Link,
    Moment,
    Notice,
    Picker,
    Row,
    Span,
    State,
    Style,
    Text,
    plain,
)
from core.text import remove_invisible

LINK: Final = "link"  # the action_id of buttons that open a page; Slack sends their clicks, too
SECTION: Final = 3000  # characters in a section
_BUTTONS: Final = 25  # in one block, which Slack breaks into rows
_FIRST: Final = 3  # buttons that are never in a menu
_OPTIONS: Final = 5  # in an overflow menu
_PICKS: Final = 100  # options of a select menu
_OPTION_VALUE: Final = 150  # characters of the value of an option of an overflow menu
_LABEL: Final = 75  # characters of a label, and of the value of an option of a select menu
_URL: Final = 3000  # characters in a URL
_INPUT: Final = 3000  # characters in an input
_TITLE: Final = 300  # characters of the title of a row
_WORD: Final = 200  # characters of the name of a state
_SPAN: Final = 1000  # characters of a part of a line
_DATE: Final = "{date_short_pretty} {time}"
_FOOT: Final = 600  # characters of a line of the foot
_FOOT_LINES: Final = 10  # in a context
_TEXTS: Final = frozenset({"text", "title", "caption"})  # the keys of texts


def header(text: str) -> JSON:
    """Return the title of a card."""
    return {"type": "header", "text": line(text, 150)}


def heading(text: str) -> JSON:
    """Return the heading of a section."""
    return _rich_text(_bold(text, 150))


def head(state: State, ask: Sequence[Line]) -> list[JSON]:
    """Return the state of a card with what is asked of its reader, a line each; no block where nothing is said."""
    words = [_literal(f"{state.mark} ")] if state.mark and state.word else []
    words += [_bold(state.word, _WORD)] if state.word else []
    first, *more = [_spans(each) for each in ask] or [[]]
    lines = [[*words, *([_literal(" · ")] if words and first else ()), *first], *more]
    sections = [{"type": "rich_text_section", "elements": parts} for parts in lines if parts]
    return [{"type": "rich_text", "elements": sections}] if sections else []


def sentence(text: str, link: str = "", mentioned: Sequence[str] = ()) -> JSON:
    """Return a text, rendered literally, in which the URL `link` alone is a link; users are mentioned after it."""
    shown = cut(clean(text), SECTION) or EMPTY
    pieces = shown.split(link) if link and web_address(link) else [shown]
    parts = [part for piece in pieces for part in ({"type": "link", "url": link}, _literal(piece))][1:]
    users = [part for user in mentioned for part in (_literal(" "), {"type": "user", "user_id": user})]
    return _rich_text(*(part for part in parts if part.get("text") != ""), *users)


def notices(found: Sequence[Notice]) -> list[JSON]:
    """Return what must not be missed, as a quotation; no block where there is nothing."""
    lines = [_bold(f"⚠️ {plain(each.line)}", 300) for each in found]
    parts = [part for each in lines for part in (_literal("\n"), each)][1:]
    return [{"type": "rich_text", "elements": [{"type": "rich_text_quote", "elements": parts}]}] if parts else []


def row_elements(row: Row) -> list[JSON]:
    """Return the elements of rich_text for a row: its head, and what stands below it."""
    parts = _row_head(row)
    elements: list[JSON] = [{"type": "rich_text_section", "elements": parts}] if parts else []
    for part in row.body:
        elements += _excerpt(part) if isinstance(part, Excerpt) else _paragraph(part)
    return elements


def row_text(row: Row) -> str:
    """Return the head of a row, of whatever length, without its mark."""
    return " · ".join(part for part in (row.title, row.state.word, plain(row.line)) if flatten(part))


def row_list(rows: Iterable[Row]) -> JSON:
    """Return the element of rich_text that lists rows of one state."""
    return {"type": "rich_text_list", "style": "bullet", "elements": [_list_entry(row) for row in rows]}


def beside(row: Row, element: JSON) -> JSON:
    """Return the head of a row with a button beside it."""
    text = "".join(part.get("text") or part["fallback"] for part in _row_head(row))
    return {"type": "section", "text": plain_text(text, SECTION), "accessory": element, "expand": True}


def note(text: str) -> JSON:
    """Return a note in small print."""
    return {"type": "context", "elements": [plain_text(text, SECTION)]}


def foot(lines: Sequence[Line]) -> list[JSON]:
    """Return what is good to know, in small print."""
    texts = [plain_text(plain(each), _FOOT) for each in lines[:_FOOT_LINES] if plain(each).strip()]
    return [{"type": "context", "elements": texts}] if texts else []


def count_characters(node: object) -> int:
    """Return the number of characters of all texts in blocks. Every step of fitting counts, so it is quick."""
    count, left = 0, [node]
    while left:
        each = left.pop()
        if isinstance(each, dict):
            for key, value in each.items():
                if isinstance(value, str):
                    count += len(value) if key in _TEXTS else 0
                else:
                    left.append(value)
        elif isinstance(each, list):
            left += each
    return count


def actions(
    buttons: Sequence[Button], about: str = "", *, more: Button | None = None, picker: Picker | None = None
) -> list[JSON]:
    """Return rows of buttons, of which the rare ones are in a menu, with a picker and a link to `more`.

    An action_id is the verb, with a number where a row has the verb twice. What buttons are `about` is read out.
    """
    usable = [button for button in buttons if not button.url or web_address(button.url)]
    rare = [button for button in usable[_FIRST:] if _fits_menu(button)][:_OPTIONS]
    rare = rare if len(rare) > 1 else []
    shown = [button for button in usable if not any(button is each for each in rare)]
    elements = [button_element(button, about) for button in shown]
    elements += _select(picker) if picker else []
    elements += [button_element(more, about)] if more and web_address(more.url) else []
    if rare:
        elements.append({"type": "overflow", "action_id": "more", "options": [_menu_option(each) for each in rare]})
    rows = [elements[start : start + _BUTTONS] for start in range(0, len(elements), _BUTTONS)]
    for row in rows:
        used: set[str] = set()
        for number, element in enumerate(row):
            if element["action_id"] in used:
                element["action_id"] += f":{number}"
            used.add(element["action_id"])
    return [{"type": "actions", "elements": row} for row in rows]


def _fits_menu(button: Button) -> bool:
    """Return whether a button can be an option, which asks nothing before its click is sent; pages stay in sight."""
    asks = button.confirm and not button.field
    return button.verb != SAY and not asks and len(f"{button.verb} {button.ref}") <= _OPTION_VALUE


def _menu_option(button: Button) -> JSON:
    text = line(button.opening_label, _LABEL)
    if button.url:
        return {"text": text, "value": LINK, "url": web_address(button.url)}
    return {"text": text, "value": f"{button.verb} {button.ref}"}


def _select(picker: Picker) -> list[JSON]:
    """Return the menu of a picker, with as many options as it may have; none where no option is valid."""
    valid = (option for option in picker.options if 1 <= len(option.ref) <= _LABEL)
    options = [{"text": line(option.label, _LABEL), "value": option.ref} for option in islice(valid, _PICKS)]
    placeholder = line(picker.label, 150)
    menu = {"type": "static_select", "action_id": picker.verb, "placeholder": placeholder, "options": options}
    return [menu] if options else []


def button_element(button: Button, about: str = "") -> JSON:
    """Return a button that sends its verb and ref, or opens a page."""
    action_id = LINK if button.url else button.verb
    element: JSON = {"type": "button", "text": line(button.opening_label, _LABEL), "action_id": action_id}
    if about:
        element["accessibility_label"] = cut(flatten(f"{button.label} {about}"), _LABEL) or EMPTY
    if button.style is not Style.DEFAULT:
        element["style"] = button.style.value
    if button.url:
        return element | {"url": web_address(button.url)}
    if button.ref:
        element["value"] = button.ref
    if button.confirm and not button.field:  # a modal asks for the field, and can be cancelled
        element["confirm"] = _confirm(button)
    return element


def input_block(field: Field) -> JSON:
    """Return the input for a field of a form."""
    limit = min(max(field.max_length, 1), _INPUT)
    element: JSON = {
        "type": "plain_text_input",
        "action_id": field.name,
        "multiline": field.multiline,
        "max_length": limit,
    }
    if value := clean(field.value):
        element["initial_value"] = value[:limit]
    block = {
        "type": "input",
        "block_id": field.name,
        "label": line(field.label, 2000),
        "optional": not field.required,
        "element": element,
    }
    return block | {"hint": plain_text(field.hint, 2000)} if field.hint else block


def _row_head(row: Row) -> list[JSON]:
    """Return a row's title with its mark, state and line; each part has a text."""
    title = cut(flatten(f"{row.state.mark} {row.title}"), _TITLE)
    parts = [_literal(title) | {"style": {"bold": True}}] if title else []
    word = cut(flatten(row.state.word), _WORD) if row.title else ""
    rest = [[_literal(word)] if word else [], _spans(row.line)]
    return [*parts, *(part for spans in rest if spans for part in ([_literal(" · ")] if parts else []) + spans)]


def _list_entry(row: Row) -> JSON:
    """Return the head of a row in a list; its title opens what it is about."""
    parts = _row_head(row) or [_literal(EMPTY)]
    if url := web_address(row.url):
        parts[0] = {"type": "link", "url": url, "text": parts[0].get("text") or EMPTY}
    return {"type": "rich_text_section", "elements": parts}


def _paragraph(spans: Line) -> list[JSON]:
    parts = _spans(spans)
    return [{"type": "rich_text_section", "elements": parts}] if parts else []


def _excerpt(excerpt: Excerpt) -> Iterator[JSON]:
    """Yield lines to the letter, and that there are more of them."""
    kind = "rich_text_quote" if excerpt.kind is ExcerptKind.QUOTE else "rich_text_preformatted"
    if letters := cut(remove_invisible("\n".join(excerpt.lines)).rstrip(), SECTION):
        yield {"type": kind, "elements": [_literal(letters)]}
    if more := cut(flatten(excerpt.more), _WORD):
        yield {"type": "rich_text_section", "elements": [_literal(more) | {"style": {"italic": True}}]}


def _spans(spans: Line) -> list[JSON]:
    """Return the parts of a line, without those that are empty."""
    shown = (span for span in spans if flatten(span.text) or (isinstance(span, Text) and _is_space(span.text)))
    return [_span(span) for span in shown]


def _is_space(text: str) -> bool:
    return remove_invisible(text).isspace()


def _span(span: Span) -> JSON:
    text = cut(" ".join(remove_invisible(span.text).split("\n")), _SPAN)
    match span:
        case Text(_, strong, struck):
            style = {name: True for name, given in (("bold", strong), ("strike", struck)) if given}
            return _literal(text) | ({"style": style} if style else {})
        case Code():
            return _literal(text) | {"style": {"code": True}}
        case Link(_, url) if web_address(url):
            return {"type": "link", "url": web_address(url), "text": text}
        case Moment(at):  # each reader sees it in their own time zone
            return {"type": "date", "timestamp": int(at.timestamp()), "format": _DATE, "fallback": text}
        case Link():
            return _literal(text)
        case _:
            assert_never(span)


def _rich_text(*parts: JSON) -> JSON:
    """Return a block of texts and links in which Slack looks for no markup: of a bare URL it makes no link."""
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(parts)}]}


def _literal(text: str) -> JSON:
    return {"type": "text", "text": text}


def _bold(text: str, limit: int) -> JSON:
    return _literal(cut(flatten(text), limit) or EMPTY) | {"style": {"bold": True}}


def _confirm(button: Button) -> JSON:
    dialog = {
        "title": line(button.label, 100),
        "text": plain_text(button.confirm, 300),
        "confirm": line(button.label, 30),
        "deny": plain_text("✕", 30),  # needs no translation
    }
    return dialog | ({} if button.style is Style.DEFAULT else {"style": button.style.value})


def web_address(url: str) -> str:
    """Return a web address in Slack's format, or "" for any other URL: its button is left out, and the card sent."""
    try:
        address = URL(url)
    except ValueError:
        return ""
    is_web = address.scheme in ("http", "https") and address.host and len(str(address)) <= _URL
    return str(address) if is_web else ""
