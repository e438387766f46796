from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from adapters.common.system import SystemClock
from adapters.slack.client import SlackClient
from adapters.slack.messenger import SlackMessenger
from adapters.slack.server import SlackServer
from adapters.slack.settings import SlackSettings
from core.chat import Handler
from tests.adapters import inbox_of
from tests.loopback import serve
from tests.simulators.slack import SlackSimulator
from tests.unit.adapters.bot import Bot

ANSWER_WITHIN = 0.3


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
async def sim() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator() as simulator:
        simulator.add_user("U1", "alice", "alice@example.com")
        simulator.add_user("U2", "bob", "bob@example.com")
        simulator.add_channel("C1", "releases")
        yield simulator


@pytest.fixture
def settings(sim: SlackSimulator) -> SlackSettings:
    return SlackSettings(
        bot_token=sim.bot_token,
        signing_secret=sim.signing_secret,
        app_token=sim.app_token,
        api_url=sim.api_url,
        response_hosts=("127.0.0.1",),
    )


@pytest.fixture
async def client(settings: SlackSettings) -> AsyncIterator[SlackClient]:
    client = SlackClient(settings, timeout=2)
    yield client
    await client.close()


@pytest.fixture
def messenger(client: SlackClient) -> SlackMessenger:
    return SlackMessenger(client)


@asynccontextmanager
async def running(sim: SlackSimulator, settings: SlackSettings, bot: Handler) -> AsyncIterator[SlackServer]:
    """Serve the app as the program does, and connect it in mode "socket"."""
    client = SlackClient(settings, timeout=2)
    app = SlackServer(settings, client, inbox_of(bot), SystemClock(), ANSWER_WITHIN)
    async with serve(app.paths) as url:
        sim.app_url = f"{url}/slack/events"
        await app.start()
        try:
            if settings.mode == "socket":
                await sim.socket_connected()
            yield app
        finally:
            await app.stop()
            await client.close()


@pytest.fixture
async def app(sim: SlackSimulator, settings: SlackSettings, bot: Bot) -> AsyncIterator[SlackServer]:
    async with running(sim, settings, bot) as app:
        yield app
