"""The keys of what is known about a request, and the JSON response of an answer."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel

from core.people import Actor
from core.ports.people import Token

ACTOR = web.RequestKey("actor", Actor)
"""Who sends the request."""
TOKEN = web.RequestKey("token", Token)
"""The token in the request."""
REQUEST_ID = web.RequestKey("request_id", str)
"""The id of the request in the log."""


def json_response(answer: BaseModel, status: int = 200) -> web.Response:
    """Return an answer as JSON that must not be cached: it is meant for one person, and soon out of date."""
    return web.Response(
        body=answer.model_dump_json().encode(),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )
