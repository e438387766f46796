"""The simulated outside system of each adapter, with the settings for it and a call to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from adapters.common.adapter import ChatAdapter, RunnerAdapter
from adapters.common.settings import Section
from adapters.common.system import SystemClock
from adapters.hooks import doctor as hooks_doctor
from adapters.store.open import open_store
from bot.adapters import host_of, open_chats, open_runners
from bot.outbox.hooks import Hooks
from config.settings import Settings
from core.card import Card
from core.effects import Destination, DestinationKind, Effect
from core.ports.checkup import Finding
from core.ports.messenger import Place
from core.ports.outbox import Delivery, DeliveryState
from tests.adapters import changed, ignore
from tests.contract.runner.conftest import Subject as RunnerSubject
from tests.contract.runner.systems import SYSTEMS as RUNNER_SYSTEMS
from tests.contract.store.offices import Office
from tests.scenario.chats.registry import VENDORS
from tests.scenario.hooked import SECRET, settings_for
from tests.simulators.base import Simulator
from tests.simulators.receiver import Receiver
from tests.worlds import HOOK

NOBODY = "http://127.0.0.1:9"
"""An address where nothing listens."""

Call = Callable[[], Awaitable[object]]
"""Calls the system. Raises DeliveryError."""


def falsify(secret: str) -> str:
    """Return another secret of the same form: what follows the prefix in reverse order."""
    prefix, underscore, key = secret.rpartition("_")
    return f"{prefix}{underscore}{key.rstrip('=')[::-1]}"


@dataclass(frozen=True, kw_only=True)
class System:
    """An outside system.

    `section` is the adapter's section of the settings. `examine` is the check-up of an adapter with some settings, and
    `open` opens one, to call the system. `names_pause` says whether the system, when it is busy, answers how long it
    wants to be left alone, `checks_secrets` whether it accepts a secret or refuses it when it is examined.
    """

    section: str
    simulator: Simulator
    settings: Settings
    examine: Callable[[Settings], Awaitable[list[Finding]]]
    open: Callable[[Settings], AbstractAsyncContextManager[Call]]
    names_pause: bool = True
    checks_secrets: bool = True

    @property
    def secrets(self) -> dict[str, str]:
        """The adapter's secrets by the names of their settings."""
        secrets = {name: value.get_secret_value() for name, value in self._own if isinstance(value, SecretStr)}
        return {name: secret for name, secret in secrets.items() if secret}

    @property
    def away(self) -> Settings:
        """Settings with an address where nothing listens."""
        urls = {name: value for name, value in self._own if isinstance(value, str) and self.simulator.url in value}
        return self._with({name: url.replace(self.simulator.url, NOBODY) for name, url in urls.items()})

    @property
    def denied(self) -> Settings:
        """Settings in which every secret is wrong."""
        return self._with({name: falsify(secret) for name, secret in self.secrets.items()})

    @property
    def _own(self) -> Section:
        section: Section = getattr(self.settings, self.section)
        return section

    def _with(self, own: dict[str, str]) -> Settings:
        assert own
        return self.settings.model_copy(update={self.section: changed(self._own, **own)})


@asynccontextmanager
async def chat(name: str, folder: Path) -> AsyncIterator[System]:
    """Run a chat."""

    @asynccontextmanager
    async def opened(settings: Settings) -> AsyncIterator[ChatAdapter]:
        adapter = open_chats(settings, host_of(settings, SystemClock(), ignore)).adapters[name]
        yield adapter
        await adapter.messenger.close()

    async def examine(settings: Settings) -> list[Finding]:
        async with opened(settings) as adapter:
            return await adapter.examine()

    @asynccontextmanager
    async def calling(settings: Settings) -> AsyncIterator[Call]:
        async with opened(settings) as adapter:
            card = Card("#7 Payments", "#7 Payments: executing")
            yield lambda: adapter.messenger.post(Place(channel=adapter.channel), card, "k1")

    vendor = VENDORS[name]
    async with vendor.simulator() as simulator:
        yield System(
            section=name, simulator=simulator, settings=vendor.settings(folder, simulator), examine=examine,
            open=calling, names_pause=vendor.names_pause,
        )  # fmt: skip


@asynccontextmanager
async def runner(name: str, folder: Path) -> AsyncIterator[System]:
    """Run the system of a runner."""

    @asynccontextmanager
    async def opened(settings: Settings) -> AsyncIterator[RunnerAdapter]:
        adapter = open_runners(settings, host_of(settings, SystemClock(), ignore))[name]
        yield adapter
        await adapter.runner.close()

    async def examine(settings: Settings) -> list[Finding]:
        async with opened(settings) as adapter:
            return await adapter.examine()

    @asynccontextmanager
    async def calling(settings: Settings) -> AsyncIterator[Call]:
        async with opened(settings) as adapter:
            order = RunnerSubject(adapter.runner, system).order()
            yield lambda: adapter.runner.start(order)

    async with RUNNER_SYSTEMS[name](folder) as system:
        assert system.simulator
        sections: dict[str, Any] = {"local": {"enabled": False}, name: system.section}
        yield System(
            section=name, simulator=system.simulator, settings=Settings(**sections), examine=examine, open=calling
        )


@asynccontextmanager
async def hooks(folder: Path) -> AsyncIterator[System]:
    """Run a receiver of hooks."""

    @asynccontextmanager
    async def calling(settings: Settings) -> AsyncIterator[Call]:
        office = Office(open_store("memory://", b"key"))
        plan = await office.create()
        sender = Hooks(settings, office.store, office.engine, office.clock)
        effect = Effect("e1", plan.id, Destination(DestinationKind.HOOK, "default"), HOOK)
        delivery = Delivery(effect, DeliveryState.SENDING, attempts=1)
        yield lambda: sender.courier.deliver(delivery)
        await sender.close()
        await office.store.close()

    async with Receiver() as receiver:
        settings = settings_for(folder, url=receiver.hook_url, secret=SECRET)
        yield System(
            section="hooks", simulator=receiver, settings=settings,
            examine=lambda settings: hooks_doctor.examine(settings.hooks), open=calling,
            checks_secrets=False,
        )  # fmt: skip


INSIDE = frozenset({"local"})
"""Runners that need no outside system."""
SYSTEMS: dict[str, Callable[[Path], AbstractAsyncContextManager[System]]] = {
    **{name: partial(chat, name) for name in VENDORS},
    **{name: partial(runner, name) for name in RUNNER_SYSTEMS if name not in INSIDE},
    "hooks": hooks,
}
"""The systems by the name of the adapter."""
