"""Renders pages: from a template, in the reader's language, with headers that forbid scripts."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from bot.i18n import Locale
from bot.services import SERVICES
from core.people import Credential, Person

if TYPE_CHECKING:
    from jinja2 import Template

SECRET = web.RequestKey("console_secret", str)
"""The secret in the session's cookie."""
CREDENTIAL = web.RequestKey("console_credential", Credential)
"""What the session lets its person do."""
READER = web.RequestKey("console_reader", Person)
"""The person who is signed in."""

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


def locale_of(request: web.Request) -> Locale:
    """Return the reader's locale, or the installation's before somebody is signed in."""
    server = request.config_dict[SERVICES].settings.server
    return Locale.of(request.get(READER), server.language, server.timezone)


def csrf_token(request: web.Request) -> str:
    """Return the token that every form of this session sends back. Another site cannot know it."""
    return hmac.new(request.get(SECRET, "").encode(), b"form", hashlib.sha256).hexdigest()


async def render(request: web.Request, template: str, status: int = 200, **values: object) -> web.Response:
    """Return the page of a template, which gets `values` beside the reader, the locale and the token of forms."""
    locale = locale_of(request)
    common = {"_": locale.text, "time": locale.time, "locale": locale, "reader": request.get(READER)}
    loaded = await asyncio.to_thread(_load_template, template)
    html = loaded.render({"csrf": csrf_token(request)} | common | values)
    return web.Response(text=html, status=status, content_type="text/html", headers=_HEADERS)


def _load_template(name: str) -> Template:
    from bot.console.templating import TEMPLATES

    return TEMPLATES.get_template(name)
