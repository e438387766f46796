"""The parts of a running server that its endpoints share, made once by `bot.app`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from bot.outbox.runs import Runs
from bot.people.card_links import CardLinks
from config.settings import Settings
from core.chat import Handler
from core.engine import Engine
from core.ports.clock import Clock, Ids
from core.ports.messenger import Messenger
from core.ports.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of a running server.

    `chat` replies to the requests of every chat (`bot.chat.dispatch`); `messengers` are by platform; `runs` has the
    runners; `card_links` makes and reads the links on people's cards.
    """

    settings: Settings
    store: Store
    engine: Engine
    clock: Clock
    ids: Ids
    chat: Handler
    messengers: Mapping[str, Messenger]
    runs: Runs
    card_links: CardLinks


SERVICES = web.AppKey("services", Services)
"""The key of the services in an application."""
