from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters.common.system import SystemClock
from adapters.slack.client import SlackClient
from adapters.slack.messenger import SlackMessenger
from adapters.slack.server import SlackServer
from adapters.slack.settings import SlackSettings
from core.chat import Handler, Inbound, Reply
from tests.adapters import inbox_of
from tests.simulators.slack import SlackSimulator

ANSWER_WITHIN = 0.3


class Bot:
    """A handler that answers what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Inbound] = []
        self.replies: dict[str, Reply] = {}
        """By verb, or by the typed text."""
        self.free = asyncio.Event()
        self.free.set()

    async def __call__(self, inbound: Inbound) -> Reply:
        self.asked.append(inbound)
        await self.free.wait()
        return self.replies.get(inbound.verb or inbound.text, Reply())


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
    client = SlackClient(settings, timeout=0.5)
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
    server = web.Application(client_max_size=4 << 20)
    server.add_routes([web.post(path, answer) for path, answer in app.paths.items()])
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sim.app_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    await app.start()
    try:
        if settings.mode == "socket":
            await sim.socket_connected()
        yield app
    finally:
        await app.stop()
        await client.close()
        await runner.cleanup()


@pytest.fixture
async def app(sim: SlackSimulator, settings: SlackSettings, bot: Bot) -> AsyncIterator[SlackServer]:
    async with running(sim, settings, bot) as app:
        yield app
