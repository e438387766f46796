from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from adapters.common.system import SystemClock
from adapters.dingtalk.client import DingTalkClient
from adapters.dingtalk.settings import DingTalkSettings
from adapters.dingtalk.validate import FLAGS, PUBLIC
from tests.simulators.dingtalk import DingTalkSimulator


def variables(**changes: str) -> dict[str, str]:
    """Return the variables of a card, with no button shown."""
    blank = {name: "false" if name in FLAGS else "" for name in PUBLIC}
    return blank | {"title": "#12 支付服务", "status_color": "orange", "ref": "r1", "n1_ref": "i1"} | changes


@pytest.fixture
async def ding() -> AsyncIterator[DingTalkSimulator]:
    async with DingTalkSimulator() as simulator:
        simulator.add_user("alice", mobile="13800000001")
        simulator.add_user("bob")
        simulator.add_group("cid1", "alice", "bob")
        yield simulator


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def settings(ding: DingTalkSimulator) -> DingTalkSettings:
    return DingTalkSettings(
        client_id=ding.client_id,
        client_secret=ding.client_secret,
        robot_code=ding.robot_code,
        card_template_id=ding.card_template_id,
        api_url=ding.url,
        oapi_url=ding.url,
        webhook_hosts=("127.0.0.1",),
    )


@pytest.fixture
def client(settings: DingTalkSettings, session: aiohttp.ClientSession) -> DingTalkClient:
    return DingTalkClient(settings, session, SystemClock(), timedelta(seconds=1))
