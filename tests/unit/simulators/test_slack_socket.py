from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import NotPossible


@pytest.fixture
async def sim() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator() as simulator:
        simulator.add_user("U1", "alice")
        yield simulator


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def test_hello_envelope_ack(sim: SlackSimulator, session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(sim.socket.ticket(sim.url)) as socket:
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        sent = asyncio.ensure_future(sim.event("message.im", "U1", "list", event_id="Ev1", retry=(2, "http_timeout")))
        envelope = await socket.receive_json()
        assert envelope["type"] == "events_api"
        assert envelope["payload"]["event_id"] == "Ev1"
        assert (envelope["retry_attempt"], envelope["retry_reason"]) == (2, "http_timeout")
        assert envelope["accepts_response_payload"] is False
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "ok"}})
        assert (await sent).body == {"text": "ok"}


async def test_an_address_serves_one_connection(sim: SlackSimulator, session: aiohttp.ClientSession) -> None:
    address = sim.socket.ticket(sim.url)
    async with session.ws_connect(address):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await session.ws_connect(address)


async def test_no_ack_and_wrong_ack(sim: SlackSimulator, session: aiohttp.ClientSession) -> None:
    sim.ack_seconds = 0.05
    async with session.ws_connect(sim.socket.ticket(sim.url)) as socket:
        await socket.receive_json()
        await socket.send_str(json.dumps({"envelope_id": "unknown"}))
        with pytest.raises(TimeoutError):
            await sim.socket_send({"type": "interactive", "payload": {}})
    assert sim.complaints == ['socket: {"envelope_id": "unknown"}']


async def test_sending_needs_a_connection(sim: SlackSimulator) -> None:
    with pytest.raises(NotPossible, match="no Socket Mode connection"):
        await sim.socket_send({"type": "interactive", "payload": {}})


async def test_disconnect_says_why(sim: SlackSimulator, session: aiohttp.ClientSession) -> None:
    async with session.ws_connect(sim.socket.ticket(sim.url)) as socket:
        await socket.receive_json()
        await sim.socket_disconnect("link_disabled")
        assert (await socket.receive_json())["reason"] == "link_disabled"
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
