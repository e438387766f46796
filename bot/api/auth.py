"""Authentication of API requests by `Authorization: Bearer <token>` (RFC 6750)."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.api.request import ACTOR, TOKEN
from bot.people.tokens import Tokens
from bot.services import SERVICES
from core.errors import Unauthorized
from core.people import Actor

PREFIX = "/api/v1/"
"""The start of the paths that need a token."""
TOKENS = web.AppKey("tokens", Tokens)


@web.middleware
async def protect_api(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Handle a request of the API only with a valid token."""
    if request.path.startswith(PREFIX):
        await authenticate(request)
    return await handler(request)


async def authenticate(request: web.Request) -> Actor:
    """Return the owner of the token in a request, as an actor, and note both in the request.

    Raises Unauthorized without a valid token, Forbidden when its owner is not active any more.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthorized
    token = await request.config_dict[TOKENS].find(secret.strip())
    actor = request.config_dict[SERVICES].engine.directory.actor(token.person, "api", token.credential)
    request[TOKEN], request[ACTOR] = token, actor
    return actor
