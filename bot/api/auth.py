"""Who asks: `Authorization: Bearer <token>` (RFC 6750)."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.api.request import ACTOR
from bot.people.tokens import Tokens
from bot.services import SERVICES
from core.errors import Unauthorized
from core.people import Actor

PREFIX = "/api/v1/"

TOKENS = web.AppKey("tokens", Tokens)


@web.middleware
async def authentication(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody into the API whom a token, or a sign-in that came before, does not prove."""
    if request.path.startswith(PREFIX) and ACTOR not in request:
        request[ACTOR] = await authenticate(request)
    return await handler(request)


async def authenticate(request: web.Request) -> Actor:
    """Return the person whose token a request carries.

    Raises Unauthorized without a valid token, Forbidden when its owner has left.
    """
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthorized
    token = await request.config_dict[TOKENS].find(secret.strip())
    return request.config_dict[SERVICES].engine.directory.actor(token.person, via="api")
