"""How every Feishu API answers: the envelope, the refusals, the check of tokens and the sliding rate limits."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .base import Clock

Api = Callable[[web.Request, dict[str, Any]], dict[str, Any]]
TOKEN_LIFE = 7200.0  # seconds


class Refused(Exception):
    """An answer with a code other than 0."""

    def __init__(self, code: int, message: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.response = web.json_response(
            {"code": code, "msg": message, "error": {"log_id": "20261124"}}, status=status, headers=headers
        )


class Tokens:
    """Issues tenant access tokens, and tells which are good."""

    def __init__(self, clock: Clock, credentials: dict[str, str]) -> None:
        self._clock = clock
        self._credentials = credentials
        self._expiry: dict[str, float] = {}
        self.life = TOKEN_LIFE

    def revoke(self) -> None:
        """Let every token issued so far be refused from now on."""
        self._expiry.clear()

    async def issue(self, request: web.Request) -> web.Response:
        """Serve `auth/v3/tenant_access_token/internal`."""
        if await request.json() != self._credentials:
            return web.json_response({"code": 10014, "msg": "app secret invalid"})
        token = f"t-{len(self._expiry)}-{self._clock.now():.6f}"
        self._expiry[token] = self._clock.now() + self.life
        answer = {"code": 0, "msg": "ok", "tenant_access_token": token, "expire": int(self.life)}
        return web.json_response(answer)

    def check(self, request: web.Request) -> None:
        """Refuse a request without a good token."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise Refused(99991661, "Missing access token for authorization.")
        if self._expiry.get(token, 0) <= self._clock.now():
            raise Refused(
                99991663, "Invalid access token for authorization. Please make a request with token attached."
            )


class Rate:
    """Allows `limit` events a second for each key."""

    def __init__(self, clock: Clock, limit: int = 5) -> None:
        self._clock = clock
        self._seen: defaultdict[str, deque[float]] = defaultdict(deque)
        self.limit = limit

    def count(self, key: str) -> None:
        """Refuse the event if it is one too many."""
        seen, now = self._seen[key], self._clock.now()
        while seen and seen[0] <= now - 1:
            seen.popleft()
        if len(seen) >= self.limit:
            raise Refused(
                230020, "This operation triggers the frequency limit.", headers={"x-ogw-ratelimit-reset": "1"}
            )
        seen.append(now)


def endpoint(tokens: Tokens, api: Api, under: str = "data") -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Wrap an API: token and body are checked before, its dict becomes `data`, Refused becomes the answer."""

    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            tokens.check(request)
            body = await _body(request)
            return web.json_response({"code": 0, "msg": "success", under: api(request, body)})
        except Refused as refused:
            return refused.response

    return serve


def text(body: dict[str, Any], field: str, longest: int | None = None) -> str:
    """Return a required text of a request body."""
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise Refused(99992402, f"field validation failed: {field} is required")
    if longest is not None and len(value) > longest:
        raise Refused(99992402, f"field validation failed: {field} is longer than {longest}")
    return value


def parsed(body: dict[str, Any], field: str) -> Any:
    """Return what a field that holds JSON as a string means."""
    try:
        return json.loads(text(body, field))
    except ValueError:
        raise Refused(230001, f"Your request contains an invalid request parameter, ext={field} is not JSON") from None


async def _body(request: web.Request) -> dict[str, Any]:
    if not await request.read():
        return {}
    if request.content_type != "application/json":
        raise Refused(9499, "Bad Request: Content-Type must be application/json")
    body = await request.json()
    if not isinstance(body, dict):
        raise Refused(9499, "Bad Request: the body must be an object")
    return body
