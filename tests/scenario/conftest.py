"""Fabu on SQLite beside a simulated Slack, and the people who use both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from core.ports.clock import Clock
from tests.scenario.office import Fabu, opened, written_for
from tests.scenario.slack_users import CHANNEL, IDS, User
from tests.simulators.slack import SlackSimulator

BY_ID = ("alice", "bob", "dave")
"""People whose Slack id is in the settings; the others are found by their e-mail address."""


@pytest.fixture
async def slack() -> AsyncIterator[SlackSimulator]:
    """A workspace with everybody in it. At the end Slack must have had nothing to complain of."""
    async with SlackSimulator() as simulator:
        for name, user in IDS.items():
            simulator.add_user(user, name, f"{name}@example.com")
        simulator.add_channel(CHANNEL, "releases")
        yield simulator
        assert simulator.complaints == []


@pytest.fixture
def sections() -> dict[str, Any]:
    """Settings that a module adds or replaces."""
    return {}


@pytest.fixture
def clock() -> Clock | None:
    """The clock that Fabu goes by; None for the machine's."""
    return None


@pytest.fixture
def people() -> dict[str, dict[str, Any]]:
    """How Fabu knows each of them."""
    return {name: {"slack": IDS[name]} if name in BY_ID else {"email": f"{name}@example.com"} for name in IDS}


@pytest.fixture
def written(
    tmp_path: Path, slack: SlackSimulator, people: dict[str, dict[str, Any]], sections: dict[str, Any]
) -> dict[str, Any]:
    """Settings for the simulated Slack, as they are written."""
    section = {
        "bot_token": slack.bot_token,
        "signing_secret": slack.signing_secret,
        "app_token": slack.app_token,
        "api_url": slack.api_url,
        "channel": CHANNEL,
        "response_hosts": ["127.0.0.1"],
        **sections.get("slack", {}),
    }
    return written_for(tmp_path, people, **sections | {"slack": section})


@pytest.fixture
def settings(written: dict[str, Any]) -> Settings:
    """Settings for the simulated Slack."""
    return Settings.model_validate(written)


@pytest.fixture
async def fabu(settings: Settings, slack: SlackSimulator, clock: Clock | None) -> AsyncIterator[Fabu]:
    """A running Fabu that the simulated Slack delivers to."""
    async with opened(settings, clock) as running:
        slack.app_url = f"{running.url}/slack/events"
        if settings.slack.mode == "socket":
            await slack.socket_connected()
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
