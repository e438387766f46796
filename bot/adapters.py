"""The registry of chats and runners, and the functions that open those that the settings enable.

An adapter is one row: the name of its section in the settings, and the module that has `open_chat` or `open_runner`. A
module, and with it the vendor's SDK, is imported only when its section is enabled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module

from aiohttp import web

from adapters.common.adapter import (
    ChatAdapter,
    Host,
    Inbox,
    Listener,
    ReportHandler,
    RunnerAdapter,
    WantedCheck,
    always_wanted,
)
from adapters.store.open import data_folder
from bot.i18n import translate
from bot.verbs import ALIASES, word_for
from config.settings import Settings, secrets_in
from core.ports.approval_forms import ApprovalForms
from core.ports.clock import Clock
from core.ports.messenger import Messenger

CHATS: Mapping[str, str] = {
    "slack": "adapters.slack.adapter",
    "feishu": "adapters.feishu.adapter",
    "dingtalk": "adapters.dingtalk.adapter",
}
RUNNERS: Mapping[str, str] = {
    "zadig": "adapters.zadig.adapter",
    "local": "adapters.local.adapter",
}
_SHORTEST = 8
"""Characters of a secret of the settings that is masked in outputs: a shorter one may be an ordinary word."""


@dataclass(slots=True)
class Chats:
    """The enabled chats, by platform."""

    adapters: Mapping[str, ChatAdapter]
    _listeners: list[Listener] = field(default_factory=list)

    @property
    def messengers(self) -> dict[str, Messenger]:
        """The messengers, by platform."""
        return {name: chat.messenger for name, chat in self.adapters.items()}

    @property
    def approval_forms(self) -> dict[str, ApprovalForms]:
        """The approval forms of vendors, by the channel of their stages."""
        return {chat.approval_forms.name: chat.approval_forms for chat in self.adapters.values() if chat.approval_forms}

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels in which stages can be decided: the chats, and the approval forms of their vendors."""
        return (*self.adapters, *self.approval_forms)

    async def start(self, app: web.Application, inbox: Inbox) -> None:
        """Start to listen: add the vendors' endpoints to the application, and open the connections to vendors."""
        for chat in self.adapters.values():
            listener = chat.listen(inbox)
            self._listeners.append(listener)
            app.add_routes([web.post(path, answer) for path, answer in listener.paths.items()])
            await listener.start()

    async def stop(self) -> None:
        """Stop listening, then close the connections."""
        for listener in self._listeners:
            await listener.stop()
        for chat in self.adapters.values():
            await chat.messenger.close()


def enabled_chats(settings: Settings) -> list[str]:
    """Return the platforms of the chats that the settings enable."""
    return [name for name in CHATS if getattr(settings, name).enabled]


def open_chats(settings: Settings, host: Host) -> Chats:
    """Open the chats that the settings enable. None listens before `Chats.start`."""
    return Chats(
        {name: import_module(CHATS[name]).open_chat(getattr(settings, name), host) for name in enabled_chats(settings)}
    )


def open_runners(settings: Settings, host: Host) -> dict[str, RunnerAdapter]:
    """Open the runners that the settings enable, and return them by name. None works before its `start`.

    Raises ValueError for settings that a runner cannot use.
    """
    return {
        name: import_module(module).open_runner(getattr(settings, name), host)
        for name, module in RUNNERS.items()
        if getattr(settings, name).enabled
    }


def host_of(settings: Settings, clock: Clock, report: ReportHandler, is_wanted: WantedCheck = always_wanted) -> Host:
    """Return what adapters get from the program: runners `report` on their runs, and ask whether one `is_wanted`."""
    language = settings.server.language
    return Host(
        clock,
        settings.public_url,
        language,
        lambda text: translate(text, language),
        {verb: word_for(verb, language) for verb in ALIASES},
        data_folder(settings.database.url),
        report,
        (settings.file,) if settings.file else (),
        tuple(secret for secret in secrets_in(settings) if len(secret) >= _SHORTEST),
        is_wanted,
    )
