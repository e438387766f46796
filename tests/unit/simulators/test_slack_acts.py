from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from tests.loopback import serve
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_payloads import form, signed
from tests.simulators.slack_reading import NotPossible
from tests.simulators.slack_workspace import Message, View

JSON = dict[str, Any]


def button(action_id: str, text: str, **fields: Any) -> JSON:
    return {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": text}, **fields}


CARD: list[JSON] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Plan 7*"}},
    {"type": "actions", "block_id": "top", "elements": [button("approve", "Approve", value="ref-1", style="primary")]},
    {"type": "actions", "block_id": "one", "elements": [button("execute", "Run", value="ref-2")]},
    {
        "type": "actions",
        "block_id": "two",
        "elements": [
            button("execute", "Run", value="ref-3"),
            {
                "type": "overflow",
                "action_id": "more",
                "options": [{"text": {"type": "plain_text", "text": "Skip"}, "value": "skip"}],
            },
        ],
    },
]
MODAL: JSON = {
    "type": "modal",
    "callback_id": "reject",
    "private_metadata": '{"ref":"ref-1"}',
    "title": {"type": "plain_text", "text": "Reject"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text", "max_length": 20},
        },
        {
            "type": "input",
            "block_id": "note",
            "optional": True,
            "label": {"type": "plain_text", "text": "Note"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        },
    ],
}


class App:
    """An app that keeps the raw requests and answers what the test asks for."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, dict[str, str]]] = []
        self.answer: JSON | str = ""
        self.status = 200

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append((await request.read(), dict(request.headers)))
        if isinstance(self.answer, dict):
            return web.json_response(self.answer, status=self.status)
        return web.Response(text=self.answer, status=self.status)

    def payload(self) -> JSON:
        """Decode the newest interactivity payload."""
        return dict(json.loads(parse_qs(self.requests[-1][0].decode())["payload"][0]))


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
async def sim(app: App) -> AsyncIterator[SlackSimulator]:
    async with serve({"/slack/events": app.handle}) as url, SlackSimulator(f"{url}/slack/events") as simulator:
        simulator.add_user("U1", "alice")
        simulator.add_user("U2", "bob")
        simulator.add_channel("C1", "releases")
        yield simulator


@pytest.fixture
def client(sim: SlackSimulator) -> AsyncWebClient:
    return AsyncWebClient(token=sim.bot_token, base_url=sim.api_url)


async def post_card(sim: SlackSimulator, client: AsyncWebClient) -> Message:
    await client.chat_postMessage(channel="C1", text="Plan 7", blocks=CARD)
    return sim.messages("C1")[-1]


async def open_modal(sim: SlackSimulator, client: AsyncWebClient, **fields: Any) -> View:
    await client.views_open(trigger_id=sim.triggers.mint("U1"), view=MODAL | fields)
    view = sim.modal("U1")
    assert view is not None
    return view


@pytest.mark.parametrize("body", [b"", b"payload=%7B%7D", "发布".encode()])
def test_signature_is_what_the_sdk_makes(body: bytes) -> None:
    headers = signed(body, "secret", 1_700_000_000)
    verifier = SignatureVerifier("secret")
    assert headers["X-Slack-Signature"] == verifier.generate_signature(timestamp="1700000000", body=body)
    assert verifier.is_valid(body, "1700000000", headers["X-Slack-Signature"]) is False, "long ago"


async def test_click_sends_what_is_shown(sim: SlackSimulator, app: App, client: AsyncWebClient) -> None:
    card = await post_card(sim, client)
    reply = await sim.click("U1", card, "Approve")
    body, headers = app.requests[0]
    assert reply.status == 200
    assert SignatureVerifier(sim.signing_secret).is_valid_request(body, headers)
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    payload = app.payload()
    assert payload["user"]["id"] == "U1"
    assert payload["container"] == {
        "type": "message",
        "message_ts": card.ts,
        "channel_id": "C1",
        "is_ephemeral": False,
    }
    action = payload["actions"][0]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "top", "ref-1")
    assert payload["message"]["blocks"][1]["block_id"] == "top"
    assert payload["response_url"].startswith(f"{sim.url}/response/")
    await client.views_open(trigger_id=payload["trigger_id"], view=MODAL)
    assert sim.modal("U1") is not None


async def test_json_is_written_as_slack_writes_it(sim: SlackSimulator, app: App) -> None:
    await sim.event("app_mention", "U1", "发布 https://a <b>", "C1", event_id="Ev1", retry=(1, "http_timeout"))
    body, headers = app.requests[0]
    assert b'"text":"<@U0FABUBOT> \\u53d1\\u5e03 https:\\/\\/a &lt;b&gt;"' in body
    assert b'"event_id":"Ev1"' in body
    assert (headers["X-Slack-Retry-Num"], headers["X-Slack-Retry-Reason"]) == ("1", "http_timeout")


async def test_only_what_is_shown_can_be_clicked(sim: SlackSimulator, app: App, client: AsyncWebClient) -> None:
    card = await post_card(sim, client)
    with pytest.raises(NotPossible, match="ambiguous"):
        await sim.click("U1", card, "execute")
    await sim.click("U1", card, ("two", "execute"))
    assert app.payload()["actions"][0]["value"] == "ref-3"
    await sim.click("U1", card, "more", choice="Skip")
    assert app.payload()["actions"][0]["selected_option"]["value"] == "skip"
    await client.chat_update(channel="C1", ts=card.ts, text="done", blocks=CARD[:1])
    with pytest.raises(NotPossible, match="not shown"):
        await sim.click("U1", card, "approve")
    await client.chat_postMessage(channel="U2", text="a", blocks=CARD)
    with pytest.raises(NotPossible, match="U1 does not see"):
        await sim.click("U1", sim.dms("U2")[0], "approve")


async def test_click_on_attachment_ephemeral_and_home(sim: SlackSimulator, app: App, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="C1", text="a", attachments=[{"color": "#0a0", "blocks": CARD}])
    await sim.click("U1", sim.messages("C1")[0], "approve")
    assert app.payload()["container"]["type"] == "message_attachment"
    await client.chat_postEphemeral(channel="C1", user="U1", text="a", blocks=CARD)
    await sim.click("U1", sim.ephemerals("U1")[0], "approve")
    assert app.payload()["container"]["is_ephemeral"] is True
    assert "message" not in app.payload()
    await client.views_publish(user_id="U1", view={"type": "home", "blocks": CARD})
    home = sim.home("U1")
    assert home is not None
    await sim.click("U1", home, "approve")
    assert app.payload()["container"] == {"type": "view", "view_id": home.id}


async def test_forged_click(sim: SlackSimulator, app: App) -> None:
    await sim.click_raw("U9", channel="C1", message_ts="1.1", action_id="approve", value="guess", team={"id": "T9"})
    payload = app.payload()
    assert (payload["user"]["id"], payload["team"]["id"]) == ("U9", "T9")
    assert payload["actions"][0]["value"] == "guess"


async def test_state_of_inputs_in_a_message(sim: SlackSimulator, app: App, client: AsyncWebClient) -> None:
    blocks = [*CARD, MODAL["blocks"][0]]
    await client.chat_postMessage(channel="C1", text="a", blocks=blocks)
    await sim.click("U1", sim.messages("C1")[0], "approve", state={"Reason": "too risky"})
    entry = {"type": "plain_text_input", "value": "too risky"}
    assert app.payload()["state"]["values"] == {"reason": {"text": entry}}


async def test_submit_closes_the_modal(sim: SlackSimulator, app: App, client: AsyncWebClient) -> None:
    view = await open_modal(sim, client)
    with pytest.raises(NotPossible, match="'Reason' is required"):
        await sim.submit_view("U1", view)
    with pytest.raises(NotPossible, match="does not take 21 characters"):
        await sim.submit_view("U1", view, {"reason": "x" * 21})
    with pytest.raises(NotPossible, match="no input is named"):
        await sim.submit_view("U1", view, {"reason": "a", "other": "b"})
    await sim.submit_view("U1", view, {"reason": "risky"})
    sent = app.payload()["view"]
    assert sent["private_metadata"] == '{"ref":"ref-1"}'
    assert sent["state"]["values"]["reason"]["text"]["value"] == "risky"
    assert sent["state"]["values"]["note"]["text"] == {"type": "plain_text_input", "value": None}
    assert sim.modal("U1") is None


async def test_acks_of_a_submission(sim: SlackSimulator, app: App, client: AsyncWebClient) -> None:
    view = await open_modal(sim, client)
    app.answer = {"response_action": "errors", "errors": {"reason": "too short"}}
    assert (await sim.submit_view("U1", view, {"reason": "a"})).problems == []
    assert sim.modal("U1") is view
    app.answer = {"response_action": "errors", "errors": {"text": "too short"}}
    assert "no input block" in (await sim.submit_view("U1", view, {"reason": "a"})).problems[0]
    app.answer = {"response_action": "push", "view": MODAL | {"title": {"type": "plain_text", "text": "Second"}}}
    await sim.submit_view("U1", view, {"reason": "a"})
    second = sim.modal("U1")
    assert second is not None
    assert (second.title, second.previous_id) == ("Second", view.id)
    app.answer = {"response_action": "update", "view": MODAL | {"submit": None, "colour": "red"}}
    assert "colour" in "".join((await sim.submit_view("U1", second, {"reason": "a"})).problems)
    app.answer = {"response_action": "clear"}
    await sim.submit_view("U1", second, {"reason": "a"})
    assert sim.modal("U1") is None
    assert len(sim.complaints) >= 2


async def test_failed_submission_keeps_the_modal(sim: SlackSimulator, app: App, client: AsyncWebClient) -> None:
    view = await open_modal(sim, client)
    app.status = 500
    assert (await sim.submit_view("U1", view, {"reason": "a"})).problems == ["HTTP 500"]
    assert sim.modal("U1") is view


async def test_close_is_told_only_on_request(sim: SlackSimulator, app: App, client: AsyncWebClient) -> None:
    assert await sim.close_view("U1", await open_modal(sim, client)) is None
    assert app.requests == []
    await sim.close_view("U1", await open_modal(sim, client, notify_on_close=True))
    assert app.payload()["type"] == "view_closed"
    assert sim.modal("U1") is None


async def test_slash_shows_the_answer(sim: SlackSimulator, app: App) -> None:
    app.answer = "No plans"
    await sim.slash("U1", "C1", "list <@U2|bob> & co")
    fields = {key: values[0] for key, values in parse_qs(app.requests[0][0].decode()).items()}
    assert fields["command"] == "/release"
    assert fields["text"] == "list <@U2|bob> &amp; co"
    assert [message.text for message in sim.ephemerals("U1")] == ["No plans"]
    app.answer = {"response_type": "in_channel", "text": "card", "blocks": CARD}
    await sim.slash("U1", "C1", "show 7")
    assert sim.messages("C1")[0].text == "card"
    app.answer = {"text": "card", "blocks": [{"type": "section"}]}
    assert (await sim.slash("U1", "C1", "show 7")).problems
    assert sim.complaints[0].startswith("slash command: [ERROR]")


async def test_events(sim: SlackSimulator, app: App) -> None:
    await sim.event("message.im", "U1", "list")
    event = json.loads(app.requests[-1][0])["event"]
    assert (event["type"], event["channel_type"], event["channel"][0]) == ("message", "im", "D")
    await sim.event("app_home_opened", "U1")
    assert json.loads(app.requests[-1][0])["event"]["tab"] == "home"
    app.answer = {"challenge": "abc"}
    assert (await sim.url_verification("abc")).body == {"challenge": "abc"}


async def test_unsigned_and_old_posts(sim: SlackSimulator, app: App) -> None:
    body = form({"payload": "{}"})
    await sim.post(body, "application/x-www-form-urlencoded", {})
    assert "X-Slack-Signature" not in app.requests[0][1]
    await sim.post(body, "application/x-www-form-urlencoded", signed(body, "other secret", 1))
    assert app.requests[1][1]["X-Slack-Request-Timestamp"] == "1"


async def test_an_app_that_does_not_answer(sim: SlackSimulator, app: App, client: AsyncWebClient) -> None:
    never = asyncio.Event()

    async def silent(request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async with serve({"/": silent}) as url:
        sim.app_url, sim.ack_seconds = f"{url}/", 0.05
        card = await post_card(sim, client)
        with pytest.raises(TimeoutError):
            await sim.click("U1", card, "approve")
        never.set()
