"""The registry of adapters, and the opening of those that the settings enable.

An adapter is one row: its section of the settings, and the module that has `open_chat`. A module, and with it the
vendor's SDK, is imported only when its section is enabled.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from aiohttp import web

from adapters.common.adapter import ChatAdapter, Host, Inbox, Listener, Reported
from adapters.store.open import data_folder
from bot.i18n import translate
from bot.verbs import ALIASES, word_for
from config.settings import Settings
from core.ports.approval_forms import ApprovalForms
from core.ports.clock import Clock
from core.ports.messenger import Messenger
from core.ports.runner import Runner, RunReport

CHATS: Mapping[str, str] = {
    "slack": "adapters.slack.adapter",
    "feishu": "adapters.feishu.adapter",
    "dingtalk": "adapters.dingtalk.adapter",
}


@dataclass(slots=True)
class Chats:
    """The chats that are enabled, by platform."""

    adapters: Mapping[str, ChatAdapter]
    _listeners: list[Listener] = field(default_factory=list)

    @property
    def messengers(self) -> dict[str, Messenger]:
        """The outbound sides, by platform."""
        return {name: chat.messenger for name, chat in self.adapters.items()}

    @property
    def approval_forms(self) -> dict[str, ApprovalForms]:
        """The vendors' own approval forms, by the channel of the stages that they decide."""
        return {chat.approval_forms.name: chat.approval_forms for chat in self.adapters.values() if chat.approval_forms}

    async def start(self, app: web.Application, inbox: Inbox) -> None:
        """Add the vendors' endpoints to the application and open the connections."""
        for chat in self.adapters.values():
            listener = chat.listen(inbox)
            self._listeners.append(listener)
            app.add_routes([web.post(path, answer) for path, answer in listener.paths.items()])
            await listener.start()

    async def stop(self) -> None:
        """Listen no more, then give up the connections."""
        for listener in self._listeners:
            await listener.stop()
        for chat in self.adapters.values():
            await chat.messenger.close()


def enabled_chats(settings: Settings) -> list[str]:
    """Return the platforms of the chats that the settings enable."""
    return [name for name in CHATS if getattr(settings, name).enabled]


def open_chats(settings: Settings, host: Host) -> Chats:
    """Return the chats that the settings enable; none listens yet."""
    return Chats(
        {name: import_module(CHATS[name]).open_chat(getattr(settings, name), host) for name in enabled_chats(settings)}
    )


def host_of(settings: Settings, clock: Clock, report: Reported) -> Host:
    """Return what the adapters get to know of the program; `report` takes what runners report of their runs."""
    language = settings.server.language
    return Host(
        clock,
        settings.public_url,
        language,
        lambda text: translate(text, language),
        {verb: word_for(verb, language) for verb in ALIASES},
        data_folder(settings.database.url),
        report,
    )


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
    from adapters.local.runner import LocalRunner

    data = data_folder(settings.database.url)
    folder = Path(settings.local.work_dir) if settings.local.work_dir else (data or Path()) / "runs"
    runner = LocalRunner(settings.local, folder, on_change, shared=data is None, public_url=settings.public_url)
    await runner.recover()
    return runner


def _zadig(settings: Settings) -> Runner:
    from adapters.zadig.client import open_session
    from adapters.zadig.runner import ZadigRunner

    return ZadigRunner(settings.zadig, open_session())
