"""Fabu on SQLite beside a simulated Slack, and the people who use both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.local.isolation.base import Isolation
from config.settings import Settings
from core.ports.clock import Clock
from tests.scenario.chats.registry import VENDORS
from tests.scenario.chats.slack import IDS, KNOWN, User, connect, open_simulator, section_for
from tests.scenario.chats.vocabulary import Office, Vendor
from tests.scenario.office import Fabu, Json, opened, written_for
from tests.simulators.slack import SlackSimulator


@pytest.fixture(autouse=True)
def scripts_need_no_approval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let plans with scripts go without approval, although nothing isolates the scripts of tests."""
    monkeypatch.setattr(Isolation, "confines", True)


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    """A simulated workspace with an account for everybody."""
    async with open_simulator() as simulator:
        yield simulator


@pytest.fixture
def sections() -> dict[str, Any]:
    """Sections of the settings that a module adds or replaces."""
    return {}


@pytest.fixture
def clock() -> Clock | None:
    """Fabu's clock; None for the system's."""
    return None


@pytest.fixture
def people() -> Mapping[str, Json]:
    """The accounts of everybody in Slack."""
    return KNOWN


@pytest.fixture
def written(tmp_path: Path, slack: SlackSimulator, people: Mapping[str, Json], sections: dict[str, Any]) -> Json:
    """Settings for the simulated Slack, in the format of a file."""
    return written_for(tmp_path, people, **sections | {"slack": section_for(slack, **sections.get("slack", {}))})


@pytest.fixture
def settings(written: Json) -> Settings:
    """Settings for the simulated Slack."""
    return Settings.model_validate(written)


@pytest.fixture
async def fabu(settings: Settings, slack: SlackSimulator, clock: Clock | None) -> AsyncIterator[Fabu]:
    """A running Fabu that receives the requests of the simulated Slack."""
    async with opened(settings, clock) as running:
        await connect(slack, running)
        yield running


@pytest.fixture
def alice(slack: SlackSimulator) -> User:
    """The manager of plans."""
    return User(slack, IDS["alice"])


@pytest.fixture
def bob(slack: SlackSimulator) -> User:
    """An approver."""
    return User(slack, IDS["bob"])


@pytest.fixture
def carol(slack: SlackSimulator) -> User:
    """A member of the group sre."""
    return User(slack, IDS["carol"])


@pytest.fixture
def dave(slack: SlackSimulator) -> User:
    """An administrator."""
    return User(slack, IDS["dave"])


@pytest.fixture
def erin(slack: SlackSimulator) -> User:
    """A member of the group sre."""
    return User(slack, IDS["erin"])


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> Vendor[Any, Any]:
    """Each chat."""
    return VENDORS[request.param]


@pytest.fixture
async def office(tmp_path: Path, vendor: Vendor[Any, Any]) -> AsyncIterator[Office[Any, Any]]:
    """Fabu in one chat, reached over HTTP."""
    async with vendor.office(tmp_path, mode="http") as opened_office:
        yield opened_office
