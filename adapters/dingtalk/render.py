"""A card as the variables of the card template, or as markdown where there is no template or not enough room.

A variable holds at most 1024 bytes, so lists are cut and the page that shows everything is linked. The template has
one set of buttons for the plan and one for an item: the first that something can be done about. The other items have
their turn when this one is done; until then they are reached by typed commands and on the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from adapters.dingtalk.text import clean, cut, cut_lines, escape, flat, size
from adapters.dingtalk.validate import ITEM_VERBS, MAX_VALUE_BYTES, PLAN_VERBS
from adapters.dingtalk.words import Words
from core.card import Button, Card, Row, Section, Tone

MESSAGE_BYTES = 6000
"""The most of a markdown message: `msgParam` may have 15,000 bytes, and JSON may double what it quotes."""

_COLORS = {Tone.NEUTRAL: "gray", Tone.WAITING: "orange", Tone.ACTIVE: "blue", Tone.GOOD: "green", Tone.BAD: "red"}
_TITLE_BYTES = 300
_LINE_BYTES = 400
_NUMBER = re.compile(r"#(\d+)\b")
_POSITION = re.compile(r"(\d+)\. ")


def variables(card: Card) -> dict[str, str]:
    """Return the public variables of the template."""
    current = next((row for row in _rows(card) if _of(row.buttons, ITEM_VERBS)), Row(""))
    on_plan, on_item = _of(card.buttons, PLAN_VERBS), _of(current.buttons, ITEM_VERBS)
    shown = {button.verb: button for button in (*on_plan, *on_item)}
    items = _items(card)
    return {
        "title": cut(flat(card.title), _TITLE_BYTES),
        "status": cut(flat(card.tag), _TITLE_BYTES),
        "status_color": _COLORS[card.tone],
        "body": _body(card, [section for section in card.sections if section is not items]),
        "details": cut("\n\n".join(clean(section.text) for section in card.sections if section.text), MAX_VALUE_BYTES),
        "items": cut_lines([_line(row) for row in items.rows], MAX_VALUE_BYTES),
        "item": cut(_line(current), MAX_VALUE_BYTES),
        "footer": cut("\n".join(f"{flat(b.label)}: {flat(b.confirm)}" for b in on_plan if b.confirm), MAX_VALUE_BYTES),
        "ref": on_plan[0].ref if on_plan else "",
        "item_ref": on_item[0].ref if on_item else "",
        "show_input": _flag(any(button.field for button in shown.values())),
        **{f"show_{verb}": _flag(verb in shown) for verb in PLAN_VERBS + ITEM_VERBS},
    }


def has_buttons(card: Card) -> bool:
    """Tell whether the template can offer something to do; if not, a message holds more than its variables."""
    return bool(_of(card.buttons, PLAN_VERBS) or any(_of(row.buttons, ITEM_VERBS) for row in _rows(card)))


def message(card: Card, words: Words) -> str:
    """Return the markdown of a message that takes the place of the card, with commands to type for its buttons."""
    lines = [f"### {escape(card.title)}", _bold(card.tag), *_facts(card)]
    for section in card.sections:
        lines.append(_bold(section.heading))
        lines += [f"• {escape(line)}" for line in clean(section.text).splitlines() if line.strip()]
        lines += [f"• {escape(_line(row))}" for row in section.rows]
    lines += _links(card)
    if commands := [f"`{command}`" for command in _commands(card, words)]:
        lines += [words.type_this, " ".join(commands)]
    return _with_link(lines, card.more, MESSAGE_BYTES)


def _body(card: Card, sections: list[Section]) -> str:
    lines = _facts(card)
    for section in sections:
        lines += [_bold(section.heading)] if section.rows else []
        lines += [f"• {escape(_line(row))}" for row in section.rows]
    return _with_link(lines + _links(card), card.more, MAX_VALUE_BYTES)


def _links(card: Card) -> list[str]:
    """Return where the runs of items are seen, those first about which something can be done."""
    rows = sorted((row for row in _rows(card) if row.url), key=lambda row: not row.buttons)
    links = [f"• [{escape(flat(row.title))}]({row.url})" for row in rows]
    return [link for link in links if size(link) <= _LINE_BYTES]


def _facts(card: Card) -> list[str]:
    note = [f"⚠️ {escape(card.note)}"] if card.note else []
    return note + [f"{_bold(fact.label) or '•'} {escape(fact.value)}" for fact in card.facts]


def _bold(text: str) -> str:
    return f"**{escape(text)}**" if flat(text) else ""


def _with_link(lines: list[str], more: Button | None, limit: int) -> str:
    """Return paragraphs that fit, and below them the link to the whole."""
    shown = [cut(line, _LINE_BYTES) for line in lines if line]
    link = f"\n\n[{escape(more.label)}]({more.url})" if more and more.url else ""
    return cut_lines(shown, limit - size(link), "\n\n") + link


def _rows(card: Card) -> Iterator[Row]:
    return (row for section in card.sections for row in section.rows)


def _items(card: Card) -> Section:
    """Return the section that is shown as the list of items: the one with things to do, or else the longest."""
    return max(
        card.sections,
        key=lambda section: (any(_of(row.buttons, ITEM_VERBS) for row in section.rows), len(section.rows)),
        default=Section(),
    )


def _line(row: Row) -> str:
    return flat(" · ".join(part for part in (f"{row.mark} {row.title}".strip(), row.detail) if part))


def _of(buttons: tuple[Button, ...], verbs: tuple[str, ...]) -> list[Button]:
    return [button for button in buttons if button.verb in verbs and button.ref]


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _commands(card: Card, words: Words) -> Iterator[str]:
    """Yield what to type for each button of a plan, its items, or a list of plans."""
    plan = _NUMBER.match(card.title)
    if plan:
        yield from (words.typed(button, plan[1]) for button in card.buttons)
    for row in _rows(card):
        number, position = _NUMBER.match(row.title), _POSITION.match(row.title)
        for button in row.buttons:
            if plan and position and button.verb in ITEM_VERBS:
                yield words.typed(button, plan[1], position[1])
            elif number and button.verb == "show":
                yield words.typed(button, number[1])
