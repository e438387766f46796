"""The Feishu simulator against an app of a few lines: what it pushes, and what it refuses to let a person do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.feishu.crypto import Verifier
from adapters.feishu.events import ApprovalInstance, ApprovalTask, CardAction, Challenge, Event, Message, parse_event
from core.errors import FabuError
from tests.loopback import serve
from tests.simulators.feishu import BOT, UPDATABLE, FeishuSimulator
from tests.simulators.feishu_cards import buttons, text_of
from tests.simulators.feishu_platform import FeishuPlatform, encrypted
from tests.unit.adapters.feishu.cards import button, card, plain, vote
from tests.unit.adapters.feishu.test_client_approvals import FORM, definition


class App:
    """Verifies pushes as Fabu does, records the events and answers as told."""

    def __init__(self, verifier: Verifier) -> None:
        self.verifier = verifier
        self.seen: list[Event | None] = []
        self.bodies: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {}

    async def events(self, request: web.Request) -> web.Response:
        try:
            parsed = self.verifier.verify(request.headers, await request.read(), datetime.now(UTC))
        except FabuError as error:
            return web.json_response({"code": error.code}, status=error.http_status)
        if isinstance(parsed, Challenge):
            return web.json_response(parsed.answer())
        self.seen.append(parse_event(parsed))
        self.bodies.append(parsed.event)
        return web.json_response(self.answer)


@pytest.fixture
async def feishu() -> AsyncIterator[FeishuSimulator]:
    async with FeishuSimulator() as simulator:
        simulator.add_user("ou_alice")
        simulator.add_chat("oc_ops")
        yield simulator


@pytest.fixture
def app(feishu: FeishuSimulator) -> App:
    return App(Verifier(feishu.verification_token, feishu.encrypt_key))


@pytest.fixture
async def platform(feishu: FeishuSimulator, app: App) -> AsyncIterator[FeishuPlatform]:
    async with serve({"/feishu/events": app.events}) as url:
        yield FeishuPlatform(feishu, f"{url}/feishu/events")


async def test_a_click_carries_the_value_of_the_shown_card(
    feishu: FeishuSimulator, platform: FeishuPlatform, app: App
) -> None:
    message = feishu.add_message("oc_ops", "ou_bot", "interactive", vote())
    app.answer = {"toast": {"type": "info", "content": "done"}, "card": {"type": "raw", "data": card(title="After")}}
    answer = await platform.click("ou_alice", message, "reject", {"reason": "太冒险"})
    assert (answer.status, answer.toast) == (200, "done")
    assert message.content == card(title="After")
    (event,) = app.seen
    assert isinstance(event, CardAction)
    assert event.operator.open_id == "ou_alice"
    assert event.context.open_message_id == message.message_id
    assert event.action.value == {"ref": "r2"}
    assert event.action.form_value == {"reason": "太冒险", "note": "none"}


async def test_a_person_cannot_do_what_the_client_prevents(feishu: FeishuSimulator, platform: FeishuPlatform) -> None:
    message = feishu.add_message("oc_ops", "ou_bot", "interactive", vote())
    for name, filled, why in (
        ("Delete", {}, "no button"),
        ("Approve", {}, "must be filled"),
        ("Approve", {"reason": "x" * 201}, "too long"),
        ("Approve", {"reason": "x", "other": "y"}, "no field"),
    ):
        with pytest.raises(AssertionError, match=why):
            await platform.click("ou_alice", message, name, filled)
    feishu.clock.advance(UPDATABLE + 1)
    with pytest.raises(AssertionError, match="14 days"):
        await platform.click("ou_alice", message, "Approve", {"reason": "x"})


async def test_an_app_may_not_answer_with_an_invalid_card(
    feishu: FeishuSimulator, platform: FeishuPlatform, app: App
) -> None:
    message = feishu.add_message("oc_ops", "ou_bot", "interactive", card(button("Go", "go")))
    app.answer = {"card": {"type": "raw", "data": card({"tag": "action"})}}
    with pytest.raises(AssertionError, match="action"):
        await platform.click("ou_alice", message, "Go")


async def test_a_group_message_mentions_the_bot(platform: FeishuPlatform, app: App) -> None:
    await platform.write("ou_alice", "list mine", "oc_ops")
    await platform.write("ou_alice", "show 3")
    texts = [(event.text_for(BOT), event.message.chat_type) for event in app.seen if isinstance(event, Message)]
    assert texts == [("list mine", "group"), ("show 3", "p2p")]


async def test_a_decision_on_a_form_reaches_a_subscriber(
    feishu: FeishuSimulator, platform: FeishuPlatform, app: App
) -> None:
    token = await _token(feishu)
    code = (await _call(feishu, "approvals", definition(), token))["approval_code"]
    await _call(feishu, f"approvals/{code}/subscribe", {}, token)
    choice = [{"key": "ops", "value": ["ou_alice"]}]
    body = {
        "approval_code": code,
        "open_id": "ou_bob",
        "form": json.dumps(FORM),
        "node_approver_open_id_list": choice,
    }
    instance = (await _call(feishu, "instances", body, token))["instance_code"]
    await platform.decide("ou_alice", instance, "REJECTED")
    task, ended = app.seen
    assert isinstance(task, ApprovalTask)
    assert isinstance(ended, ApprovalInstance)
    assert (app.bodies[0]["open_id"], task.status, ended.status) == ("ou_alice", "REJECTED", "REJECTED")


async def test_the_address_is_registered_by_a_challenge(
    feishu: FeishuSimulator, platform: FeishuPlatform, app: App
) -> None:
    await platform.register()
    feishu.encrypt_key = ""
    app.verifier = Verifier(feishu.verification_token)
    await platform.register()


async def test_pushes_without_proof_are_seen_as_such(feishu: FeishuSimulator, platform: FeishuPlatform) -> None:
    envelope = platform.envelope("card.action.trigger", {})
    assert (await platform.post(encrypted(envelope, feishu.encrypt_key), {})).status == 401
    feishu.clock.advance(301)
    assert (await platform.push(envelope)).status == 401


def test_a_card_is_read_as_a_person_would() -> None:
    assert [one.text for one in buttons(vote())] == ["Approve", "Reject"]
    disabled = card(button("Go", "go", disabled=True), {"tag": "div", "text": plain("Body")})
    assert buttons(disabled) == []
    assert text_of(disabled).split("\n") == ["Release 7", "Go", "Body"]
    assert "r1" not in text_of(vote())


async def test_calls_without_a_good_token_are_refused(feishu: FeishuSimulator) -> None:
    token = await _token(feishu)
    feishu.clock.advance(7200)
    codes = [(await _answer(feishu, "approval/v4/approvals", {}, one))["code"] for one in ("", token)]
    assert codes == [99991661, 99991663]


async def _token(feishu: FeishuSimulator) -> str:
    credentials = {"app_id": feishu.app_id, "app_secret": feishu.app_secret}
    return str((await _answer(feishu, "auth/v3/tenant_access_token/internal", credentials, ""))["tenant_access_token"])


async def _call(feishu: FeishuSimulator, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
    answer = await _answer(feishu, f"approval/v4/{path}", body, token)
    assert answer["code"] == 0, answer
    return dict(answer["data"])


async def _answer(feishu: FeishuSimulator, path: str, body: dict[str, Any], token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{feishu.url}/open-apis/{path}", json=body, headers=headers) as response,
    ):
        return dict(await response.json())
