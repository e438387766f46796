"""Asking for texts: how a button remembers its question, and the modal in which it is asked.

Slack docs: surfaces/modals, reference/interaction-payloads. A click brings back nothing but the button's value, and the
modal has to be open within three seconds. So a button with a field carries the field behind its ref, separated by a
space, and the modal is made from that alone: no database, no memory of the process.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import orjson

from adapters.slack.text import JSON, clean, cut, line, plain
from adapters.slack.validate import checked_view
from core.card import Button, Field, Form

SHORT: Final = 24  # the title of a modal and its buttons
TYPED: Final = 3000
_CARRIED: Final = {"label": 150, "name": 40, "hint": 150, "value": 500}  # fits 2000 even if JSON doubles it


def value_of(button: Button) -> str:
    """Return the value of a button: its ref, and behind it the question it asks."""
    if button.field is None:
        return button.ref
    carried = asdict(button.field) | {
        name: cut(clean(getattr(button.field, name)), limit) for name, limit in _CARRIED.items()
    }
    return f"{button.ref} {orjson.dumps(carried).decode()}"


def question_in(verb: str, label: str, value: str) -> tuple[str, Form | None]:
    """Return the ref in a button's value, and the form to open first. Raises ValueError if it is none of ours."""
    ref, _, question = value.partition(" ")
    if not question:
        return ref, None
    try:
        field = Field(**orjson.loads(question))
    except TypeError as error:
        raise ValueError("the value of the button is not ours") from error
    return ref, Form(verb, ref, label, label, (field,))


def modal(form: Form, origin: JSON) -> JSON:
    """Return the view for a form; `origin` says where its result is to be told, and comes back with the submission.

    Raises DeliveryError if it broke Slack's rules.
    """
    view = {
        "type": "modal",
        "callback_id": form.verb,
        "private_metadata": orjson.dumps(origin | {"ref": form.ref}).decode(),
        "title": line(form.title, SHORT),
        "submit": line(form.submit, SHORT),
        "blocks": [_input(field) for field in form.fields],
    }
    return checked_view(view)


def _input(field: Field) -> JSON:
    limit = min(max(field.max_length, 1), TYPED)
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
    return block | {"hint": plain(field.hint, 2000)} if field.hint else block
