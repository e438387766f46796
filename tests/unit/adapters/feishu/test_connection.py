from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.feishu import connection as long_connection
from adapters.feishu.connection import LongConnection
from tests.simulators.feishu import FeishuSimulator
from tests.simulators.feishu_platform import FeishuPlatform
from tests.waiting import PATIENCE

from .app import section_of
from .cards import vote


class App:
    """Records envelopes and answers as told."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answer: dict[str, Any] = {}
        self.error: Exception | None = None
        self.hold = asyncio.Event()
        self.hold.set()

    async def handle(self, envelope: dict[str, Any]) -> dict[str, Any]:
        self.seen.put_nowait(envelope)
        await self.hold.wait()
        if self.error:
            raise self.error
        return self.answer


@asynccontextmanager
async def connected(feishu: FeishuSimulator, app: App) -> AsyncIterator[LongConnection]:
    connection = LongConnection(section_of(feishu), app.handle, first_pause=0.01, longest_pause=0.05)
    await connection.start()
    try:
        await asyncio.wait_for(connection.connected.wait(), PATIENCE)
        yield connection
    finally:
        await connection.stop()


async def test_a_click_is_answered_with_toast_and_card(feishu: FeishuSimulator) -> None:
    app, platform = App(), FeishuPlatform(feishu)
    app.answer = {"toast": {"type": "success", "content": "已批准"}, "card": {"type": "raw", "data": vote()}}
    message = feishu.add_message("oc_ops", "ou_bot", "interactive", vote())
    async with connected(feishu, app):
        answer = await platform.click("ou_alice", message, "Approve", {"reason": "fine"})
    assert (answer.status, answer.toast) == (200, "已批准")
    assert app.seen.get_nowait()["event"]["action"]["form_value"] == {"reason": "fine", "note": "none"}


async def test_a_plain_acknowledgement_has_no_body(feishu: FeishuSimulator) -> None:
    async with connected(feishu, App()):
        answer = await FeishuPlatform(feishu).write("ou_alice", "list")
    assert (answer.status, answer.body) == (200, {})


async def test_split_messages_are_put_together_in_any_order(feishu: FeishuSimulator) -> None:
    app = App()
    async with connected(feishu, app):
        envelope = FeishuPlatform(feishu).envelope("im.message.receive_v1", {"text": "发布" * 500})
        assert await feishu.sockets.push(envelope, parts=7) == (200, {})
    assert app.seen.get_nowait() == envelope


async def test_a_failing_handler_is_reported_so_that_feishu_pushes_again(
    feishu: FeishuSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    app, platform = App(), FeishuPlatform(feishu)
    app.error = RuntimeError("database is away")
    async with connected(feishu, app):
        answer = await platform.write("ou_alice", "list")
        assert answer.status == 500
        app.error = None
        assert (await platform.push(answer.envelope)).status == 200
    assert "database is away" in caplog.text


async def test_a_slow_handler_is_given_up_before_feishu_does(
    feishu: FeishuSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_connection, "ANSWER_WITHIN", 0.05)
    app = App()
    app.hold.clear()
    async with connected(feishu, app):
        assert (await FeishuPlatform(feishu).write("ou_alice", "list")).status == 500


async def test_a_slow_event_does_not_hold_up_others(feishu: FeishuSimulator) -> None:
    app, platform = App(), FeishuPlatform(feishu)
    app.hold.clear()
    async with connected(feishu, app):
        first = asyncio.create_task(platform.write("ou_alice", "first"))
        second = asyncio.create_task(platform.write("ou_bob", "second"))
        await app.seen.get()
        await app.seen.get()
        app.hold.set()
        assert [(await first).status, (await second).status] == [200, 200]


async def test_a_lost_connection_comes_back(feishu: FeishuSimulator) -> None:
    async with connected(feishu, App()):
        feishu.fail("ws.endpoint", 2, status=503)
        await feishu.sockets.close()
        await feishu.until(lambda: feishu.sockets.accepted == 2)
        assert len(feishu.calls_to("ws.endpoint")) == 4
        assert (await FeishuPlatform(feishu).write("ou_alice", "list")).status == 200


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    feishu: FeishuSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "adapters.feishu.connection")
    async with connected(feishu, App()) as connection:
        feishu.fail("ws.endpoint", 2, status=503)
        await feishu.sockets.close()
        await feishu.until(lambda: feishu.sockets.accepted == 2)
        await asyncio.wait_for(connection.connected.wait(), PATIENCE)
    lost, restored = [r.getMessage() for r in caplog.records if r.name == "adapters.feishu.connection"]
    assert lost.startswith("Feishu's long connection cannot be reached: unreadable answer (HTTP 503, code None); let")
    assert restored == "Feishu's long connection can be reached again"


async def test_a_garbled_frame_only_costs_the_connection(feishu: FeishuSimulator) -> None:
    async with connected(feishu, App()):
        await feishu.sockets.open[0].send_bytes(b"\xff\xff\xff")
        await feishu.until(lambda: feishu.sockets.accepted == 2)


async def test_pings_go_at_the_pace_the_server_sets(feishu: FeishuSimulator) -> None:
    feishu.sockets.ping_interval = 0.02
    async with connected(feishu, App()):
        await feishu.until(lambda: feishu.sockets.pings == 3)
    assert feishu.sockets.accepted == 1


async def test_a_server_that_answers_no_ping_is_left(feishu: FeishuSimulator) -> None:
    feishu.sockets.ping_interval = 0.02
    feishu.sockets.silent = True
    async with connected(feishu, App()):
        await feishu.until(lambda: feishu.sockets.accepted == 2)


async def test_stopping_answers_what_is_being_handled(feishu: FeishuSimulator) -> None:
    app = App()
    app.hold.clear()
    async with connected(feishu, app) as connection:
        click = asyncio.create_task(FeishuPlatform(feishu).write("ou_alice", "list"))
        await app.seen.get()
        stopping = asyncio.create_task(connection.stop())
        await asyncio.sleep(0)
        app.hold.set()
        await stopping
        assert (await click).status == 200
    await feishu.until(lambda: not feishu.sockets.open)


async def test_wrong_credentials_are_logged_without_the_secret(
    feishu: FeishuSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    connection = LongConnection(section_of(feishu, app_secret="wrong-secret"), App().handle, first_pause=0.01)
    await connection.start()
    await feishu.until(lambda: len(feishu.calls_to("ws.endpoint")) == 2)
    await connection.stop()
    assert "app_secret is wrong" in caplog.text
    assert "wrong-secret" not in caplog.text


async def test_the_ticket_of_a_refused_connection_is_not_logged(
    feishu: FeishuSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    feishu.fail("ws.connect", status=403)
    async with connected(feishu, App()):
        pass
    assert "HTTP 403" in caplog.text
    assert "ticket" not in caplog.text
