"""The HTTP endpoint against what Slack sends and what others send in its name."""

from __future__ import annotations

import io
import json
import logging
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier

from adapters.common.system import SystemClock
from adapters.slack.client import SlackClient
from adapters.slack.server import SlackServer
from adapters.slack.settings import SlackSettings
from core.chat import Inbound, Reply
from tests.adapters import inbox_of
from tests.simulators.slack import SlackSimulator
from tests.unit.adapters.bot import Bot

from .conftest import running

TIMESTAMP, SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
FORM = "application/x-www-form-urlencoded"
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U1"},
    "container": {"type": "message", "channel_id": "C1", "message_ts": "1.1"},
    "trigger_id": "1.2.abc",
    "actions": [{"action_id": "approve", "value": "ref-1", "action_ts": "2.2"}],
}

pytestmark = pytest.mark.usefixtures("app")


def clicked(**changes: Any) -> bytes:
    return urlencode({"payload": json.dumps(CLICK | changes)}).encode()


async def send(
    sim: SlackSimulator, body: bytes, content_type: str = FORM, *, at: int = 0, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    """Post a body, signed `at` seconds from now by slack_sdk; `headers` replace what is sent."""
    moment = str(int(time.time() + at))
    signature = SignatureVerifier(sim.signing_secret).generate_signature(timestamp=moment, body=body.decode("latin-1"))
    sent = {
        "Content-Type": content_type,
        TIMESTAMP: moment,
        SIGNATURE: str(signature),
    } | (headers or {})
    async with (
        aiohttp.ClientSession() as session,
        session.post(sim.app_url, data=io.BytesIO(body), headers={k: v for k, v in sent.items() if v}) as response,
    ):
        return response.status, await response.text()


async def test_signed_click_is_handled(sim: SlackSimulator, bot: Bot) -> None:
    assert await send(sim, clicked()) == (200, "")
    assert bot.asked == [Inbound("slack", "U1", "1.2.abc", verb="approve", ref="ref-1", channel="C1", message="1.1")]


@pytest.mark.parametrize("at", [-299, 299])
async def test_clocks_may_differ_by_five_minutes(sim: SlackSimulator, at: int) -> None:
    assert (await send(sim, clicked(), at=at))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE: ""},
        {TIMESTAMP: ""},
        {SIGNATURE: "v0=" + "0" * 64},
        {SIGNATURE: "v0=é"},
        {TIMESTAMP: "soon"},
        {TIMESTAMP: "-1"},
        {TIMESTAMP: "1e9"},
        {TIMESTAMP: "９９９９９９９９９９"},
        {TIMESTAMP: "9" * 400},
    ],
)
async def test_unproven_is_refused(
    sim: SlackSimulator, bot: Bot, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "adapters.slack")
    assert await send(sim, clicked(), headers=headers) == (401, "")
    assert bot.asked == []
    assert "ref-1" not in caplog.text


@pytest.mark.parametrize("at", [-302, 302])
async def test_stale_is_refused(sim: SlackSimulator, bot: Bot, at: int) -> None:
    assert (await send(sim, clicked(), at=at))[0] == 401
    assert bot.asked == []


async def test_changed_body_is_refused(sim: SlackSimulator, bot: Bot) -> None:
    moment = str(int(time.time()))
    signature = SignatureVerifier(sim.signing_secret).generate_signature(timestamp=moment, body=clicked())
    forged = clicked(user={"id": "U2"})
    assert (await send(sim, forged, headers={TIMESTAMP: moment, SIGNATURE: str(signature)}))[0] == 401
    assert bot.asked == []


async def test_other_apps_secret_is_refused(sim: SlackSimulator, bot: Bot) -> None:
    signature = SignatureVerifier("another secret").generate_signature(timestamp=str(int(time.time())), body=clicked())
    assert (await send(sim, clicked(), headers={SIGNATURE: str(signature)}))[0] == 401


async def test_body_in_another_encoding_is_refused(sim: SlackSimulator) -> None:
    assert (await send(sim, b"command=/release&text=\xff\xfe"))[0] == 401


async def test_ssl_check_has_to_be_signed(sim: SlackSimulator, bot: Bot) -> None:
    assert (await send(sim, b"ssl_check=1&token=x", headers={SIGNATURE: ""}))[0] == 401
    assert await send(sim, b"ssl_check=1&token=x") == (200, "")
    assert bot.asked == []


async def test_handshake(sim: SlackSimulator) -> None:
    assert (await sim.url_verification('a"b')).body == {"challenge": 'a"b'}
    body = json.dumps({"type": "url_verification", "challenge": "x"}).encode()
    assert (await send(sim, body, "application/json", headers={SIGNATURE: ""}))[0] == 401


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"payload=%7Bnot+json", FORM),
        (b"payload=%5B%5D", FORM),
        (b"payload=null", FORM),
        (b"nothing=here", FORM),
        (b"", FORM),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"type":"event_callback"}', "application/json"),
        (b'{"type":"event_callback","event_id":"E1","event":[]}', "application/json"),
        (clicked(actions=[]), FORM),
        (clicked(user={"name": "alice"}), FORM),
        (clicked(user={"id": ""}), FORM),
        (clicked(actions=[{"value": "ref-1"}]), FORM),
        (clicked(actions=[{"action_id": "reject", "value": {}}]), FORM),
        (clicked(), "text/plain"),
        (b"command=/release&text=list&trigger_id=1", FORM),
    ],
)
async def test_malformed_is_told_so_and_not_sent_again(
    sim: SlackSimulator, bot: Bot, body: bytes, content_type: str
) -> None:
    assert await send(sim, body, content_type) == (400, "")
    assert bot.asked == []


async def test_unknown_kinds_are_acknowledged(sim: SlackSimulator, bot: Bot) -> None:
    for kind in ("view_closed", "shortcut", "block_suggestion"):
        assert await send(sim, clicked(type=kind)) == (200, "")
    assert bot.asked == []


async def test_a_megabyte_is_too_much(sim: SlackSimulator, bot: Bot) -> None:
    fields = {"command": "/release", "user_id": "U1", "trigger_id": "1.2.a", "channel_id": "C1"}
    text = "x" * ((1 << 20) - 200)
    assert (await send(sim, urlencode(fields | {"text": text}).encode()))[0] == 200
    assert bot.asked[0].text == text
    assert await send(sim, urlencode(fields | {"text": text + "x" * 400}).encode()) == (413, "")
    assert len(bot.asked) == 1


async def test_replayed_click_has_the_same_key(sim: SlackSimulator, bot: Bot) -> None:
    moment = str(int(time.time()))
    signature = SignatureVerifier(sim.signing_secret).generate_signature(timestamp=moment, body=clicked())
    for _ in range(2):
        await send(sim, clicked(), headers={TIMESTAMP: moment, SIGNATURE: str(signature)})
    assert [asked.key for asked in bot.asked] == ["1.2.abc", "1.2.abc"]


async def test_failing_bot_is_reported_to_slack(sim: SlackSimulator, settings: SlackSettings) -> None:
    async def broken(inbound: Inbound) -> Reply:
        raise RuntimeError(inbound.verb)

    async with running(sim, settings, broken):
        assert (await send(sim, clicked()))[0] == 500


async def test_failing_bot_after_the_acknowledgement_is_logged(
    sim: SlackSimulator, settings: SlackSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(inbound: Inbound) -> Reply:
        raise RuntimeError(inbound.verb)

    bot = Bot()

    async def slow(inbound: Inbound) -> Reply:
        await bot.free.wait()
        return await broken(inbound)

    bot.free.clear()
    async with running(sim, settings, slow):
        assert (await send(sim, clicked()))[0] == 200
        bot.free.set()
    assert "RuntimeError: approve" in caplog.text


async def test_answer_to_a_host_that_is_not_slack_is_not_sent(sim: SlackSimulator, bot: Bot) -> None:
    bot.replies["approve"] = Reply("Approved.")
    for url in (
        sim.response_url("C1", "U1").replace("127.0.0.1", "localhost"),
        sim.response_url("C1", "U1").replace("http://", "http://127.0.0.1@localhost:1/?"),
        "file:///etc/passwd",
        "not a url",
        "http://[",
    ):
        await send(sim, clicked(response_url=url))
    await sim.until(lambda: len(sim.ephemerals("U1")) == 5)
    assert sim.calls_to("response_url") == []
    assert len(sim.calls_to("chat.postEphemeral")) == 5


async def test_lost_answer_is_logged_without_secrets(
    sim: SlackSimulator, bot: Bot, app: SlackServer, caplog: pytest.LogCaptureFixture
) -> None:
    bot.replies["approve"] = Reply("Approved.")
    sim.fail("response_url", status=503)
    sim.fail("chat.postEphemeral", status=503)
    sim.fail("conversations.open", status=200, body={"ok": False, "error": "invalid_auth"})
    url = sim.response_url("C1", "U1")
    await send(sim, clicked(response_url=url))
    await app.stop()
    assert "an answer did not reach its Slack user: Slack did not accept the request: invalid_auth" in caplog.text
    assert url not in caplog.text


async def test_http_needs_a_signing_secret(sim: SlackSimulator, settings: SlackSettings, bot: Bot) -> None:
    with pytest.raises(ValueError, match="signing_secret"):
        SlackServer(SlackSettings(bot_token=sim.bot_token), SlackClient(settings), inbox_of(bot), SystemClock())
