"""What the log of a server says while the vendors answer 500: what failed, without secrets and without stack traces."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from signal import SIGTERM

from tests.scenario import dingtalk_case, feishu_case
from tests.scenario.office import PATIENCE, written_for
from tests.scenario.process import serving
from tests.simulators.dingtalk_platform import Console
from tests.simulators.feishu_platform import FeishuPlatform


async def test_the_log_tells_of_vendors_that_fail(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        feishu = await stack.enter_async_context(feishu_case.platform_of())
        ding = await stack.enter_async_context(dingtalk_case.platform_of())
        people = {"alice": {"feishu": "ou_alice", "dingtalk": "alice"}}
        chats = {
            "feishu": feishu_case.section_for(feishu, mode="long_connection"),
            "dingtalk": dingtalk_case.section_for(ding, mode="stream"),
        }
        server = await stack.enter_async_context(serving(written_for(tmp_path, people, **chats)))
        await feishu.until(lambda: feishu.sockets.open, PATIENCE)
        await ding.until(lambda: ding.gateway.sockets, PATIENCE)
        alice = feishu_case.User(feishu, FeishuPlatform(feishu), "ou_alice")
        assert "Plan #1" in await alice.says("new Shop")
        with feishu.outage(how="answer", status=500), ding.outage(how="answer", status=500):
            await ding.say("alice", "new Shop 2")
            await alice.writes("replan 1")
            await asyncio.sleep(1)
        assert await server.end(SIGTERM) == 0
    assert "WARNING adapters.common.answering: an answer did not reach its DingTalk user" in server.said
    assert "HTTP 500" in server.said
    assert "Traceback" not in server.said
    assert "INFO httpx" not in server.said
    secrets = (feishu.app_secret, feishu.encrypt_key, feishu.verification_token, ding.client_secret, Console.aes_key)
    assert [secret for secret in (*secrets, "ticket=", "access_token=") if secret in server.said] == []
