"""A command that is done, but whose result cannot be shown: who gave it reads that it is done."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import aiohttp
import pytest
from yarl import URL

from adapters.slack import conversation
from adapters.slack.render import render_reply
from adapters.slack.text import JSON
from bot.api.models import PlanAnswer
from bot.cards.plan import PlanCards
from bot.chat import dispatch
from bot.chat.looking import Looking
from core.chat import Inbound, Reply
from core.errors import Unavailable
from tests.scenario.chats.slack import User
from tests.scenario.office import Fabu, stage


class Broken(Exception):
    """What a fault in the code would raise."""


@pytest.fixture(params=[Broken, Unavailable])
def failure(request: pytest.FixtureRequest) -> type[Exception]:
    """Why a result cannot be shown: a fault, or a database that went away after the commit."""
    kind: type[Exception] = request.param
    return kind


def breaking(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, failure: type[Exception]) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise failure

    monkeypatch.setattr(where, name, fail)


async def test_over_rest(fabu: Fabu, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    with monkeypatch.context() as broken:
        breaking(broken, PlanAnswer, "of", failure)
        status, answer = await fabu.request("POST", "/api/v1/plans/1/approve", {}, by="bob")
    assert (status, answer["code"]) == (500, "done_unanswered")
    assert answer["message"].startswith("This is done, but Fabu cannot answer with the result. Do not repeat it")
    assert await fabu.votes() == [("bob", "approve", "")]
    with monkeypatch.context() as broken:
        breaking(broken, PlanAnswer, "of", failure)
        status, answer = await fabu.request("GET", "/api/v1/plans/1", by="bob")
    assert (status, answer["code"]) in ((500, "internal"), (503, "unavailable")), "nothing was done here"


async def test_typed_in_a_chat(
    fabu: Fabu, bob: User, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    await fabu.until_seen("bob")
    breaking(monkeypatch, Looking, "plan", failure)
    assert "Approved. #1 is now" in await bob.says("approve 1")
    breaking(monkeypatch, dispatch, "describe_outcome", failure)
    assert "This is done. Look at the plan for its present state." in await bob.says("new Another plan")
    assert await fabu.votes() == [("bob", "approve", "")]
    assert (await fabu.plan(2))["name"] == "Another plan"


@pytest.fixture
def sections() -> dict[str, Any]:
    return {"server": {"language": "en", "timezone": "UTC", "port": 0, "public_url": "http://fabu.example.com"}}


async def test_in_the_console(fabu: Fabu, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    reply = await fabu.services.chat(Inbound("cli", "bob", fabu.services.ids.new(), "web", private=True))
    secret = reply.text.split()[-1].rpartition("/")[2]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.post(f"{fabu.url}/sign-in/{secret}") as response:
            assert response.status == 200
        async with browser.get(URL(f"{fabu.url}/plans/1")) as response:
            page = await response.text()
        fields = {
            name: found[1]
            for name in ("csrf", "once", "ref")
            if (found := re.search(f'name="{name}" value="([^"]*)"', page))
        }
        breaking(monkeypatch, PlanCards, "plan", failure)
        async with browser.post(f"{fabu.url}/plans/1", data=fields | {"verb": "approve", "text": ""}) as response:
            assert (response.status, "Approved. #1 is now" in await response.text()) == (200, True)
    assert await fabu.votes() == [("bob", "approve", "")]


async def test_a_card_that_cannot_be_rendered_is_left_out_of_the_reply(
    fabu: Fabu, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_card(reply: Reply, *, newest: bool = True) -> JSON:
        if reply.card:
            raise Broken
        return render_reply(reply, newest=newest)

    await fabu.submitted(stages=[stage("QA", "bob")])
    await fabu.until_seen("bob")
    monkeypatch.setattr(conversation, "render_reply", without_card)
    assert "Approved. #1 is now" in await bob.says("approve 1")
    assert await fabu.votes() == [("bob", "approve", "")]
