"""Forms as modals. Slack docs: surfaces/modals, reference/interaction-payloads (view_submission)."""

from __future__ import annotations

from typing import Final

import orjson

from adapters.slack.text import JSON, clean, line, plain
from adapters.slack.validate import checked_view
from core.card import Field, Form

SHORT: Final = 24  # the title of a modal and its buttons
TYPED: Final = 3000


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
