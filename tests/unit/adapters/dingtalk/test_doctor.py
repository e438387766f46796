from __future__ import annotations

import aiohttp
import pytest

from adapters.common.system import SystemClock
from adapters.dingtalk.client import DingTalkClient
from adapters.dingtalk.doctor import examine
from adapters.dingtalk.settings import DingTalkSettings
from tests.adapters import changed
from tests.simulators.dingtalk import DingTalkSimulator
from tests.waiting import until

URL = "https://fabu.example"
HTTP = {"mode": "http", "card_secret": "card-secret", "token": "token", "aes_key": "k" * 43}


async def test_all_is_well(settings: DingTalkSettings, session: aiohttp.ClientSession) -> None:
    found = await examine(DingTalkClient(changed(settings, conversation_id="cid1"), session, SystemClock()), URL)
    assert [finding.text for finding in found if not finding.ok] == []
    assert "the robot is in the group" in [finding.text for finding in found]


async def test_the_stream_is_opened_and_closed(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    assert (await examine(client, URL))[-1].text == "DingTalk's Stream can be opened"
    [opened] = ding.gateway.opened
    assert [one.type for one in opened.subscriptions] == ["EVENT"], "no message of a person ends here"
    await until(lambda: not ding.gateway.sockets)
    ding.fail("gateway.connect", status=403)
    refused = (await examine(client, URL))[-1]
    assert (refused.ok, refused.text) == (False, "DingTalk's Stream cannot be opened: WSServerHandshakeError")
    assert "wss" in refused.cure


async def test_a_wrong_secret_is_named_without_telling_it(
    settings: DingTalkSettings, session: aiohttp.ClientSession
) -> None:
    client = DingTalkClient(
        changed(settings, client_secret="wrong-but-secret", conversation_id="cid1"), session, SystemClock()
    )
    first, *others = await examine(client, URL)
    assert (first.ok, first.cure) == (False, "mend the client id and secret")
    assert "wrong-but-secret" not in repr([first, *others])
    assert not any("group" in finding.text for finding in others)


async def test_no_answer_is_not_taken_for_a_wrong_secret(ding: DingTalkSimulator, client: DingTalkClient) -> None:
    with ding.outage():
        (first, *_) = await examine(client, URL)
    assert (first.ok, first.cure) == (False, "look whether the server may reach dingtalk.api_url")


async def test_what_is_missing(settings: DingTalkSettings, session: aiohttp.ClientSession) -> None:
    client = DingTalkClient(changed(settings, card_template_id=""), session, SystemClock())
    found = await examine(client, URL)
    assert [finding.text for finding in found if not finding.ok] == [
        "there is no card template: plans are shown as messages without buttons",
    ]


@pytest.mark.parametrize(
    ("group", "robot", "text"),
    [("cid9", "ding_app", "the group cannot be looked at"), ("cid1", "other", "the robot is not in the group")],
)
async def test_the_group(
    settings: DingTalkSettings, session: aiohttp.ClientSession, group: str, robot: str, text: str
) -> None:
    client = DingTalkClient(changed(settings, robot_code=robot, conversation_id=group), session, SystemClock())
    assert any(finding.text.startswith(text) and not finding.ok for finding in await examine(client, URL))


@pytest.mark.parametrize(
    ("url", "changes", "problems"),
    [
        (URL, {}, []),
        ("http://fabu.example", {}, ["DingTalk posts to http://fabu.example"]),
        (URL, {"token": "", "aes_key": ""}, ["events of approval forms are refused"]),
    ],
)
async def test_mode_http(
    settings: DingTalkSettings,
    session: aiohttp.ClientSession,
    url: str,
    changes: dict[str, str],
    problems: list[str],
) -> None:
    client = DingTalkClient(changed(settings, **(HTTP | changes)), session, SystemClock())
    assert [finding.text for finding in await examine(client, url) if not finding.ok] == problems
