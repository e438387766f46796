"""How DingTalk's APIs authenticate and refuse: tokens, error bodies, and a wrapper that turns both into endpoints."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from .base import Clock

Json = dict[str, Any]
Endpoint = Callable[[web.Request], Awaitable[web.Response]]


class Refused(Exception):
    """DingTalk does not carry out the request."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Tokens:
    """Access tokens of one app; each is good for two hours."""

    life = 7200

    def __init__(self, clock: Clock, client_id: str, client_secret: str) -> None:
        self._clock = clock
        self._credentials = {"appKey": client_id, "appSecret": client_secret}
        self._ends: dict[str, float] = {}
        self._numbers = count(1)

    async def issue(self, body: Json) -> Json:
        """`POST /v1.0/oauth2/accessToken`."""
        if body != self._credentials:
            raise Refused("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
        token = f"token-{next(self._numbers)}"
        self._ends[token] = self._clock.now() + self.life
        return {"accessToken": token, "expireIn": self.life}

    def good(self, token: str) -> bool:
        """Return whether a token was issued and has not run out."""
        return self._ends.get(token, 0) > self._clock.now()

    def check(self, token: str) -> None:
        """Refuse a request with a token that is not good."""
        if not self.good(token):
            raise Refused("InvalidAuthentication", "不合法的access_token")

    def expire(self) -> None:
        """Make every token issued so far useless, as when the app's secret is reset."""
        self._ends.clear()


def endpoint(act: Callable[[Json], Awaitable[Json]], tokens: Tokens | None) -> Endpoint:
    """Return a handler that checks the token, reads the JSON body (or the query), and answers as DingTalk does."""

    async def handle(request: web.Request) -> web.Response:
        try:
            if tokens:
                tokens.check(request.headers.get("x-acs-dingtalk-access-token", ""))
            return web.json_response(await act(await _arguments(request)))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return _refusal(Refused("invalidParameter", f"{where}: {first['msg']}"))
        except Refused as error:
            return _refusal(error)

    return handle


async def _arguments(request: web.Request) -> Json:
    if request.method == "GET":
        return dict(request.query)
    if request.content_type != "application/json":
        raise Refused("UnsupportedMediaType", request.content_type, 415)
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise Refused("InvalidParameter.NotJson", "not JSON") from None
    if not isinstance(body, dict):
        raise Refused("InvalidParameter.NotJson", "not an object")
    return body


def _refusal(error: Refused) -> web.Response:
    body = {"code": error.code, "message": error.message, "requestid": "5A1C-SIM"}
    return web.json_response(body, status=error.status)
