"""The vendor's own Stream client against the simulator: an independent witness of the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import dingtalk_stream
import pytest

from tests.simulators.dingtalk import DingTalkSimulator


class Messages(dingtalk_stream.CallbackHandler):  # type: ignore[misc]
    """Keeps the text of messages."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str]] = []

    async def process(self, message: dingtalk_stream.CallbackMessage) -> tuple[int, str]:
        said = dingtalk_stream.ChatbotMessage.from_dict(message.data)
        self.heard.append((said.sender_staff_id, said.text.content))
        return dingtalk_stream.AckMessage.STATUS_OK, "OK"


class Clicks(dingtalk_stream.CallbackHandler):  # type: ignore[misc]
    """Answers clicks with the parameters they came with."""

    async def process(self, message: dingtalk_stream.CallbackMessage) -> tuple[int, dict[str, Any]]:
        click = dingtalk_stream.CardCallbackMessage.from_dict(message.data)
        sent = click.content["cardPrivateData"]
        return dingtalk_stream.AckMessage.STATUS_OK, {"who": click.user_id, "card": click.card_instance_id, **sent}


class Vendor:
    """The vendor's client, connected to the simulator."""

    def __init__(self, ding: DingTalkSimulator, secret: str) -> None:
        self.client = dingtalk_stream.DingTalkStreamClient(dingtalk_stream.Credential(ding.client_id, secret))
        self.messages = Messages()
        self.client.register_callback_handler(dingtalk_stream.ChatbotMessage.TOPIC, self.messages)
        self.client.register_callback_handler(dingtalk_stream.CallbackHandler.TOPIC_CARD_CALLBACK, Clicks())


@pytest.fixture
async def ding(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DingTalkSimulator]:
    async with DingTalkSimulator() as simulator:
        address = f"{simulator.url}/v1.0/gateway/connections/open"
        monkeypatch.setattr(dingtalk_stream.DingTalkStreamClient, "OPEN_CONNECTION_API", address)
        simulator.add_user("alice")
        yield simulator


@pytest.fixture
async def vendor(ding: DingTalkSimulator) -> AsyncIterator[Vendor]:
    vendor = Vendor(ding, ding.client_secret)
    running = asyncio.create_task(vendor.client.start())
    await ding.until(lambda: ding.gateway.sockets)
    yield vendor
    while not running.done():
        running.cancel()  # it takes the first one for a broken connection
        await asyncio.wait({running}, timeout=0.01)


async def test_messages_and_clicks_reach_the_vendors_client(ding: DingTalkSimulator, vendor: Vendor) -> None:
    assert (await ding.say("alice", "列表")).status == 200
    assert vendor.messages.heard == [("alice", "列表")]
    answer = await ding.click_raw("alice", "c1", ["approve"], {"ref": "r1"})
    assert answer.body == {"who": "alice", "card": "c1", "actionIds": ["approve"], "params": {"ref": "r1"}}


def test_a_wrong_secret_opens_no_connection(ding: DingTalkSimulator) -> None:
    assert Vendor(ding, "wrong").client.open_connection() is None
