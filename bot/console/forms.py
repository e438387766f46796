"""Reads the forms that the console's pages send."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from bot.api.errors import BadRequest
from core.messages import Message

OPEN_AGAIN = Message("Open the page again, then repeat this.")
"""The answer to a form that does not come from a page of the reader's session."""
_FIELDS = 100
"""How many fields a form may have."""


async def read_form(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a form that a page sends (`application/x-www-form-urlencoded`, in UTF-8).

    Raises BadRequest for any other body.
    """
    raw = await request.read()
    if raw and request.content_type != "application/x-www-form-urlencoded":
        raise BadRequest(OPEN_AGAIN)
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS))
    except ValueError:
        raise BadRequest(OPEN_AGAIN) from None
