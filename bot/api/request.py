"""What is known of a request beside its body, and how an answer is written."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel

from core.people import Actor

ACTOR = web.RequestKey("actor", Actor)
"""Who asks. A sign-in other than by a token sets it before `bot.api.auth` looks."""
REQUEST_ID = web.RequestKey("request_id", str)
"""What the log calls the request."""


def json_response(answer: BaseModel, status: int = 200) -> web.Response:
    """Return an answer as JSON. It shows one person one moment, so that nobody may keep it."""
    return web.Response(
        body=answer.model_dump_json().encode(),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )
