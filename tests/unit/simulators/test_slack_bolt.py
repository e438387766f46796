"""slack_bolt as an independent app: it must understand what the simulator sends, over HTTP and over Socket Mode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.loopback import serve
from tests.simulators.slack import SlackSimulator

JSON = dict[str, Any]
CARD: list[JSON] = [
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "reject", "value": "ref", "text": {"type": "plain_text", "text": "Reject"}}
        ],
    }
]
MODAL: JSON = {
    "type": "modal",
    "callback_id": "reason",
    "title": {"type": "plain_text", "text": "Reject"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


@pytest.fixture
async def sim() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator() as simulator:
        simulator.add_user("U1", "alice")
        simulator.add_channel("C1", "releases")
        yield simulator


@pytest.fixture
def bolt(sim: SlackSimulator, monkeypatch: pytest.MonkeyPatch) -> AsyncApp:
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    app = AsyncApp(
        signing_secret=sim.signing_secret,
        client=AsyncWebClient(token=sim.bot_token, base_url=sim.api_url),
        process_before_response=True,
    )

    @app.command("/release")
    async def release(ack: Any, command: JSON) -> None:
        await ack(response_type="in_channel", text=command["text"], blocks=CARD)

    @app.action("reject")
    async def reject(ack: Any, body: JSON, client: AsyncWebClient) -> None:
        await ack()
        metadata = f"{body['channel']['id']} {body['message']['ts']} {body['actions'][0]['value']}"
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL | {"private_metadata": metadata})

    @app.view("reason")
    async def reason(ack: Any, view: JSON, client: AsyncWebClient) -> None:
        text = view["state"]["values"]["why"]["text"]["value"]
        if text == "no":
            await ack(response_action="errors", errors={"why": "too short"})
            return
        await ack()
        channel, ts, _ = view["private_metadata"].split()
        await client.chat_update(channel=channel, ts=ts, text=f"rejected: {text}", blocks=[])

    @app.event("app_mention")
    async def mentioned(event: JSON, say: Any) -> None:
        await say(text="hello", thread_ts=event["ts"])

    return app


@asynccontextmanager
async def socket_mode(sim: SlackSimulator, bolt: AsyncApp) -> AsyncIterator[None]:
    """Hold a Socket Mode connection of bolt's own handler, whose methods carry no types."""
    handler = AsyncSocketModeHandler(bolt, sim.app_token, web_client=bolt.client)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await sim.socket_connected()
    yield
    await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture(params=["http", "socket"])
async def running(request: pytest.FixtureRequest, sim: SlackSimulator, bolt: AsyncApp) -> AsyncIterator[SlackSimulator]:
    if request.param == "socket":
        async with socket_mode(sim, bolt):
            yield sim
        return

    async def receive(incoming: web.Request) -> web.Response:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(incoming)))

    async with serve({"/slack/events": receive}) as url:
        sim.app_url = f"{url}/slack/events"
        yield sim


async def test_command_click_modal(running: SlackSimulator) -> None:
    await running.slash("U1", "C1", "show 7")
    card = running.messages("C1")[0]
    assert card.text == "show 7"
    await running.click("U1", card, "Reject")
    view = await running.until(lambda: running.modal("U1"))
    refused = await running.submit_view("U1", view, {"Reason": "no"})
    assert refused.body["errors"] == {"why": "too short"}
    assert running.modal("U1") is view
    await running.submit_view("U1", view, {"Reason": "too risky"})
    assert running.modal("U1") is None
    await running.until(lambda: card.text == "rejected: too risky")
    assert card.blocks == []
    assert running.complaints == []


async def test_mention(running: SlackSimulator) -> None:
    assert (await running.event("app_mention", "U1", "hello", "C1")).status == 200
    asked = running.workspace.channel("C1").messages[0]
    await running.until(lambda: running.messages("C1", thread=asked.ts))
    assert running.complaints == []


async def test_socket_reconnects_after_disconnect(sim: SlackSimulator, bolt: AsyncApp) -> None:
    async with socket_mode(sim, bolt):
        await sim.socket_disconnect("refresh_requested")
        await sim.socket_connected()
        assert len(sim.calls_to("apps.connections.open")) == 2
        await sim.slash("U1", "C1", "show 7")
    assert sim.messages("C1")[0].text == "show 7"
