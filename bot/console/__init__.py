"""The web console: sign-in by a one-time link, pages of plans with their buttons, outputs of runs."""

from __future__ import annotations

from aiohttp import web

from bot.console import pages, sign_in


def add_console(app: web.Application) -> None:
    """Add the console's pages. Call `bot.api.add_routes` before: sessions are tokens of the API."""
    app.middlewares.append(sign_in.require_session)
    app.add_routes([*sign_in.ROUTES, *pages.ROUTES])
