"""Calls out: what reaches Slack, and what its refusals become."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

import pytest
from aiohttp import web

from adapters.slack.client import SlackClient
from adapters.slack.messenger import SlackMessenger
from adapters.slack.render import render_home
from adapters.slack.settings import SlackSettings
from core.card import Button, Card, paragraph
from core.errors import DeliveryError
from core.ports.messenger import Place, Posted
from tests.loopback import serve
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of

from . import cards

CHANNEL, ALICE = Place(channel="C1"), Place(user="U1")


async def refused(work: Awaitable[Any]) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await work
    return caught.value


async def test_card_in_a_channel_changes_and_gets_a_thread(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    posted = await messenger.post(CHANNEL, cards.card(), "k")
    [message] = sim.messages("C1")
    assert posted == Posted("C1", message.ts)
    assert text_of(message).splitlines()[:2] == [
        "#7 Payments",
        "🔵 executing, 1 of 4 done · window 20:00 – 22:00",
    ]
    assert await messenger.update(posted, cards.card("#7 Renamed"))
    assert (message.text, text_of(message).splitlines()[0]) == ("#7 Renamed: executing", "#7 Renamed")
    await messenger.say(posted, "<!here> done & dusted", "k2")
    assert [reply.text for reply in sim.messages("C1", thread=message.ts)] == ["&lt;!here&gt; done &amp; dusted"]
    assert sim.calls_to("chat.postMessage")[0].arguments["unfurl_links"] is False
    assert sim.complaints == []


async def test_card_to_a_person_opens_the_conversation_once(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    first, second = [await messenger.post(ALICE, cards.card(), key) for key in "ab"]
    assert [message.ts for message in sim.dms("U1")] == [first.message, second.message]
    assert len(sim.calls_to("conversations.open")) == 1


async def test_home(sim: SlackSimulator, client: SlackClient) -> None:
    await client.publish_home("U1", render_home(cards.card("Mine")))
    view = sim.home("U1")
    assert view
    assert text_of(view).startswith("Mine")


@pytest.mark.parametrize("posted", [Posted("C1", "1.1"), Posted("C9", "1.1")])
async def test_card_that_is_gone(messenger: SlackMessenger, posted: Posted) -> None:
    assert await messenger.update(posted, cards.card()) is False


async def test_card_of_somebody_else(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    assert await messenger.update(Posted("C1", sim.say("U1", "C1", "hi").ts), cards.card()) is False


@pytest.mark.parametrize(("email", "user"), [("Alice@Example.com", "U1"), ("nobody@example.com", ""), ("", "")])
async def test_find_user(messenger: SlackMessenger, email: str, user: str) -> None:
    assert await messenger.find_user(email, "+8613800000001") == user


async def test_contact(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    sim.add_user("U3", "left", "left@example.com", deleted=True)
    assert await messenger.contact("U1") == ("alice@example.com", "")
    assert await messenger.contact("U3") is None
    assert await messenger.contact("U9") is None
    assert await messenger.contact(sim.workspace.bot_user) is None
    assert await messenger.find_user("left@example.com", "") == ""


@pytest.mark.parametrize(
    ("change", "contact"),
    [
        ({"team_id": "T9"}, None),
        ({"team_id": "T9", "enterprise_user": {"enterprise_id": "E9"}}, None),
        ({"is_stranger": True}, None),
        ({"is_email_confirmed": False}, ("", "")),
        ({"is_email_confirmed": True}, ("eve@example.com", "")),
    ],
)
async def test_strangers_prove_nothing_by_their_address(
    sim: SlackSimulator, messenger: SlackMessenger, change: dict[str, Any], contact: tuple[str, str] | None
) -> None:
    user = {"id": "U5", "team_id": sim.workspace.team_id, "profile": {"email": "eve@example.com"}, **change}
    sim.fail("users.info", status=200, body={"ok": True, "user": user})
    assert await messenger.contact("U5") == contact


async def test_rate_limit_is_respected_in_that_channel(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    sim.add_channel("C2", "other")
    sim.fail("chat.postMessage", status=429, retry_after=30, body={"ok": False, "error": "ratelimited"})
    error = await refused(messenger.post(CHANNEL, cards.card(), "k"))
    assert (error.retryable, error.retry_after, error.sent) == (True, 30, False)
    again = await refused(messenger.post(CHANNEL, cards.card(), "k"))
    assert again.retryable
    assert 29 < (again.retry_after or 0) <= 30
    await messenger.post(Place(channel="C2"), cards.card(), "k")
    assert len(sim.calls_to("chat.postMessage")) == 2


async def test_after_a_rate_limit_a_channel_gets_a_message_a_second(
    sim: SlackSimulator, messenger: SlackMessenger
) -> None:
    sim.limit("chat.postMessage", 1, 1.0, key="channel", body={"ok": False, "error": "ratelimited"})
    sent: list[float] = []
    while len(sent) < 4:
        try:
            await messenger.post(CHANNEL, cards.card(), "k")
            sent.append(sim.calls[-1].at)
        except DeliveryError as error:
            await asyncio.sleep(error.retry_after or 0)
    assert len([call for call in sim.calls if call.fault]) == 1, "Slack refuses once"


async def test_updates_are_paused_for_the_app_and_messages_go_on(
    sim: SlackSimulator, messenger: SlackMessenger
) -> None:
    posted = await messenger.post(CHANNEL, cards.card(), "k")
    sim.fail("chat.update", status=429, retry_after=30, body={"ok": False, "error": "ratelimited"})
    for _ in range(2):
        assert (await refused(messenger.update(posted, cards.card("#8")))).limited
    assert len(sim.calls_to("chat.update")) == 1
    await messenger.post(CHANNEL, cards.card(), "k")


async def test_a_reply_to_a_person_waits_for_no_turn(
    sim: SlackSimulator, client: SlackClient, messenger: SlackMessenger
) -> None:
    for _ in range(5):
        await messenger.post(CHANNEL, cards.card(), "k")
    await client.send("C1", {"text": "here you are"})
    assert len(sim.messages("C1")) == 6


async def test_a_rate_limit_without_a_time_pauses_the_channel_for_a_second(
    sim: SlackSimulator, messenger: SlackMessenger
) -> None:
    sim.fail("chat.postMessage", status=429)
    error = await refused(messenger.post(CHANNEL, cards.card(), "k"))
    assert (error.limited, error.known, error.retry_after) == (True, True, 1)
    again = await refused(messenger.post(CHANNEL, cards.card(), "k"))
    assert (again.limited, again.sent) == (True, False)
    assert 0 < (again.retry_after or 0) <= 1
    assert len(sim.calls_to("chat.postMessage")) == 1


@pytest.mark.parametrize(
    ("fault", "retryable", "sent"),
    [
        ({"status": 500}, True, True),
        ({"status": 503, "body": {"ok": False, "error": "service_unavailable"}}, True, True),
        ({"status": 200, "body": {"ok": False, "error": "internal_error"}}, True, False),
        ({"status": 200, "body": {"ok": False, "error": "invalid_auth"}}, False, False),
        ({"status": 200, "body": {"ok": False, "error": "restricted_action"}}, False, False),
        ({"status": 200, "body": {"ok": False, "error": "a_code_of_tomorrow"}}, True, False),
        ({"how": "close"}, True, True),
        ({"how": "hang"}, True, True),
    ],
)
async def test_faults(
    sim: SlackSimulator, messenger: SlackMessenger, fault: dict[str, Any], retryable: bool, sent: bool
) -> None:
    sim.fail("chat.postMessage", **fault)
    error = await refused(messenger.post(CHANNEL, cards.card(), "k"))
    assert (error.retryable, error.sent) == (retryable, sent)
    assert len(sim.calls_to("chat.postMessage")) == 1
    assert sim.bot_token not in str(error)
    await messenger.post(CHANNEL, cards.card(), "k")


async def test_other_refusals_are_told(sim: SlackSimulator, client: SlackClient, messenger: SlackMessenger) -> None:
    posted = await messenger.post(CHANNEL, cards.card(), "k")
    sim.fail("chat.update", status=200, body={"ok": False, "error": "invalid_auth"})
    sim.fail("chat.postEphemeral", status=200, body={"ok": False, "error": "invalid_auth"})
    sim.fail("users.info", status=500)
    sim.fail("users.lookupByEmail", status=500)
    assert not (await refused(messenger.update(posted, cards.card()))).retryable
    assert not (await refused(client.send_ephemeral("C1", "U1", {"text": "hi"}))).retryable
    assert (await refused(messenger.contact("U1"))).retryable
    assert (await refused(messenger.find_user("alice@example.com", ""))).retryable
    assert sim.dms("U1") == []


async def test_channel_that_is_not_there(messenger: SlackMessenger) -> None:
    error = await refused(messenger.post(Place(channel="C9"), cards.card(), "k"))
    assert not error.retryable
    assert "channel_not_found" in str(error)


async def test_card_that_breaks_the_rules_is_not_sent(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    broken = cards.card("x", Button("v" * 256, "Too long a verb", "ref"))
    error = await refused(messenger.post(CHANNEL, broken, "k"))
    assert (error.retryable, error.sent) == (False, False)
    assert "action_id has 256 characters" in str(error)
    assert sim.calls == []


async def test_answer_in_between_that_is_not_json() -> None:
    async def proxy(request: web.Request) -> web.Response:
        kind = request.match_info["method"]
        return web.Response(text="{", content_type="application/json" if "post" in kind else "text/html")

    async with serve({"/{method}": proxy}) as url:
        messenger = SlackMessenger(SlackClient(SlackSettings(bot_token="xoxb-1", api_url=f"{url}/")))
        for work in (messenger.post(CHANNEL, cards.card(), "k"), messenger.post(ALICE, cards.card(), "k")):
            error = await refused(work)
            assert (error.retryable, error.sent) == (True, True)
        await messenger.close()


async def test_secrets_are_not_shown(settings: SlackSettings, sim: SlackSimulator) -> None:
    for secret in (sim.bot_token, sim.signing_secret, sim.app_token):
        assert secret not in repr(settings)


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(
    sim: SlackSimulator, messenger: SlackMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "adapters")
    sim.fail("chat.postMessage", 2, status=503)
    for _ in range(2):
        await refused(messenger.post(CHANNEL, cards.card(), "k"))
    await messenger.post(CHANNEL, cards.card(), "k")
    assert [f"{r.levelname} {r.getMessage()}" for r in caplog.records if r.name.startswith("adapters.")] == [
        f"WARNING Slack cannot be reached: HTTP 503; let this machine reach {sim.api_url}, or check slack.api_url",
        "INFO Slack can be reached again",
    ]


async def test_a_refusal_is_no_outage(
    sim: SlackSimulator, messenger: SlackMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    sim.fail("chat.postMessage", status=200, body={"ok": False, "error": "invalid_auth"})
    await refused(messenger.post(CHANNEL, cards.card(), "k"))
    assert caplog.records == []


async def test_many_at_once_share_one_messenger(sim: SlackSimulator, messenger: SlackMessenger) -> None:
    card = Card("t", "s", sections=(paragraph("x"),))
    channels = [f"C{number}" for number in range(10, 30)]
    for channel in channels:
        sim.add_channel(channel, channel.lower())
    await asyncio.gather(*(messenger.post(Place(channel=channel), card, channel) for channel in channels))
    assert [len(sim.messages(channel)) for channel in channels] == [1] * 20
