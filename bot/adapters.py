"""Opens the chats and runners that the settings enable. A vendor's SDK is imported only here, and only when enabled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from aiohttp import ClientSession, web
from pydantic import BaseModel, SecretStr

from adapters.store.open import data_folder
from bot.i18n import Locale, translate
from bot.outbox.cards import CardSync
from bot.outbox.worker import Courier, Couriers, patient
from bot.people.identities import Identities
from bot.services import Services
from bot.verbs import ALIASES, word_for
from config.settings import Settings
from core.effects import Destination, DestinationKind
from core.ports.approval_forms import ApprovalForms
from core.ports.checkup import Finding
from core.ports.clock import Clock
from core.ports.messenger import Messenger
from core.ports.runner import Runner, RunReport


class Listener(Protocol):
    """The inbound side of a chat: what answers its requests, or keeps a connection to it."""

    async def start(self) -> None:
        """Begin to listen."""
        ...

    async def stop(self) -> None:
        """Listen no more; what was begun is finished."""
        ...


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
FormChanged = Callable[[str], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Chat:
    """One enabled chat.

    `listen` makes its inbound side, with the paths vendors post to; `examine` is its check-up; `forms` are the vendor's
    own approval forms, where it has any.
    """

    messenger: Messenger
    channel: str
    listen: Callable[[Services, FormChanged], tuple[Listener, Mapping[str, Answer]]]
    examine: Callable[[], Awaitable[list[Finding]]]
    forms: ApprovalForms | None = None


@dataclass(slots=True)
class Chats:
    """All enabled chats."""

    chats: dict[str, Chat]
    _listeners: list[Listener] = field(default_factory=list)

    @property
    def messengers(self) -> dict[str, Messenger]:
        """The outbound sides, by platform."""
        return {name: chat.messenger for name, chat in self.chats.items()}

    @property
    def forms(self) -> dict[str, ApprovalForms]:
        """The vendors' own approval forms, by the channel of the stages that they decide."""
        return {chat.forms.name: chat.forms for chat in self.chats.values() if chat.forms}

    def couriers(self, services: Services, identities: Identities, locale: Locale) -> Couriers:
        """Return how the cards of each chat are brought up to date."""
        return {
            Destination(DestinationKind.CHAT, name): Courier(
                self._sync(chat, services, identities, locale).deliver, patient
            )
            for name, chat in self.chats.items()
        }

    def _sync(self, chat: Chat, services: Services, identities: Identities, locale: Locale) -> CardSync:
        return CardSync(
            chat.messenger, chat.channel, services.store, services.engine, identities, services.clock, services.ids,
            locale, services.settings.public_url, tuple(self.chats),
        )  # fmt: skip

    async def start(self, app: web.Application, services: Services, form_changed: FormChanged) -> None:
        """Add the vendors' endpoints to the application and open the connections."""
        for chat in self.chats.values():
            listener, paths = chat.listen(services, form_changed)
            self._listeners.append(listener)
            app.add_routes([web.post(path, answer) for path, answer in paths.items()])
            await listener.start()

    async def stop(self) -> None:
        """Listen no more, then give up the connections."""
        for listener in self._listeners:
            await listener.stop()
        for chat in self.chats.values():
            await chat.messenger.close()


def open_chats(settings: Settings, clock: Clock) -> Chats:
    """Return the chats that the settings enable."""
    openers: dict[str, tuple[str, Callable[[Settings], Chat]]] = {
        "slack": (settings.slack.bot_token.get_secret_value(), _slack),
        "feishu": (settings.feishu.app_id, _feishu),
        "dingtalk": (settings.dingtalk.client_id, partial(_dingtalk, clock=clock)),
    }
    return Chats({name: opened(settings) for name, (enabled, opened) in openers.items() if enabled})


def _slack(settings: Settings) -> Chat:
    from adapters.slack.app import SlackApp
    from adapters.slack.client import SlackMessenger
    from adapters.slack.doctor import findings
    from adapters.slack.settings import SlackConfig

    config = SlackConfig(**_plain(settings.slack))
    messenger = SlackMessenger(config)

    def listen(services: Services, _: FormChanged) -> tuple[Listener, Mapping[str, Answer]]:
        app = SlackApp(config, messenger, services.chat, services.clock, pressure=services.engine.pressure)
        return app, {"/slack/events": app.handle}

    return Chat(messenger, settings.slack.channel, listen, lambda: findings(config, messenger))


def _feishu(settings: Settings) -> Chat:
    from adapters.feishu.approval_forms import FeishuForms
    from adapters.feishu.client import FeishuClient
    from adapters.feishu.doctor import findings
    from adapters.feishu.messenger import FeishuMessenger
    from adapters.feishu.server import FeishuApp, FeishuServer

    own = _plain(settings.feishu)
    chat_id, approval_code = own.pop("chat_id"), own.pop("approval_code")
    app = FeishuApp(**own)
    client = FeishuClient(app.app_id, app.app_secret, app.domain)

    def listen(services: Services, form_changed: FormChanged) -> tuple[Listener, Mapping[str, Answer]]:
        server = FeishuServer(app, services.chat, services.clock, client, form_changed)
        return server, {"/feishu/events": server.handle} if app.mode == "http" else {}

    def examine() -> Awaitable[list[Finding]]:
        return findings(client, chat_id, approval_code=approval_code)

    return Chat(FeishuMessenger(client), chat_id, listen, examine, FeishuForms(client, approval_code))


def _dingtalk(settings: Settings, clock: Clock) -> Chat:
    from adapters.dingtalk.approval_forms import DingTalkForms
    from adapters.dingtalk.client import App, DingTalkClient
    from adapters.dingtalk.doctor import findings
    from adapters.dingtalk.messenger import DingTalkMessenger
    from adapters.dingtalk.server import Callbacks, DingTalkServer
    from adapters.dingtalk.words import Words

    own, language = _plain(settings.dingtalk), settings.server.language
    app = App(
        own["client_id"], own["client_secret"], own["robot_code"], own["card_template_id"],
        callback_route_key="fabu" if own["mode"] == "http" else "",
        api_url=own["api_url"], oapi_url=own["oapi_url"], session_hosts=frozenset(own["webhook_hosts"]),
    )  # fmt: skip
    typed = {verb.value: word_for(verb, language) for verb in ALIASES}
    client = DingTalkClient(app, ClientSession(), clock)
    messenger = DingTalkMessenger(client, Words.translated(lambda text: translate(text, language), typed))
    callbacks = Callbacks(own["mode"], settings.public_url, own["card_secret"], own["token"], own["aes_key"])

    def listen(services: Services, form_changed: FormChanged) -> tuple[Listener, Mapping[str, Answer]]:
        server = DingTalkServer(callbacks, services.chat, services.clock, messenger, form_changed)
        return server, server.paths

    def examine() -> Awaitable[list[Finding]]:
        return findings(client, callbacks, own["conversation_id"])

    forms = DingTalkForms(client, clock, own["process_code"]) if own["process_code"] else None
    return Chat(messenger, own["conversation_id"], listen, examine, forms)


def _plain(section: BaseModel) -> dict[str, Any]:
    """Return a section's fields with its secrets readable, for the adapter that needs them."""
    fields = {name: getattr(section, name) for name in type(section).model_fields}
    return {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in fields.items()}


OnChange = Callable[[str, str, RunReport], Awaitable[None]]


async def open_runners(settings: Settings, on_change: OnChange, stack: AsyncExitStack) -> dict[str, Runner]:
    """Return the enabled runners by name; they are closed with the stack. `on_change` takes what they report."""
    runners: dict[str, Runner] = {}
    if settings.local.enabled:
        runners["local"] = await _local(settings, on_change)
    if settings.zadig.url:
        runners["zadig"] = _zadig(settings)
    for runner in runners.values():
        stack.push_async_callback(runner.close)
    return runners


async def _local(settings: Settings, on_change: OnChange) -> Runner:
    from adapters.local import LocalRunner, LocalSettings

    data = data_folder(settings.database.url)
    folder = Path(settings.local.work_dir) if settings.local.work_dir else (data or Path()) / "runs"
    runner = LocalRunner(
        LocalSettings(
            work_dir=folder,
            shared=data is None,
            databases={name: url.get_secret_value() for name, url in settings.local.databases.items()},
            max_parallel=settings.local.max_parallel,
            keep=settings.local.keep_outputs.total_seconds(),
            run_url=f"{settings.public_url}/runs/{{run_id}}",
        ),
        on_change,
    )
    await runner.recover()
    return runner


def _zadig(settings: Settings) -> Runner:
    from adapters.zadig.client import open_session
    from adapters.zadig.runner import ZadigRunner

    return ZadigRunner(open_session(), settings.zadig.url, settings.zadig.token.get_secret_value())
