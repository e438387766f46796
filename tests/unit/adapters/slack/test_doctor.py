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
