"""Opens the chats that the settings enable. A vendor's SDK is imported only here, and only for an enabled chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web
from pydantic import BaseModel, SecretStr

from bot.delivery import Route, patient
from bot.i18n import Locale
from bot.identify import Identities
from bot.services import Services
from bot.sync import CardSync
from config.settings import Settings
from core.chat import Messenger
from core.doctor import Finding


class Listener(Protocol):
    """The inbound side of a chat: what answers its requests, or keeps a connection to it."""

    async def start(self) -> None:
        """Begin to listen."""
        ...

    async def stop(self) -> None:
        """Listen no more; what was begun is finished."""
        ...


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Chat:
    """One enabled chat. `listen` makes its inbound side, with the paths vendors post to; `examine` is its check-up."""

    messenger: Messenger
    channel: str
    listen: Callable[[Services], tuple[Listener, Mapping[str, Answer]]]
    examine: Callable[[], Awaitable[list[Finding]]]


@dataclass(slots=True)
class Chats:
    """All enabled chats."""

    chats: dict[str, Chat]
    _listeners: list[Listener] = field(default_factory=list)

    @property
    def messengers(self) -> dict[str, Messenger]:
        """The outbound sides, by platform."""
        return {name: chat.messenger for name, chat in self.chats.items()}

    def routes(self, services: Services, identities: Identities, locale: Locale) -> dict[str, Route]:
        """Return how the cards of each chat are brought up to date."""
        return {
            name: Route(self._sync(chat, services, identities, locale).deliver, patient)
            for name, chat in self.chats.items()
        }

    def _sync(self, chat: Chat, services: Services, identities: Identities, locale: Locale) -> CardSync:
        return CardSync(
            chat.messenger, chat.channel, services.store, services.engine, identities, services.clock, services.ids,
            locale, services.settings.public_url, tuple(self.chats),
        )  # fmt: skip

    async def start(self, app: web.Application, services: Services) -> None:
        """Add the vendors' endpoints to the application and open the connections."""
        for chat in self.chats.values():
            listener, paths = chat.listen(services)
            self._listeners.append(listener)
            app.add_routes([web.post(path, answer) for path, answer in paths.items()])
            await listener.start()

    async def stop(self) -> None:
        """Listen no more, then give up the connections."""
        for listener in self._listeners:
            await listener.stop()
        for chat in self.chats.values():
            await chat.messenger.close()


def open_chats(settings: Settings) -> Chats:
    """Return the chats that the settings enable."""
    openers = {"slack": (settings.slack.bot_token.get_secret_value(), _slack)}
    return Chats({name: opened(settings) for name, (enabled, opened) in openers.items() if enabled})


def _slack(settings: Settings) -> Chat:
    from adapters.slack.app import SlackApp
    from adapters.slack.client import SlackMessenger
    from adapters.slack.config import SlackConfig
    from adapters.slack.doctor import findings

    config = SlackConfig(**_plain(settings.slack))
    messenger = SlackMessenger(config)

    def listen(services: Services) -> tuple[Listener, Mapping[str, Answer]]:
        app = SlackApp(config, messenger, services.chat, services.clock)
        return app, {"/slack/events": app.handle}

    return Chat(messenger, settings.slack.channel, listen, lambda: findings(config, messenger))


def _plain(section: BaseModel) -> dict[str, Any]:
    """Return a section's fields with its secrets readable, for the adapter that needs them."""
    fields = {name: getattr(section, name) for name in type(section).model_fields}
    return {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in fields.items()}
