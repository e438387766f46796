"""Socket Mode: coming, staying, going."""

from __future__ import annotations

import logging
import os

import pytest

from adapters.common.answering import Answering
from adapters.common.system import SystemClock
from adapters.slack.client import SlackClient
from adapters.slack.connection import SocketMode
from adapters.slack.conversation import Conversation
from adapters.slack.server import SlackServer
from adapters.slack.settings import SlackSettings
from core.chat import Reply
from tests.adapters import changed, inbox_of
from tests.simulators.slack import SlackSimulator
from tests.unit.adapters.bot import Bot
from tests.waiting import until

from .conftest import running


@pytest.fixture
def settings(settings: SlackSettings) -> SlackSettings:
    return changed(settings, mode="socket", signing_secret="")


async def test_comes_back_when_slack_refreshes_the_connection(
    sim: SlackSimulator, settings: SlackSettings, bot: Bot
) -> None:
    bot.replies["list"] = Reply("Nothing.")
    async with running(sim, settings, bot):
        await sim.socket_disconnect("refresh_requested")
        await sim.socket_connected()
        await sim.slash("U1", "C1", "list")
    assert [message.text for message in sim.ephemerals("U1")] == ["Nothing."]
    assert len(sim.calls_to("apps.connections.open")) > 1
    assert sim.socket.connections == []


async def test_starts_and_stops_while_slack_is_away(
    sim: SlackSimulator, settings: SlackSettings, bot: Bot, client: SlackClient
) -> None:
    sim.fail("apps.connections.open", 5, status=503)
    app = SlackServer(settings, client, inbox_of(bot), SystemClock())
    await app.start()
    await sim.until(lambda: sim.calls_to("apps.connections.open"))
    await app.stop()
    assert sim.socket.connections == []


async def test_address_that_fails_is_given_up(
    sim: SlackSimulator, settings: SlackSettings, bot: Bot, client: SlackClient
) -> None:
    sim.fail("socket", status=403)
    connection = SocketMode(settings, Conversation(inbox_of(bot), client, Answering("Slack")), address_life=0.5)
    await connection.start()
    await sim.socket_connected()
    await connection.stop()
    assert len(sim.calls_to("apps.connections.open")) >= 2


async def test_the_loss_of_slack_is_logged_once_and_its_return(
    sim: SlackSimulator, settings: SlackSettings, client: SlackClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "adapters.slack.connection")
    sim.fail("socket", 2, status=403)
    conversation = Conversation(inbox_of(Bot()), client, Answering("Slack"))
    connection = SocketMode(settings, conversation, address_life=0.5)
    await connection.start()
    try:
        await sim.socket_connected()
        await until(lambda: "again" in caplog.text)
    finally:
        await connection.stop()
    lost, restored = [r.getMessage() for r in caplog.records if r.name == "adapters.slack.connection"]
    assert lost.startswith("Slack's Socket Mode cannot be reached: the address that it gave does not answer; let")
    assert restored == "Slack's Socket Mode can be reached again"
    assert "Traceback" not in caplog.text


async def test_serves_no_http(sim: SlackSimulator, settings: SlackSettings, bot: Bot) -> None:
    async with running(sim, settings, bot):
        assert (await sim.url_verification("x")).status == 404


async def test_environment_is_not_read(
    sim: SlackSimulator,
    settings: SlackSettings,
    bot: Bot,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_APP_TOKEN", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET")
    for name in names:
        monkeypatch.setenv(name, "of another app")
    async with running(sim, settings, bot):
        await sim.slash("U1", "C1", "list")
    assert bot.asked[0].text == "list"
    assert [os.environ[name] for name in names] == ["of another app"] * 5
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []


async def test_malformed_is_not_acknowledged_nor_logged(
    sim: SlackSimulator, settings: SlackSettings, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(sim, settings, bot):
        sim.ack_seconds = 0.2
        with pytest.raises(TimeoutError):
            await sim.click_raw("U1", channel="C1", message_ts="1.1", action_id="reject", value="secret", trigger_id={})
    assert bot.asked == []
    assert "could not be read" in caplog.text
    assert "secret" not in caplog.text
