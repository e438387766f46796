from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from adapters.dingtalk.client import DingTalkClient, Space
from adapters.dingtalk.connection import Handler, Pace, StreamClient
from adapters.dingtalk.events import CARD_TOPIC, ROBOT_TOPIC
from adapters.dingtalk.settings import DingTalkSettings
from tests.adapters import changed
from tests.simulators.dingtalk import CannotClick, DingTalkSimulator
from tests.waiting import PATIENCE

from .conftest import variables

Frame = tuple[str, Mapping[str, str], dict[str, Any]]


class Recorder:
    """A handler that keeps what it gets and answers what it is told to."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.answer: Callable[[], Awaitable[dict[str, Any]]] = self.nothing

    async def __call__(self, topic: str, headers: Mapping[str, str], data: dict[str, Any]) -> dict[str, Any]:
        self.frames.append((topic, headers, data))
        return await self.answer()

    async def nothing(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def handler() -> Recorder:
    return Recorder()


@asynccontextmanager
async def streaming(
    settings: DingTalkSettings,
    session: aiohttp.ClientSession,
    handler: Handler,
    ding: DingTalkSimulator,
    concurrency: int = 64,
) -> AsyncIterator[StreamClient]:
    stream = StreamClient(settings, session, handler, Pace(deadline=1, pause=0.01), concurrency)
    stream.start()
    try:
        await ding.until(lambda: ding.gateway.sockets)
        yield stream
    finally:
        await stream.stop()


@pytest.fixture
async def stream(
    settings: DingTalkSettings, session: aiohttp.ClientSession, handler: Recorder, ding: DingTalkSimulator
) -> AsyncIterator[StreamClient]:
    async with streaming(settings, session, handler, ding) as stream:
        yield stream


async def test_it_subscribes_to_messages_clicks_and_events(ding: DingTalkSimulator, stream: StreamClient) -> None:
    (asked,) = ding.gateway.opened
    topics = {(subscription.type, subscription.topic) for subscription in asked.subscriptions}
    assert topics == {("EVENT", "*"), ("CALLBACK", ROBOT_TOPIC), ("CALLBACK", CARD_TOPIC)}


@pytest.mark.usefixtures("stream")
async def test_a_message(ding: DingTalkSimulator, handler: Recorder) -> None:
    assert (await ding.say("alice", "列表", group="cid1")).status == 200
    ((topic, headers, data),) = handler.frames
    assert (topic, data["text"]["content"], headers["contentType"]) == (ROBOT_TOPIC, " 列表", "application/json")


@pytest.mark.usefixtures("stream")
async def test_a_click_shows_the_answer(ding: DingTalkSimulator, handler: Recorder, client: DingTalkClient) -> None:
    params = variables(show_approve="true", show_n1="true", n1_skip="true", show_input="true")

    async def answer() -> dict[str, Any]:
        return {
            "cardUpdateOptions": {"updateCardDataByKey": True, "updatePrivateDataByKey": True},
            "cardData": {"cardParamMap": params | {"status": "执行中"}},
            "userPrivateData": {"cardParamMap": {"note": "已批准"}},
        }

    handler.answer = answer
    await client.create_and_deliver("c1", Space("group", "cid1"), params)
    (card,) = ding.cards("cid1")
    await ding.click("bob", card, "approve", text="好")
    await ding.click("bob", card, "skip")
    sent = [frame[2]["content"] for frame in handler.frames]
    assert ['"ref": "r1", "text": "好"' in sent[0], '"ref": "i1"' in sent[1]] == [True, True]
    assert ding.vars_of(card, "bob")["note"] == "已批准"
    assert ding.vars_of(card)["status"] == "执行中"
    assert ding.vars_of(card)["title"] == params["title"]
    with pytest.raises(CannotClick):
        await ding.click("bob", card, "reject")


@pytest.mark.usefixtures("stream")
async def test_an_event_that_fails_is_asked_for_again(
    ding: DingTalkSimulator, handler: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> dict[str, Any]:
        raise RuntimeError("the database is away")

    handler.answer = fail
    assert (await ding.event("bpms_task_change", {"taskId": "1"}, "e1")).body == "LATER"
    assert (await ding.click_raw("bob", "c1", ["approve"], {})).status == 500
    handler.answer = handler.nothing
    assert (await ding.event("bpms_task_change", {"taskId": "1"}, "e1")).body == "SUCCESS"
    assert [headers.get("eventId") for _, headers, _ in handler.frames] == ["e1", None, "e1"]
    assert "the database is away" in caplog.text


@pytest.mark.usefixtures("stream")
async def test_a_slow_handler_is_answered_for_and_goes_on(ding: DingTalkSimulator, handler: Recorder) -> None:
    release, finished = asyncio.Event(), asyncio.Event()

    async def slow() -> dict[str, Any]:
        await release.wait()
        finished.set()
        return {}

    handler.answer = slow
    assert (await ding.event("bpms_task_change", {})).body == "LATER"
    assert not finished.is_set()
    release.set()
    await finished.wait()


async def test_no_more_frames_at_a_time_than_allowed(
    settings: DingTalkSettings, session: aiohttp.ClientSession, handler: Recorder, ding: DingTalkSimulator
) -> None:
    release = asyncio.Event()

    async def wait() -> dict[str, Any]:
        await release.wait()
        return {}

    handler.answer = wait
    async with streaming(settings, session, handler, ding, concurrency=2):
        asked = [asyncio.create_task(ding.event("bpms_task_change", {})) for _ in range(5)]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert len(handler.frames) == 2
        release.set()
        await asyncio.gather(*asked)
        assert len(handler.frames) == 5


@pytest.mark.usefixtures("stream")
async def test_a_ping_is_echoed(ding: DingTalkSimulator) -> None:
    ack = await ding.push("SYSTEM", {"topic": "ping"}, {"opaque": "0d75"})
    assert (ack["code"], ack["data"]) == (200, '{"opaque": "0d75"}')


@pytest.mark.usefixtures("stream")
@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"type":"EVENT","headers":{}}', '{"type":"EVENT","headers":7,"data":"{"}']
)
async def test_a_frame_that_is_not_understood_is_left_out(
    ding: DingTalkSimulator, handler: Recorder, text: str
) -> None:
    await ding.there(ding.gateway.push_raw(text))
    await ding.say("alice", "列表")
    assert len(handler.frames) == 1


@pytest.mark.usefixtures("stream")
@pytest.mark.parametrize("end", ["disconnect", "drop", "close"])
async def test_it_connects_anew(ding: DingTalkSimulator, handler: Recorder, end: str) -> None:
    await ding.there(getattr(ding.gateway, end)())
    await ding.until(lambda: len(ding.gateway.opened) == 2 and len(ding.gateway.sockets) == 1)
    assert (await ding.say("alice", "列表")).status == 200


async def test_it_waits_for_a_gateway_that_comes_back(
    settings: DingTalkSettings,
    session: aiohttp.ClientSession,
    handler: Recorder,
    ding: DingTalkSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "adapters.dingtalk.connection")
    ding.fail("gateway.open", status=503)
    ding.fail("gateway.open", how="close")
    ding.fail("gateway.open", status=200, body={"endpoint": "ws://evil.example/connect", "ticket": "t"})
    ding.fail("gateway.open", status=200, body={})
    ding.fail("gateway.connect", status=401)
    async with streaming(settings, session, handler, ding) as stream:
        assert (await ding.say("alice", "列表")).status == 200
        assert stream.connected
    assert len(ding.calls_to("gateway.open")) == 6
    lost, restored = [r.getMessage() for r in caplog.records if r.name == "adapters.dingtalk.connection"]
    assert lost.startswith("DingTalk's stream cannot be reached: HTTP 503; ")
    assert restored == "DingTalk's stream can be reached again"


async def test_a_wrong_secret_is_told_without_telling_it(
    settings: DingTalkSettings,
    session: aiohttp.ClientSession,
    handler: Recorder,
    ding: DingTalkSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    wrong = changed(settings, client_secret="wrong-but-secret")
    stream = StreamClient(wrong, session, handler, Pace(pause=0.01))
    stream.start()
    await ding.until(lambda: len(ding.calls_to("gateway.open")) > 1)
    await stream.stop()
    assert "are client_id and client_secret right?" in caplog.text
    assert "wrong-but-secret" not in caplog.text


async def test_stop_lets_a_frame_finish_and_answers_it(
    settings: DingTalkSettings, session: aiohttp.ClientSession, handler: Recorder, ding: DingTalkSimulator
) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow() -> dict[str, Any]:
        begun.set()
        await release.wait()
        return {}

    handler.answer = slow
    stream = StreamClient(settings, session, handler, Pace(deadline=PATIENCE))
    stream.start()
    await ding.until(lambda: ding.gateway.sockets)
    asked = asyncio.create_task(ding.event("bpms_task_change", {}))
    await begun.wait()
    stopping = asyncio.create_task(stream.stop())
    await asyncio.sleep(0)
    release.set()
    assert (await asked).body == "SUCCESS"
    await stopping
    assert not stream.connected
    await ding.until(lambda: not ding.gateway.sockets)
