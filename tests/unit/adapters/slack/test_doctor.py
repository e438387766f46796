from __future__ import annotations

from dataclasses import replace

from aiohttp import web

from adapters.slack.client import SlackMessenger
from adapters.slack.doctor import SCOPES, findings
from adapters.slack.settings import SlackConfig
from core.ports.checkup import Finding
from tests.simulators.slack import SlackSimulator


async def examined(config: SlackConfig) -> list[Finding]:
    messenger = SlackMessenger(config, timeout=2)
    found = await findings(config, messenger)
    await messenger.close()
    assert all(one.ok or one.cure for one in found)
    return found


async def test_all_is_well(config: SlackConfig) -> None:
    assert [one.ok for one in await examined(config)] == [True, True]
    assert [one.ok for one in await examined(replace(config, mode="socket"))] == [True, True]


async def test_no_signing_secret(config: SlackConfig) -> None:
    found = await examined(replace(config, signing_secret=""))
    assert [one.ok for one in found] == [True, False]
    assert "slack.signing_secret" in found[1].cure


async def test_wrong_tokens(config: SlackConfig) -> None:
    token = (await examined(replace(config, bot_token="xoxb-wrong")))[0]
    assert not token.ok
    assert "invalid_auth" in token.cure
    socket = (await examined(replace(config, mode="socket", app_token="xapp-wrong")))[1]
    assert not socket.ok
    assert "slack.app_token" in socket.cure


async def test_slack_is_away() -> None:
    found = await examined(SlackConfig("xoxb-1", "s", api_url="http://127.0.0.1:1/api/"))
    assert "http://127.0.0.1:1/api/" in found[0].cure


async def test_scopes(sim: SlackSimulator) -> None:
    scopes: list[str] = []

    async def auth_test(request: web.Request) -> web.Response:
        return web.json_response({"ok": True}, headers={"x-oauth-scopes": ",".join(scopes)})

    app = web.Application()
    app.router.add_post("/auth.test", auth_test)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    config = SlackConfig("xoxb-1", "s", api_url=f"http://127.0.0.1:{runner.addresses[0][1]}/")
    scopes[:] = ["users:read.email", "chat:write", "commands", "im:write", "im:history", "users:read"]
    lacking = (await examined(config))[1]
    assert not lacking.ok
    assert "app_mentions:read" in lacking.cure
    scopes[:] = [*SCOPES, "channels:read"]
    assert all(one.ok for one in await examined(config))
    await runner.cleanup()
