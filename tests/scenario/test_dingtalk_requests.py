"""What reaches the three addresses of DingTalk is proven, fresh and taken once, or refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.dingtalk.crypto import WINDOW
from tests.clock import SharedClock
from tests.scenario.chats.dingtalk import DINGTALK, FORM, DingTalkOffice
from tests.scenario.office import Json, step
from tests.simulators.dingtalk_platform import Answer, EventSeal, card_headers, post, post_event, robot_headers

SECOND = timedelta(seconds=1)
LATE, EARLY = -WINDOW - SECOND, WINDOW + SECOND


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[DingTalkOffice]:
    """An office that DingTalk reaches over HTTP, where Bob has to decide on a plan."""
    async with DINGTALK.office(tmp_path, SharedClock, mode="http") as opened:
        await opened.fabu.submitted(step("notes"), step("announce"), stages=[DINGTALK.stage("QA", "bob")])
        await opened.bob.card_with("Approve")
        yield opened


class Forger:
    """Writes requests by hand, each of which would approve the plan if it were genuine."""

    def __init__(self, case: DingTalkOffice, moved: timedelta = timedelta()) -> None:
        self.case, self.ding = case, case.ding
        self.at = str(int(case.ding.milliseconds()) + int(moved.total_seconds() * 1000))

    async def says(
        self, headers: Json | None = None, text: str = "approve 1", msg_id: str = "m1", **changes: Any
    ) -> Answer:
        body = {
            "msgId": msg_id, "conversationId": "cid-bob", "conversationType": "1", "chatbotCorpId": self.ding.corp_id,
            "senderCorpId": self.ding.corp_id, "senderStaffId": "bob", "robotCode": self.ding.robot_code,
            "msgtype": "text", "text": {"content": text}, **changes,
        }  # fmt: skip
        signed = robot_headers(self.ding.client_secret, self.at)
        return await post(f"{self.case.fabu.url}/dingtalk/robot", body, signed if headers is None else headers)

    async def clicks(self, headers: Json | None = None, user: str = "bob", verb: str = "approve") -> Answer:
        [card] = self.case.bob.cards
        content = {"cardPrivateData": {"actionIds": [verb], "params": {"ref": card.params["ref"], "text": ""}}}
        body = {"outTrackId": card.out_track_id, "userId": user, "content": json.dumps(content)}
        signed = card_headers("card-secret", self.at)
        return await post(f"{self.case.fabu.url}/dingtalk/card", body, signed if headers is None else headers)

    async def tells(self, seal: EventSeal | None = None) -> Answer:
        event = {"EventType": "bpms_instance_change", "processInstanceId": "p", "processCode": FORM, "type": "finish"}
        return await post_event(f"{self.case.fabu.url}/dingtalk/events", seal or self.ding.seal(), event, self.at)


async def untouched(case: DingTalkOffice) -> bool:
    """Tell whether nothing has happened to the plan, not even a refusal."""
    return (await case.fabu.events())[-1] == "submitted"


@pytest.mark.parametrize("moved", [LATE, EARLY])
async def test_stale_and_early_requests_are_refused(case: DingTalkOffice, moved: timedelta) -> None:
    forger = Forger(case, moved)
    answers = [await forger.says(), await forger.clicks(), await forger.tells()]
    assert [answer.status for answer in answers] == [401, 401, 401]
    assert await untouched(case)


async def test_forged_messages_are_refused(case: DingTalkOffice) -> None:
    forger, secret = Forger(case), case.ding.client_secret
    genuine = robot_headers(secret, forger.at)
    forged: list[Json] = [
        {},
        {"sign": genuine["sign"]},
        {"timestamp": forger.at},
        genuine | {"sign": genuine["sign"].swapcase()},
        genuine | {"timestamp": str(int(forger.at) + 1)},
        genuine | {"timestamp": f"{forger.at}.0"},
        genuine | {"timestamp": "９" * 13},
        genuine | {"timestamp": "9" * 40},
        robot_headers("", forger.at),
        robot_headers("another-secret", forger.at),
        card_headers("card-secret", forger.at),
    ]
    assert [(await forger.says(headers)).status for headers in forged] == [401] * len(forged)
    assert (await forger.says(robotCode="another_robot")).status == 401
    assert (await forger.says(robotCode="")).status == 401
    assert await untouched(case)


async def test_forged_clicks_are_refused(case: DingTalkOffice) -> None:
    forger = Forger(case)
    genuine = card_headers("card-secret", forger.at)
    name = "x-ddpaas-signature"
    forged: list[Json] = [
        {},
        {name: genuine[name]},
        {f"{name}-timestamp": forger.at},
        genuine | {name: ""},
        genuine | {f"{name}-timestamp": str(int(forger.at) + 1)},
        card_headers("", forger.at),
        card_headers(case.ding.client_secret, forger.at),
    ]
    assert [(await forger.clicks(headers)).status for headers in forged] == [401] * len(forged)
    assert await untouched(case)


async def test_forged_events_are_refused(case: DingTalkOffice) -> None:
    forger, known = Forger(case), case.ding.seal()
    key = case.ding.console.aes_key if case.ding.console else ""
    forged = [
        EventSeal("another-token", key, known.owner),
        EventSeal(known.token, key, "another_app"),
        EventSeal(known.token, "B" * 42 + "A", known.owner),
    ]
    assert [(await forger.tells(seal)).status for seal in forged] == [401] * len(forged)
    url = f"{case.fabu.url}/dingtalk/events"
    for body in ({}, {"encrypt": ""}, {"encrypt": 1}, {"encrypt": "AAAA"}, {"EventType": "check_url"}):
        assert (await post(url, body)).status == 401
    assert (await forger.tells()).body == "success"


async def test_the_address_of_events_can_be_tried_out(case: DingTalkOffice) -> None:
    assert (await case.ding.check_url()).body == "success"


async def test_a_message_that_comes_again_counts_once(case: DingTalkOffice) -> None:
    forger = Forger(case)
    assert [(await forger.says()).status for _ in range(2)] == [200, 200]
    assert "#1 is now: executing" in case.bob.note(case.bob.answers[0])
    events = await case.fabu.events()
    assert events.count("voted") == 1
    assert "refused" not in events


async def test_a_recorded_message_with_other_words_is_taken_for_the_same(case: DingTalkOffice) -> None:
    # DingTalk's signature does not cover the body; what identifies a message is used once all the same.
    forger = Forger(case)
    await forger.says()
    assert (await forger.says(text="cancel 1", senderStaffId="alice")).status == 200
    assert await case.fabu.status() == "executing"


async def test_a_recorded_click_counts_once_and_not_for_long(case: DingTalkOffice) -> None:
    forger = Forger(case)
    assert [(await forger.clicks()).status for _ in range(2)] == [200, 200]
    assert (await case.fabu.events()).count("voted") == 1
    case.ding.clock.advance((WINDOW + SECOND).total_seconds())
    assert (await forger.clicks()).status == 401
