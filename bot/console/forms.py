"""Reads the forms that the console's pages send."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from bot.api.errors import BadRequest
from core.messages import Message

_FIELDS = 100
"""How many fields a form may have."""


async def read_form(request: web.Request) -> Mapping[str, str]:
    """Return the fields of a form that a page sends (`application/x-www-form-urlencoded`, in UTF-8).

    Raises BadRequest for any other body.
    """
    raw, refusal = await request.read(), BadRequest(Message("Open the page again, then repeat this."))
    if raw and request.content_type != "application/x-www-form-urlencoded":
        raise refusal
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS))
    except ValueError:
        raise refusal from None
