"""What the log of a server says while the vendors answer 500: what failed, without secrets and without stack traces."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from signal import SIGTERM

from tests.scenario.chats.dingtalk import DINGTALK
from tests.scenario.chats.feishu import FEISHU, User
from tests.scenario.office import written_for
from tests.scenario.process import serving
from tests.simulators.base import Simulator
from tests.simulators.dingtalk_platform import Console
from tests.simulators.feishu_platform import FeishuPlatform
from tests.waiting import PATIENCE


def refused(vendor: Simulator) -> bool:
    """Whether a vendor has answered 500."""
    return any(call.status == 500 for call in vendor.calls)


async def test_the_log_tells_of_vendors_that_fail(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        feishu = await stack.enter_async_context(FEISHU.simulator())
        ding = await stack.enter_async_context(DINGTALK.simulator())
        people = {"alice": {"feishu": "ou_alice", "dingtalk": "alice"}}
        chats = {
            "feishu": FEISHU.section(feishu, mode="long_connection"),
            "dingtalk": DINGTALK.section(ding, mode="stream"),
        }
        server = await stack.enter_async_context(serving(written_for(tmp_path, people, **chats)))
        await feishu.until(lambda: feishu.sockets.open, PATIENCE)
        await ding.until(lambda: ding.gateway.sockets, PATIENCE)
        alice = User(feishu, FeishuPlatform(feishu), "ou_alice")
        assert "Plan #1" in await alice.says("new Shop")
        with feishu.outage(how="answer", status=500), ding.outage(how="answer", status=500):
            await ding.say("alice", "new Shop 2")
            await alice.writes("replan 1")
            await feishu.until(lambda: refused(feishu))
            await ding.until(lambda: refused(ding))
            assert await server.end(SIGTERM) == 0, "the replies are tried again while it stops"
    assert "WARNING adapters.common.answering: an answer did not reach its DingTalk user" in server.said
    assert "HTTP 500" in server.said
    assert "Traceback" not in server.said
    assert "INFO httpx" not in server.said
    secrets = (feishu.app_secret, feishu.encrypt_key, feishu.verification_token, ding.client_secret, Console.aes_key)
    assert [secret for secret in (*secrets, "ticket=", "access_token=") if secret in server.said] == []
