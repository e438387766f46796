from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any

import pytest
from aiohttp import web

from adapters.common.system import SystemClock
from adapters.feishu.client import FeishuClient
from adapters.feishu.errors import (
    MESSAGE_RATE_LIMITED,
    RATE_LIMITED,
    RECALLED,
    TOO_OLD,
    FeishuError,
)
from adapters.feishu.settings import FeishuSettings
from tests.simulators.feishu import UPDATABLE, FeishuSimulator

from .app import section_of
from .cards import card


def client_of(domain: str) -> FeishuClient:
    return FeishuClient(FeishuSettings(app_id="cli", app_secret="secret", domain=domain), SystemClock())


async def send(client: FeishuClient, uuid: str = "u1", to: str = "oc_ops", **more: Any) -> str:
    return await client.send("chat_id", to, "interactive", card(**more), uuid)


async def refused(client: FeishuClient, **more: Any) -> FeishuError:
    with pytest.raises(FeishuError) as caught:
        await send(client, **more)
    return caught.value


async def test_a_card_is_sent_and_updated(feishu: FeishuSimulator, client: FeishuClient) -> None:
    message_id = await send(client)
    assert [one.message_id for one in feishu.cards_in("oc_ops")] == [message_id]
    await client.patch_card(message_id, card(title="发布完成"))
    assert feishu.messages[message_id].content == card(title="发布完成")


async def test_a_user_is_reached_by_open_id_and_by_email(feishu: FeishuSimulator, client: FeishuClient) -> None:
    await client.send("open_id", "ou_alice", "text", {"text": "hi"}, "u1")
    await client.send("email", "alice@example.com", "text", {"text": "again"}, "u2")
    assert [one.text for one in feishu.messages_in("ou_alice")] == ["hi", "again"]


async def test_certificates_are_not_read_anew_for_every_call(
    client: FeishuClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.load()

    def read(*_: Any, **__: Any) -> None:
        raise AssertionError("takes some 20 ms, in which nobody is served")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", read)
    await send(client)


async def test_the_same_uuid_sends_once(feishu: FeishuSimulator, client: FeishuClient) -> None:
    assert await send(client) == await send(client)
    assert len(feishu.messages) == 1
    feishu.clock.advance(3601)
    feishu.tokens.revoke()
    await send(client)
    assert len(feishu.messages) == 2


async def test_a_lost_answer_is_repeated_without_a_second_message(
    feishu: FeishuSimulator, client: FeishuClient
) -> None:
    feishu.fail("im.message.create", how="close", applied=True)
    error = await refused(client)
    assert (error.retryable, error.sent) == (True, True)
    await send(client)
    assert len(feishu.messages) == 1


async def test_an_answer_in_text_mentions_nobody(feishu: FeishuSimulator, client: FeishuClient) -> None:
    asked = feishu.add_message("oc_ops", "ou_alice", "text", {"text": "list"})
    reply = await client.reply_text(asked.message_id, 'hi <AT user_id="all">all</at> 3<4', "u1")
    assert feishu.messages[reply].parent_id == asked.message_id
    [[part]] = feishu.messages[reply].content["zh_cn"]["content"]
    assert part == {"tag": "text", "text": 'hi <AT user_id="all">all</at> 3<4'}


async def test_people_are_found_by_email_and_mobile(feishu: FeishuSimulator, client: FeishuClient) -> None:
    emails = [f"nobody{number}@example.com" for number in range(60)] + ["bob@example.com"]
    found = await client.find_users(emails, ["+8613800000001"])
    assert found == {"bob@example.com": "ou_bob", "+8613800000001": "ou_alice"}
    assert len(feishu.calls_to("contact.user.batch_get_id")) == 2
    assert await client.find_users() == {}


async def test_one_token_serves_many_calls_at_once(feishu: FeishuSimulator, client: FeishuClient) -> None:
    await asyncio.gather(*(client.find_users(["bob@example.com"]) for _ in range(5)))
    assert len(feishu.calls_to("auth.token")) == 1


async def test_a_refused_token_is_renewed_and_the_call_repeated(feishu: FeishuSimulator, client: FeishuClient) -> None:
    await send(client, "u1")
    feishu.tokens.revoke()
    await send(client, "u2")
    assert len(feishu.messages) == 2
    assert len(feishu.calls_to("auth.token")) == 2


async def test_a_token_that_stays_refused_is_reported(feishu: FeishuSimulator, client: FeishuClient) -> None:
    body = {"code": 99991663, "msg": "Invalid access token"}
    feishu.fail("im.message.create", 2, status=400, body=body)
    assert (await refused(client)).vendor_code == 99991663
    assert len(feishu.calls_to("im.message.create")) == 2


async def test_wrong_credentials_say_so_and_tell_no_secret(feishu: FeishuSimulator) -> None:
    error = await refused(FeishuClient(section_of(feishu, app_secret="wrong-secret"), SystemClock()))
    assert not error.retryable
    assert "app secret invalid" in str(error)
    assert "wrong-secret" not in str(error)


@pytest.mark.parametrize(
    ("status", "body", "retryable", "sent"),
    [
        (429, {"code": RATE_LIMITED, "msg": "request trigger frequency limit"}, True, False),
        (400, {"code": RATE_LIMITED, "msg": "request trigger frequency limit"}, True, False),
        (200, {"code": MESSAGE_RATE_LIMITED, "msg": "frequency limit"}, True, False),
        (200, {"code": 230002, "msg": "the bot is not in the chat"}, False, False),
        (403, {"code": 230027, "msg": "Lack of necessary permissions."}, False, False),
        (400, {"code": 230013, "msg": "Bot has NO availability to this user."}, False, False),
        (200, {"code": 2200, "msg": "internal error"}, True, False),
        (400, {"code": 11232, "msg": "create message trigger system rate limit"}, True, False),
        (400, {"code": 777777, "msg": "of tomorrow"}, True, False),
        (500, {"code": 2200, "msg": "internal error"}, True, True),
        (503, None, True, True),
    ],
)
async def test_refusals_tell_whether_to_try_again(
    feishu: FeishuSimulator,
    client: FeishuClient,
    status: int,
    body: dict[str, Any] | None,
    retryable: bool,
    sent: bool,
) -> None:
    feishu.fail("im.message.create", status=status, body=body, retry_after=52)
    error = await refused(client)
    assert (error.retryable, error.sent, error.retry_after) == (retryable, sent, 52)
    assert error.vendor_code == (body or {}).get("code", 0)


async def test_a_message_may_be_updated_five_times_a_second(feishu: FeishuSimulator, client: FeishuClient) -> None:
    message_id = await send(client)
    answers = await asyncio.gather(
        *(client.patch_card(message_id, card(title=f"{number}")) for number in range(6)), return_exceptions=True
    )
    (error,) = [one for one in answers if isinstance(one, FeishuError)]
    assert (error.vendor_code, error.retryable, error.retry_after) == (MESSAGE_RATE_LIMITED, True, 1)
    feishu.clock.advance(1)
    await client.patch_card(message_id, card(title="last"))


async def test_old_and_recalled_cards_are_not_updated(feishu: FeishuSimulator, client: FeishuClient) -> None:
    message_id = await send(client)
    feishu.messages[message_id].recalled = True
    with pytest.raises(FeishuError) as recalled:
        await client.patch_card(message_id, card())
    feishu.messages[message_id].recalled = False
    feishu.clock.advance(UPDATABLE + 1)
    with pytest.raises(FeishuError) as old:
        await client.patch_card(message_id, card())
    assert [error.value.vendor_code for error in (recalled, old)] == [RECALLED, TOO_OLD]
    assert not old.value.retryable


async def test_an_invalid_card_is_refused_for_good(feishu: FeishuSimulator, client: FeishuClient) -> None:
    with pytest.raises(FeishuError, match="element") as caught:
        await client.send("chat_id", "oc_ops", "interactive", card({"tag": "action"}), "u1")
    assert (caught.value.vendor_code, caught.value.retryable) == (230099, False)


async def test_silence_ends_at_the_timeout(feishu: FeishuSimulator) -> None:
    client = FeishuClient(section_of(feishu), SystemClock(), timeout=0.5)
    await client.load()
    feishu.fail("im.message.create", how="hang")
    error = await refused(client)
    assert (error.retryable, error.sent) == (True, True)


@pytest.mark.parametrize(
    ("body", "content_type"), [(b"<html>", "text/html"), (b"[]", "application/json"), (b"", "application/json")]
)
async def test_what_a_proxy_answers_is_tried_again(body: bytes, content_type: str) -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=body, content_type=content_type)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        error = await refused(client_of(f"http://127.0.0.1:{runner.addresses[0][1]}"))
    finally:
        await runner.cleanup()
    assert (error.retryable, error.vendor_code) == (True, 0)


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    feishu: FeishuSimulator, client: FeishuClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "adapters")
    with feishu.outage(how="answer", status=500):
        for _ in range(2):
            await refused(client)
    await send(client)
    lost, restored = [f"{r.levelname} {r.getMessage()}" for r in caplog.records if r.name.startswith("adapters.")]
    assert lost.startswith("WARNING Feishu cannot be reached: ")
    assert lost.endswith(f"; let this machine reach {feishu.url}, or check feishu.domain")
    assert restored == "INFO Feishu can be reached again"


async def test_nobody_listening_means_nothing_was_sent(feishu: FeishuSimulator, client: FeishuClient) -> None:
    await feishu.stop()
    error = await refused(client)
    assert (error.retryable, error.sent) == (True, False)


def test_an_address_that_would_leak_the_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="https"):
        asyncio.run(client_of("http://feishu.example.com").load())
