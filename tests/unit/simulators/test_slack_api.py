from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import buttons, text_of

JSON = dict[str, Any]
BLOCKS: list[JSON] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Plan 7*"}},
    {
        "type": "actions",
        "elements": [{"type": "button", "action_id": "approve", "text": {"type": "plain_text", "text": "Approve"}}],
    },
]
MODAL: JSON = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Reject"},
    "blocks": [{"type": "section", "text": {"type": "plain_text", "text": "Why?"}}],
}


@pytest.fixture
async def sim() -> AsyncIterator[SlackSimulator]:
    async with SlackSimulator() as simulator:
        simulator.add_user("U1", "alice", "Alice@example.com")
        simulator.add_user("U2", "bob", "bob@example.com", deleted=True)
        simulator.add_channel("C1", "releases")
        yield simulator


@pytest.fixture
def client(sim: SlackSimulator) -> AsyncWebClient:
    return AsyncWebClient(token=sim.bot_token, base_url=sim.api_url)


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_auth_test(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"]) == ("U0FABUBOT", "B0FABU")


async def test_tokens(sim: SlackSimulator) -> None:
    async def error_with(token: str | None) -> str:
        return await refused(AsyncWebClient(token=token, base_url=sim.api_url).auth_test())

    assert await error_with(None) == "not_authed"
    assert await error_with("xoxb-other") == "invalid_auth"
    assert await error_with(sim.app_token) == "not_allowed_token_type"
    bot = AsyncWebClient(base_url=sim.api_url)
    assert await refused(bot.apps_connections_open(app_token=sim.bot_token)) == "not_allowed_token_type"
    assert (await bot.apps_connections_open(app_token=sim.app_token))["url"].startswith("ws://127.0.0.1:")


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("text/csv", b"a,b", "invalid_post_type"),
        ("application/json", b"{", "invalid_json"),
        ("application/json", b"[]", "json_not_object"),
        ("application/json", b"{}", "invalid_arguments"),
        ("application/x-www-form-urlencoded", b"channel=C9&text=a", "channel_not_found"),
        ("application/x-www-form-urlencoded", b"channel=C1&text=a&blocks=nonsense", "invalid_blocks_format"),
    ],
)
async def test_bodies(sim: SlackSimulator, content_type: str, body: bytes, error: str) -> None:
    headers = {"Content-Type": content_type, "Authorization": f"Bearer {sim.bot_token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sim.api_url}chat.postMessage", data=body, headers=headers) as response,
    ):
        assert (await response.json())["error"] == error
    assert sim.complaints[0].startswith(f"chat.postMessage: {error}")


async def test_form_carries_token_and_blocks(sim: SlackSimulator) -> None:
    fields = {"token": sim.bot_token, "channel": "#releases", "text": "a", "blocks": '[{"type":"divider"}]'}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sim.api_url}chat.postMessage", data=fields) as answer,
    ):
        assert (await answer.json())["ok"] is True
    assert sim.messages("C1")[0].blocks[0]["type"] == "divider"


async def test_unknown_method(client: AsyncWebClient) -> None:
    assert await refused(client.api_call("chat.shout")) == "unknown_method"


async def test_lookups_read_no_json(sim: SlackSimulator) -> None:
    headers = {"Authorization": f"Bearer {sim.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        url = f"{sim.api_url}users.lookupByEmail"
        async with session.post(url, json={"email": "alice@example.com"}) as answer:
            assert (await answer.json())["error"] == "invalid_arguments"
        async with session.post(url, data={"email": "alice@example.com"}) as answer:
            assert (await answer.json())["user"]["id"] == "U1"


async def test_writes_take_no_get(sim: SlackSimulator) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{sim.api_url}chat.postMessage") as response:
        assert response.status == 405


async def test_post_update_permalink(sim: SlackSimulator, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C1", text="Plan 7", blocks=BLOCKS, unfurl_links=False)
    card = sim.messages("C1")[0]
    assert card.ts == posted["ts"]
    assert text_of(card) == "*Plan 7*\nApprove"
    assert buttons(card)["Approve"] == buttons(card)["approve"]
    await client.chat_update(channel="C1", ts=posted["ts"], text="Plan 8")
    assert card.text == "Plan 8"
    assert "approve" in buttons(card), "blocks that are not given are retained"
    await client.chat_update(channel="C1", ts=posted["ts"], text="Plan 8", blocks=[])
    assert buttons(card) == {}
    link = await client.chat_getPermalink(channel="C1", message_ts=posted["ts"])
    assert link["permalink"].endswith(f"/archives/C1/p{posted['ts'].replace('.', '')}")
    assert sim.complaints == []


async def test_thread_replies(sim: SlackSimulator, client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel="C1", text="card"))["ts"]
    await client.chat_postMessage(channel="C1", text="reply", thread_ts=parent)
    assert [message.text for message in sim.messages("C1", thread=parent)] == ["reply"]
    assert await refused(client.chat_postMessage(channel="C1", text="a", thread_ts="1.1")) == "message_not_found"


async def test_post_refusals(sim: SlackSimulator, client: AsyncWebClient) -> None:
    sim.add_channel("C2", "secret", is_member=False)
    sim.add_channel("C3", "old", is_archived=True)
    assert await refused(client.chat_postMessage(channel="C9", text="a")) == "channel_not_found"
    assert await refused(client.chat_postMessage(channel="C2", text="a")) == "not_in_channel"
    assert await refused(client.chat_postMessage(channel="C3", text="a")) == "is_archived"
    assert await refused(client.chat_postMessage(channel="U2", text="a")) == "channel_not_found"
    assert await refused(client.chat_postMessage(channel="C1", text="x" * 40_001)) == "msg_too_long"
    with pytest.warns(UserWarning, match="top-level `text`"):
        assert await refused(client.chat_postMessage(channel="C1", text="", blocks=BLOCKS)) == "no_text"
    attachments = [{"fallback": "a"}] * 101
    assert await refused(client.chat_postMessage(channel="C1", text="a", attachments=attachments)) == (
        "too_many_attachments"
    )
    assert sim.messages("C1") == []


async def test_invalid_blocks_are_explained(sim: SlackSimulator, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C1", text="a", blocks=BLOCKS)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_update(channel="C1", ts=posted["ts"], text="b", blocks=[{"type": "section"}])
    assert caught.value.response["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks/0]" in caught.value.response["response_metadata"]["messages"][0]
    assert sim.messages("C1")[0].text == "a", "a refused update changes nothing"


async def test_update_refusals(sim: SlackSimulator, client: AsyncWebClient) -> None:
    typed = sim.say("U1", "C1", "hello")
    assert await refused(client.chat_update(channel="C1", ts=typed.ts, text="a")) == "cant_update_message"
    assert await refused(client.chat_update(channel="C1", ts="1.1", text="a")) == "message_not_found"
    assert await refused(client.chat_update(channel="releases", ts=typed.ts, text="a")) == "channel_not_found"


async def test_direct_messages(sim: SlackSimulator, client: AsyncWebClient) -> None:
    opened = (await client.conversations_open(users="U1"))["channel"]["id"]
    posted = await client.chat_postMessage(channel="U1", text="a")
    assert posted["channel"] == opened
    assert [message.text for message in sim.dms("U1")] == ["a"]
    assert await refused(client.chat_update(channel="U1", ts=posted["ts"], text="b")) == "channel_not_found"
    assert await refused(client.conversations_open(users="U9")) == "user_not_found"
    assert await refused(client.conversations_open(users="U2")) == "user_disabled"


async def test_ephemeral(sim: SlackSimulator, client: AsyncWebClient) -> None:
    shown = await client.chat_postEphemeral(channel="C1", user="U1", text="only you")
    assert [message.text for message in sim.ephemerals("U1")] == ["only you"]
    assert await refused(client.chat_update(channel="C1", ts=shown["message_ts"], text="b")) == "message_not_found"
    assert await refused(client.chat_postEphemeral(channel="C1", user="U9", text="a")) == "user_not_in_channel"


async def test_users(client: AsyncWebClient) -> None:
    assert (await client.users_lookupByEmail(email="alice@EXAMPLE.com"))["user"]["id"] == "U1"
    assert await refused(client.users_lookupByEmail(email="bob@example.com")) == "users_not_found"
    assert (await client.users_info(user="U2"))["user"]["deleted"] is True
    assert await refused(client.users_info(user="U9")) == "user_not_found"


async def test_trigger_serves_once_within_three_seconds(sim: SlackSimulator, client: AsyncWebClient) -> None:
    trigger = sim.triggers.mint("U1")
    opened = await client.views_open(trigger_id=trigger, view=MODAL)
    modal = sim.modal("U1")
    assert modal is not None
    assert modal.id == opened["view"]["id"]
    assert await refused(client.views_open(trigger_id=trigger, view=MODAL)) == "exchanged_trigger_id"
    late = sim.triggers.mint("U1")
    sim.clock.advance(4)
    assert await refused(client.views_open(trigger_id=late, view=MODAL)) == "expired_trigger_id"
    assert await refused(client.views_open(trigger_id="1.2.ab", view=MODAL)) == "invalid_trigger_id"


async def test_views_update_and_publish(sim: SlackSimulator, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=sim.triggers.mint("U1"), view=MODAL))["view"]
    renamed = MODAL | {"title": {"type": "plain_text", "text": "Renamed"}}
    updated = (await client.views_update(view_id=opened["id"], hash=opened["hash"], view=renamed))["view"]
    assert updated["hash"] != opened["hash"]
    again = client.views_update(view_id=opened["id"], hash=opened["hash"], view=renamed)
    assert await refused(again) == "hash_conflict"
    assert await refused(client.views_update(view_id="V9", view=MODAL)) == "not_found"
    home = {"type": "home", "blocks": MODAL["blocks"]}
    await client.views_publish(user_id="U1", view=home)
    published = sim.home("U1")
    assert published is not None
    assert text_of(published) == "Why?"
    assert await refused(client.views_publish(user_id="U9", view=home)) == "invalid_arguments"
    assert await refused(client.views_publish(user_id="U1", view=MODAL)) == "invalid_blocks"
    big = MODAL | {"blocks": [{"type": "section", "text": {"type": "plain_text", "text": "x" * 2600}}] * 100}
    assert await refused(client.views_open(trigger_id=sim.triggers.mint("U1"), view=big)) == "view_too_large"


async def test_rate_limit_is_obeyed_by_the_sdk(sim: SlackSimulator, client: AsyncWebClient) -> None:
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    limited = {"ok": False, "error": "ratelimited"}
    sim.fail("chat.postMessage", status=429, retry_after=7, body=limited)
    with pytest.raises(SlackApiError) as caught:
        await AsyncWebClient(token=sim.bot_token, base_url=sim.api_url).chat_postMessage(channel="C1", text="a")
    assert caught.value.response.headers["Retry-After"] == "7"
    sim.fail("chat.postMessage", status=429, retry_after=0, body=limited)
    await client.chat_postMessage(channel="C1", text="a")
    assert [call.status for call in sim.calls_to("chat.postMessage")] == [429, 429, 200]
    assert sim.complaints == []


async def test_scripted_faults(sim: SlackSimulator) -> None:
    sim.fail("auth.test", times=2, status=500)
    sim.fail("auth.test", how="close")
    sim.fail("auth.test", how="hang")
    headers = {"Authorization": f"Bearer {sim.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        for status in (500, 500):
            async with session.post(f"{sim.api_url}auth.test") as response:
                assert response.status == status
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.post(f"{sim.api_url}auth.test")
        hanging = asyncio.ensure_future(session.post(f"{sim.api_url}auth.test"))
        await sim.until(lambda: len(sim.calls_to("auth.test")) == 4)
        assert not hanging.done()
        assert [call.status for call in sim.calls_to("auth.test")] == [500, 500, 0, 0]
        async with session.post(f"{sim.api_url}auth.test") as response:
            assert response.status == 200
        hanging.cancel()


async def test_lost_answer(sim: SlackSimulator, client: AsyncWebClient) -> None:
    client.retry_handlers.clear()
    sim.fail("chat.postMessage", how="close", applied=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.chat_postMessage(channel="C1", text="a")
    assert [message.text for message in sim.messages("C1")] == ["a"]


async def test_outage(sim: SlackSimulator, client: AsyncWebClient) -> None:
    client.retry_handlers.clear()
    with sim.outage(), pytest.raises(aiohttp.ClientConnectionError):
        await client.auth_test()
    assert (await client.auth_test())["ok"] is True


async def test_response_url(sim: SlackSimulator, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="C1", text="a", blocks=BLOCKS)
    card = sim.messages("C1")[0]
    webhook = AsyncWebhookClient(sim.response_url("C1", "U1", card))
    assert (await webhook.send(text="done", response_type="ephemeral", replace_original=False)).status_code == 200
    assert [message.text for message in sim.ephemerals("U1")] == ["done"]
    await webhook.send(text="closed", blocks=[], replace_original=True)
    assert (card.text, card.blocks) == ("closed", [])
    invalid = await webhook.send(text="a", blocks=[{"type": "section"}])
    assert (invalid.status_code, "invalid_blocks" in invalid.body) == (400, True)
    await webhook.send(text="to all", response_type="in_channel")
    await webhook.send_dict({"delete_original": True})
    assert [message.text for message in sim.messages("C1")] == ["to all"]
    used = await webhook.send(text="sixth")
    assert (used.status_code, "used_url" in used.body) == (404, True)


async def test_response_url_expires(sim: SlackSimulator) -> None:
    url = sim.response_url("C1", "U1")
    sim.clock.advance(31 * 60)
    assert "expired_url" in (await AsyncWebhookClient(url).send(text="late")).body
