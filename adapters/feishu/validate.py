"""Validates cards against Feishu's rules.

Feishu answers an invalid card with code 230099 and one terse reason; `problems` returns all reasons with their places.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError

from adapters.feishu.card_schema import (
    Body,
    Button,
    Card,
    ColumnSet,
    Component,
    Entry,
    Form,
    Interactive,
    Markdown,
    Panel,
    Table,
    TableOption,
)

MAX_BYTES: Final = 30_000  # of the body of a request, in which the card is a string of JSON
ENVELOPE: Final = 300  # bytes of the body around the card: receiver, type and key
MAX_ELEMENTS: Final = 200  # objects with a tag, the texts inside components among them, and the columns of tables
MAX_DEPTH: Final = 5  # containers within containers
MAX_TABLES: Final = 5  # in a card, tables written in Markdown included
MAX_MARKDOWN_TABLES: Final = 4  # in one Markdown component

_CELLS: Final[Mapping[str, TypeAdapter[Any]]] = {
    **dict.fromkeys(("text", "lark_md", "markdown"), TypeAdapter(str)),
    "number": TypeAdapter(int | float),
    "options": TypeAdapter(list[TableOption]),
    "persons": TypeAdapter(str | list[str]),
    "date": TypeAdapter(int),
}
"""What a cell of a table has, by the type of its column."""

_TABLE_RULE = re.compile(r"^ *\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$", re.MULTILINE)


def problems(card: Mapping[str, Any]) -> list[str]:
    """Return the problems of a card as `place: problem`; empty if Feishu accepts the card."""
    found = []
    if (size := size_in_body(card) + ENVELOPE) > MAX_BYTES:
        found.append(f"card: a request of {size} bytes, at most {MAX_BYTES} are allowed")
    if (count := count_elements(card)) > MAX_ELEMENTS:
        found.append(f"card: {count} elements, at most {MAX_ELEMENTS} are allowed")
    try:
        parsed = Card.model_validate(card)
    except ValidationError as error:
        return found + [f"{'.'.join(map(str, one['loc'])) or 'card'}: {one['msg']}" for one in error.errors()]
    return found + list(_body_problems(parsed.body))


def size_in_body(node: Any) -> int:
    """Return how many bytes a card, or a part of one, takes in the body of a request, where its quotes are escaped."""
    return len(orjson.dumps(orjson.dumps(node).decode()))


def count_elements(node: Any) -> int:
    """Return the number of elements in a card or in a part of one, as MAX_ELEMENTS counts them.

    Feishu's documents count what has a tag. The cells of a table have none; whether its columns count, they do not say.
    """
    if isinstance(node, Mapping):
        if node.get("tag") == "table":
            return 1 + len(node.get("columns") or ())
        return ("tag" in node) + sum(count_elements(value) for value in node.values())
    return sum(map(count_elements, node)) if isinstance(node, list) else 0


def _body_problems(body: Body) -> Iterator[str]:
    """Yield the problems that involve several components."""
    inside = list(_walk(body, None, 0))
    yield from _duplicates("name", (one.name for one, _, _ in inside if isinstance(one, Interactive | Form)))
    yield from _duplicates("element_id", (one.element_id for one, _, _ in inside))
    if any(depth > MAX_DEPTH for _, _, depth in inside):
        yield f"body: containers are nested deeper than {MAX_DEPTH} levels"
    tables = sum(isinstance(one, Table) for one, _, _ in inside)
    for one, form, _ in inside:
        if isinstance(one, Table):
            yield from _table_problems(one)
        elif isinstance(one, Markdown):
            written = len(_TABLE_RULE.findall(one.content))
            tables += written
            if written > MAX_MARKDOWN_TABLES:
                yield f"markdown: {written} tables, at most {MAX_MARKDOWN_TABLES} are allowed in one component"
        elif isinstance(one, Interactive):
            yield from _interactive(one, form)
    if tables > MAX_TABLES:
        yield f"card: {tables} tables, at most {MAX_TABLES} are allowed"
    submitting = {id(form) for one, form, _ in inside if isinstance(one, Button) and one.form_action_type == "submit"}
    for one, _, _ in inside:
        if isinstance(one, Form) and id(one) not in submitting:
            yield f"form {one.name}: has no submit button"


def _table_problems(table: Table) -> Iterator[str]:
    """Yield where the rows of a table differ from what its columns promise."""
    types = {column.name: column.data_type for column in table.columns}
    if len(types) < len(table.columns):
        yield "table: two columns have the same name"
    for number, row in enumerate(table.rows):
        if row.keys() != types.keys():
            yield f"table row {number}: its cells are {sorted(row)}, the columns {sorted(types)}"
        for name, cell in row.items():
            try:
                _CELLS[types.get(name, "text")].validate_python(cell, strict=True)
            except ValidationError:
                yield f"table row {number}: {name} is no {types.get(name)}"


def _interactive(one: Interactive, form: Form | None) -> Iterator[str]:
    place = f"{getattr(one, 'tag', '')} {one.name or ''}".strip()
    if form and not one.name:
        yield f"{place}: needs a name inside form {form.name}"
    if isinstance(one, Entry) and one.required is not None and not form:
        yield f"{place}: `required` is allowed inside a form only"
    if isinstance(one, Button):
        if bool(one.form_action_type) != bool(form):
            yield f"{place}: `form_action_type` belongs to every button inside a form, and to no other"
        elif not form and not one.behaviors and not one.disabled:
            yield f"{place}: does nothing: it needs `behaviors`"


def _duplicates(what: str, values: Iterator[str | None]) -> Iterator[str]:
    for value, times in Counter(values).items():
        if value is not None and times > 1:
            yield f"card: {what} {value!r} is used {times} times"


def _walk(container: BaseModel, form: Form | None, depth: int) -> Iterator[tuple[Component, Form | None, int]]:
    """Yield every component in a container, with the form that contains it and its depth."""
    for child in getattr(container, "elements", None) or getattr(container, "columns", None) or ():
        if isinstance(child, Component):
            below = depth + isinstance(child, ColumnSet | Form | Panel)
            yield child, form, below
            yield from _walk(child, child if isinstance(child, Form) else form, below)
