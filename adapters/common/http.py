"""The JSON answer to an HTTP request whose form a vendor or another system prescribes."""

from __future__ import annotations

import orjson
from aiohttp import web


def json_answer(value: object, status: int = 200) -> web.Response:
    """Return an answer with a value as JSON."""
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json", charset="utf-8")
