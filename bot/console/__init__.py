"""The web console: sign-in by a one-time link from a chat, plans with what can be done, outputs of runs."""

from __future__ import annotations

from aiohttp import web

from bot.console import pages, sign_in


def add_console(app: web.Application) -> None:
    """Add the console's pages. `bot.routes.add_routes` comes first: sessions are tokens of the API."""
    app.middlewares.append(sign_in.session)
    app.add_routes([*sign_in.ROUTES, *pages.ROUTES])
