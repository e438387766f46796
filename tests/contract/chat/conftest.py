"""The outbound side of every chat of the registry, opened as the program opens it, and the simulated vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.common.system import SystemClock
from bot.adapters import host_of, open_chats
from config.settings import Settings
from core.ports.messenger import Messenger, Place
from tests.adapters import unheard
from tests.scenario.chats.registry import VENDORS
from tests.scenario.chats.vocabulary import Vendor
from tests.simulators.base import Simulator


@dataclass(frozen=True)
class Subject:
    """The messenger of a chat, and what the vendor got from it."""

    vendor: Vendor[Any, Any]
    simulator: Simulator
    settings: Settings
    messenger: Messenger
    channel: Place

    @property
    def bob(self) -> Place:
        """Where a card goes that is for Bob alone."""
        return Place(user=self.vendor.account("bob"))

    def seen(self, place: Place) -> list[str]:
        """Return what is read in a channel or by a person, oldest first."""
        return self.vendor.seen(self.simulator, place.user or place.channel)

    def expect_refusals(self) -> None:
        """Let the vendor forget what it refused; some simulators have no refusals at their end otherwise."""
        self.simulator.calls.clear()


@pytest.fixture(params=VENDORS)
async def chat(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    vendor = VENDORS[request.param]
    async with vendor.simulator() as simulator:
        settings = vendor.settings(tmp_path, simulator)
        opened = open_chats(settings, host_of(settings, SystemClock(), unheard)).adapters[vendor.name]
        yield Subject(vendor, simulator, settings, opened.messenger, Place(channel=opened.channel))
        await opened.messenger.close()
