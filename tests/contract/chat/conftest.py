"""The messenger of every chat in the registry, opened in the way of the program, and the simulated vendor."""

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
from tests.adapters import ignore
from tests.scenario.chats.registry import VENDORS
from tests.scenario.chats.vocabulary import Vendor
from tests.simulators.base import Simulator


@dataclass(frozen=True)
class Subject:
    """The messenger of a chat, and its simulated vendor."""

    vendor: Vendor[Any, Any]
    simulator: Simulator
    settings: Settings
    messenger: Messenger
    channel: Place

    @property
    def bob(self) -> Place:
        """The place of cards for Bob alone."""
        return Place(user=self.vendor.account("bob"))

    def seen(self, place: Place) -> list[str]:
        """Return the texts in a channel or to a person, oldest first."""
        return self.vendor.seen(self.simulator, place.user or place.channel)

    def expect_refusals(self) -> None:
        """Clear the vendor's calls: some simulators fail at their end if they have refused one."""
        self.simulator.calls.clear()


@pytest.fixture(params=VENDORS)
async def chat(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    vendor = VENDORS[request.param]
    async with vendor.simulator() as simulator:
        settings = vendor.settings(tmp_path, simulator)
        opened = open_chats(settings, host_of(settings, SystemClock(), ignore)).adapters[vendor.name]
        yield Subject(vendor, simulator, settings, opened.messenger, Place(channel=opened.channel))
        await opened.messenger.close()
