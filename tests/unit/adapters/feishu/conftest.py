from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.common.system import SystemClock
from adapters.feishu.client import FeishuClient
from tests.simulators.feishu import FeishuSimulator
from tests.waiting import PATIENCE

from .app import section_of


@pytest.fixture
async def feishu() -> AsyncIterator[FeishuSimulator]:
    async with FeishuSimulator() as simulator:
        simulator.add_user("ou_alice", email="alice@example.com", mobile="+8613800000001")
        simulator.add_user("ou_bob", email="bob@example.com", mobile="+8613800000002")
        simulator.add_chat("oc_ops")
        yield simulator


@pytest.fixture
def client(feishu: FeishuSimulator) -> FeishuClient:
    return FeishuClient(section_of(feishu), SystemClock(), timeout=PATIENCE)
