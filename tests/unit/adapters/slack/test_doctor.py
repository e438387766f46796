from __future__ import annotations

from aiohttp import web

from adapters.slack.client import SlackClient
from adapters.slack.doctor import SCOPES, examine
from adapters.slack.settings import SlackSettings
from core.ports.checkup import Finding
from tests.adapters import changed
from tests.loopback import serve
from tests.simulators.slack import SlackSimulator


async def examined(settings: SlackSettings) -> list[Finding]:
    client = SlackClient(settings, timeout=2)
    found = await examine(client)
    await client.close()
    assert all(one.ok or one.cure for one in found)
    return found


async def test_all_is_well(settings: SlackSettings) -> None:
    assert [one.ok for one in await examined(settings)] == [True, True]
    assert [one.ok for one in await examined(changed(settings, mode="socket"))] == [True, True]


async def test_wrong_tokens(settings: SlackSettings) -> None:
    token = (await examined(changed(settings, bot_token="xoxb-wrong")))[0]
    assert not token.ok
    assert "invalid_auth" in token.cure
    socket = (await examined(changed(settings, mode="socket", app_token="xapp-wrong")))[1]
    assert not socket.ok
    assert "slack.app_token" in socket.cure


async def test_the_channel(sim: SlackSimulator, settings: SlackSettings) -> None:
    sim.add_channel("C2", "elsewhere", is_member=False)
    sim.add_channel("C3", "old")
    sim.workspace.channel("C3").is_archived = True
    found = {one: (await examined(changed(settings, channel=one)))[1] for one in ("C1", "C2", "C3", "C9")}
    assert {one: (finding.ok, finding.text) for one, finding in found.items()} == {
        "C1": (True, "Slack: the app is in the channel C1."),
        "C2": (False, "Slack: the app is not in the channel C2, so it gets no cards."),
        "C3": (False, "Slack: the channel C3 is archived."),
        "C9": (False, "Slack: the channel C9 cannot be looked at: channel_not_found"),
    }
    assert "/invite" in found["C2"].cure
    sim.fail("conversations.info", status=200, body={"ok": False, "error": "missing_scope"})
    assert "channels:read and groups:read" in (await examined(changed(settings, channel="C1")))[1].cure


async def test_the_socket_is_opened_and_closed(sim: SlackSimulator, settings: SlackSettings) -> None:
    socket = changed(settings, mode="socket")
    assert (await examined(socket))[1].text == "Slack opens a connection of Socket Mode."
    assert [call.operation for call in sim.calls].count("socket") == 1
    await sim.until(lambda: not sim.socket.connections)
    sim.fail("socket", status=403)
    refused = (await examined(socket))[1]
    assert (refused.ok, refused.text) == (False, "Slack's Socket Mode does not connect (WSServerHandshakeError).")
    assert "127.0.0.1" in refused.cure
    assert "ticket" not in refused.text + refused.cure


async def test_slack_is_away() -> None:
    found = await examined(SlackSettings(bot_token="xoxb-1", signing_secret="s", api_url="http://127.0.0.1:1/api/"))
    assert "http://127.0.0.1:1/api/" in found[0].cure


async def test_scopes(sim: SlackSimulator) -> None:
    scopes: list[str] = []

    async def auth_test(request: web.Request) -> web.Response:
        return web.json_response({"ok": True}, headers={"x-oauth-scopes": ",".join(scopes)})

    async with serve({"/auth.test": auth_test}) as url:
        settings = SlackSettings(bot_token="xoxb-1", signing_secret="s", api_url=f"{url}/")
        scopes[:] = ["users:read.email", "chat:write", "commands", "im:write", "im:history", "users:read"]
        lacking = (await examined(settings))[1]
        assert not lacking.ok
        assert "app_mentions:read" in lacking.cure
        scopes[:] = [*SCOPES, "channels:read"]
        assert all(one.ok for one in await examined(settings))
