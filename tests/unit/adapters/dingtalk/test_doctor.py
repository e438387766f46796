from __future__ import annotations

from dataclasses import replace

import aiohttp
import pytest

from adapters.common.system import SystemClock
from adapters.dingtalk.client import App, DingTalkClient
from adapters.dingtalk.doctor import findings
from adapters.dingtalk.server import Callbacks
from tests.simulators.dingtalk import DingTalkSimulator

HTTP = Callbacks("http", "https://fabu.example", "card-secret", "token", "k" * 43)


async def test_all_is_well(client: DingTalkClient) -> None:
    found = await findings(client, Callbacks(), "cid1")
    assert [finding.text for finding in found if not finding.ok] == []
    assert "the robot is in the group" in [finding.text for finding in found]


async def test_a_wrong_secret_is_named_without_telling_it(app: App, session: aiohttp.ClientSession) -> None:
    client = DingTalkClient(replace(app, client_secret="wrong-but-secret"), session, SystemClock())
    first, *others = await findings(client, Callbacks(), "cid1")
    assert (first.ok, first.cure) == (False, "mend the client id and secret")
    assert "wrong-but-secret" not in repr([first, *others])
    assert not any("group" in finding.text for finding in others)


async def test_no_answer_is_not_taken_for_a_wrong_secret(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    with ding.outage():
        (first, *_) = await findings(client, Callbacks(), "")
    assert (first.ok, first.cure) == (False, "look whether the server may reach dingtalk.api_url")


async def test_what_is_missing(app: App, session: aiohttp.ClientSession) -> None:
    client = DingTalkClient(replace(app, card_template_id="", robot_code=""), session, SystemClock())
    found = await findings(client, Callbacks(), "")
    assert [finding.text for finding in found if not finding.ok] == [
        "there is no card template: plans are shown as messages without buttons",
        "no robot code",
    ]


@pytest.mark.parametrize(
    ("group", "robot", "text"),
    [("cid9", "ding_app", "the group cannot be looked at"), ("cid1", "other", "the robot is not in the group")],
)
async def test_the_group(app: App, session: aiohttp.ClientSession, group: str, robot: str, text: str) -> None:
    client = DingTalkClient(replace(app, robot_code=robot), session, SystemClock())
    assert any(
        finding.text.startswith(text) and not finding.ok for finding in await findings(client, Callbacks(), group)
    )


@pytest.mark.parametrize(
    ("callbacks", "problems"),
    [
        (HTTP, []),
        (replace(HTTP, public_url="http://fabu.example"), ["DingTalk posts to http://fabu.example"]),
        (replace(HTTP, card_secret=""), ["clicks on cards are refused"]),
        (replace(HTTP, aes_key="short"), ["events of approval forms are refused"]),
    ],
)
async def test_mode_http(app: App, session: aiohttp.ClientSession, callbacks: Callbacks, problems: list[str]) -> None:
    client = DingTalkClient(replace(app, callback_route_key="fabu"), session, SystemClock())
    assert [finding.text for finding in await findings(client, callbacks, "") if not finding.ok] == problems
