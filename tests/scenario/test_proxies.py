"""Fabu in a network that is left by a proxy alone: no name of a vendor can be resolved here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.scenario.chats import dingtalk, feishu, slack
from tests.scenario.office import PEOPLE, Json, step, written_for
from tests.scenario.process import run_fabu, serving
from tests.simulators.dingtalk import DingTalkSimulator
from tests.simulators.feishu import FeishuSimulator
from tests.simulators.proxy import Proxy
from tests.simulators.slack import SlackSimulator
from tests.waiting import until

HOSTS = ("slack.invalid", "open.feishu.invalid", "api.dingtalk.invalid", "oapi.dingtalk.invalid")


@dataclass
class Network:
    """The vendors behind a proxy, and the settings and variables of a Fabu in front of it."""

    slack: SlackSimulator
    feishu: FeishuSimulator
    ding: DingTalkSimulator
    proxy: Proxy
    written: Json

    @property
    def variables(self) -> dict[str, str]:
        """The variables that name the proxy, and the authority of its certificates."""
        return {"HTTPS_PROXY": self.proxy.url, "SSL_CERT_FILE": str(self.proxy.authority)}

    def connections(self) -> tuple[int, int, int]:
        """Return how many WebSockets each vendor has."""
        return len(self.slack.socket.connections), len(self.feishu.sockets.open), len(self.ding.gateway.sockets)

    def cards(self) -> tuple[int, int, int]:
        """Return how many cards each vendor has in its channel."""
        group = self.ding.cards(dingtalk.GROUP)
        return len(self.slack.cards(slack.CHANNEL)), len(self.feishu.messages_in(feishu.GROUP)), len(group)


@pytest.fixture
async def network(tmp_path: Path) -> AsyncIterator[Network]:
    async with AsyncExitStack() as stack:
        vendors = [await stack.enter_async_context(one.open_simulator()) for one in (slack, feishu, dingtalk)]
        of_slack, of_feishu, ding = vendors
        urls = dict(zip(HOSTS, [of_slack.url, of_feishu.url, ding.url, ding.url], strict=True))
        proxy = await stack.enter_async_context(Proxy(urls, tmp_path / "proxy", "fabu", "pa55"))
        of_slack.url, of_feishu.url, ding.url = (f"https://{host}" for host in HOSTS[:3])  # in the answers as well
        sections: dict[str, Any] = {
            "slack": slack.section_for(of_slack, mode="socket", api_url="https://slack.invalid/api/"),
            "feishu": feishu.section_for(of_feishu, mode="long_connection"),
            "dingtalk": dingtalk.section_for(ding, mode="stream", oapi_url="https://oapi.dingtalk.invalid"),
        }
        yield Network(of_slack, of_feishu, ding, proxy, written_for(tmp_path, {}, **sections))


async def plan(network: Network, url: str) -> None:
    """Create a plan, by the API, which is on this machine."""
    _, token = await run_fabu("token", "create", "--as", PEOPLE[0], written=network.written, variables={})
    headers = {"Authorization": f"Bearer {token.split()[-1]}"}
    async with ClientSession(headers=headers) as session:
        body = {"name": "Payments 2.4", "items": [step("notes")]}
        async with session.post(f"{url}/api/v1/plans", json=body) as response:
            assert response.status == 201
            created = await response.json()
        async with session.post(f"{url}/api/v1/plans/{created['id']}/submit", json={}) as response:
            assert response.status == 200


async def test_calls_and_websockets_of_every_chat_go_by_the_proxy(network: Network) -> None:
    async with serving(network.written, network.variables) as server:
        await until(lambda: network.connections() == (1, 1, 1))
        await plan(network, server.url)
        await until(lambda: min(network.cards()) > 0)
    proxy = network.proxy
    assert proxy.refused == 0, "the credentials were sent with the first request"
    assert {one.partition(":")[0] for one in proxy.asked} >= {*HOSTS[:3]}
    assert all(one.endswith(":443") for one in proxy.asked), "nothing else was asked for, as this machine"
    assert "pa55" not in server.said


async def test_addresses_that_need_no_proxy_are_reached_directly(network: Network) -> None:
    variables = network.variables | {"NO_PROXY": ".slack.invalid,open.feishu.invalid,*.dingtalk.invalid"}
    async with serving(network.written, variables) as server:
        await until(lambda: server.said.count("cannot be reached") >= 3)
    assert network.proxy.asked == []


async def test_the_check_up_goes_by_the_proxy_too(network: Network) -> None:
    code, said = await run_fabu("doctor", written=network.written, variables=network.variables)
    assert code == 1, "the public address of the tests leads nowhere"
    for well in (
        "HTTPS_PROXY: the proxy http://fabu:***@127.0.0.1", "Slack: the app is in the channel C1.",
        "Slack opens a connection of Socket Mode.", "Feishu's long connection can be opened",
        "DingTalk's Stream can be opened",
    ):  # fmt: skip
        assert f"✓ ok {well}" in said
    assert "pa55" not in said
    await until(lambda: network.connections() == (0, 0, 0))
