"""Signing in with a one-time link, sessions, and signing out.

Opening the link changes nothing, because mail and chat servers open links too; the button on its page signs in.
A session is a token of the API, in a cookie that scripts and other sites cannot use.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.api.auth import TOKENS
from bot.console.forms import OPEN_AGAIN, read_form
from bot.console.rendering import CREDENTIAL, READER, SECRET, csrf_token, locale_of, render
from bot.people.tokens import new_token
from bot.services import SERVICES
from core.errors import FabuError, Forbidden, Unauthorized
from core.people import TokenScope

COOKIE = "fabu_session"
_LIFE = timedelta(hours=12)
"""The life of a session."""
_PAGES = ("/plans/", "/runs/", "/sign-out")
"""The starts of the paths that need a session, beside the start page."""
_SIGN_IN = "/sign-in/"


@web.middleware
async def require_session(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Set the reader of a page by the session's cookie; show everybody else how to sign in.

    A form is rejected unless it comes from a page of the same session, or, before there is one, of this site: nobody
    else can sign a reader in, not as themselves either. Errors are shown as pages.
    """
    needs_session = request.path == "/" or request.path.startswith(_PAGES)
    if not needs_session and not request.path.startswith(_SIGN_IN):
        return await handler(request)
    try:
        if request.method == "POST" and _comes_from_elsewhere(request):
            raise Forbidden(OPEN_AGAIN)
        refusal = await _refuse(request) if needs_session else None
        return refusal or await handler(request)
    except FabuError as error:
        return await render(request, "message.html", error.http_status, message=locale_of(request).error(error))


def _comes_from_elsewhere(request: web.Request) -> bool:
    """Return whether a page of another site has sent a form, as browsers say (Fetch Metadata, or Origin before it)."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin", "")
    ours = (request.host, request.config_dict[SERVICES].settings.public_url.partition("://")[2])
    return bool(origin) and origin.partition("://")[2] not in ours


async def _refuse(request: web.Request) -> web.Response | None:
    """Return the page for who is not signed in, or whose form is of another session; None for the others."""
    secret = request.cookies.get(COOKIE, "")
    try:
        token = await request.config_dict[TOKENS].find(secret)
        actor = request.config_dict[SERVICES].engine.directory.actor(token.person, "console", token.credential)
    except (Unauthorized, Forbidden):
        return await _render_signed_out(request)
    actor.require(TokenScope.READ)
    request[SECRET], request[CREDENTIAL] = secret, token.credential
    request[READER] = request.config_dict[SERVICES].engine.directory.people[actor.id]
    if request.method == "POST":
        sent = (await read_form(request)).get("csrf", "")
        if not hmac.compare_digest(sent.encode(), csrf_token(request).encode()):
            raise Forbidden(OPEN_AGAIN)
    return None


async def offer(request: web.Request) -> web.Response:
    """Show who will be signed in, and the button for it: a link that somebody else has sent may be theirs.

    Redirect a reader with a session to the plan of the link, or to the start page when the link is used up.
    """
    plan, tokens = _plan_number(request), request.config_dict[TOKENS]
    link = await tokens.find_link(request.match_info["secret"])
    if plan or link is None:
        with suppress(Unauthorized):
            await tokens.find(request.cookies.get(COOKIE, ""))
            return _redirect(plan)
    if link is None:
        return await _render_signed_out(request)
    return await render(request, "sign_in.html", name=request.config_dict[SERVICES].engine.directory.name(link.person))


async def enter(request: web.Request) -> web.StreamResponse:
    """Use up the link, and begin a session."""
    services, tokens = request.config_dict[SERVICES], request.config_dict[TOKENS]
    link = await tokens.find_link(request.match_info["secret"])
    if link is None:
        return await _render_signed_out(request)
    expires_at = services.clock.now() + _LIFE
    secret, session = new_token(
        link.person, "console", services.clock, services.ids, expires_at, link.scopes, link.parent
    )
    if not await tokens.use_link(link, session):
        return await _render_signed_out(request)
    answer = _redirect(_plan_number(request))
    secure = services.settings.public_url.startswith("https:")
    answer.set_cookie(
        COOKIE, secret, max_age=int(_LIFE.total_seconds()), httponly=True, secure=secure, samesite="Lax", path="/"
    )
    return answer


async def _render_signed_out(request: web.Request) -> web.Response:
    """Show how to sign in, and to come back to the plan of the page."""
    wanted = request.match_info.get("ref") or _plan_number(request)
    return await render(request, "signed_out.html", 401, plan=wanted if wanted.isdecimal() else "")


def _plan_number(request: web.Request) -> str:
    """Return the number of the plan that a link leads to, empty without one.

    A link has no other target, so that nobody can make one that leads to another site.
    """
    number = request.query.get("plan", "")
    return number if number.isascii() and number.isdigit() else ""


def _redirect(plan: str = "") -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": f"/plans/{plan}" if plan else "/"})


async def leave(request: web.Request) -> web.StreamResponse:
    """End the session, also for anybody who has copied the cookie."""
    services, tokens = request.config_dict[SERVICES], request.config_dict[TOKENS]
    token = await tokens.find(request[SECRET])
    now = services.clock.now()
    if not await services.store.write(lambda writing: writing.people.revoke_token(token.id, now)):
        raise Unauthorized
    tokens.forget()
    answer = _redirect()
    answer.del_cookie(COOKIE, path="/")
    return answer


ROUTES = (
    web.get(f"{_SIGN_IN}{{secret}}", offer),
    web.post(f"{_SIGN_IN}{{secret}}", enter),
    web.post("/sign-out", leave),
)
