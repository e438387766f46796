"""Reading the arguments of an API call as strictly as Slack does."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from .slack_workspace import JSON, Refused


async def arguments_of(request: web.Request, *, reads_json: bool = True) -> JSON:
    """Return query and body arguments, or refuse a body of the wrong kind."""
    found: JSON = dict(request.query)
    if not await request.read():
        return found
    if "Content-Type" not in request.headers:
        raise Refused("missing_post_type")
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return found | dict(await request.post())
    if request.content_type != "application/json":
        raise Refused("invalid_post_type")
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise Refused("invalid_json") from None
    if not isinstance(body, dict):
        raise Refused("json_not_object")
    body.pop("token", None)
    return found | body if reads_json else found


def require(arguments: JSON, *names: str) -> None:
    """Refuse when a required argument is absent, empty, or not a string."""
    missing = [name for name in names if not arguments.get(name) or not isinstance(arguments[name], str)]
    if missing:
        raise Refused("invalid_arguments", [f"[ERROR] missing required field: {name}" for name in missing])


def decoded(arguments: JSON, name: str) -> Any:
    """Return a structured argument, which a form carries as JSON text."""
    value = arguments.get(name)
    try:
        return json.loads(value) if isinstance(value, str) and value else value
    except ValueError:
        return value


def objects(arguments: JSON, name: str) -> list[JSON] | None:
    """Return an argument that is a list of objects; None when it is not given."""
    value = decoded(arguments, name)
    if value is None or (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
        return value
    raise Refused(f"invalid_{name}_format")


def object_of(arguments: JSON, name: str) -> JSON | None:
    """Return an argument that is an object; None when it is not given."""
    value = decoded(arguments, name)
    if value is None or isinstance(value, dict):
        return value
    raise Refused("invalid_arguments", [f"[ERROR] must be an object [json-pointer:/{name}]"])
