"""Who a Feishu user is to Fabu: by open_id, by e-mail address, by phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.chats.feishu import FEISHU, GROUP, FeishuOffice


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[FeishuOffice]:
    async with FEISHU.office(tmp_path) as opened:
        yield opened


async def test_people_are_recognised_by_what_feishu_confirms_and_asked_for_once(case: FeishuOffice) -> None:
    for person in (case.bob, case.carol, case.erin, case.erin):
        assert "Nothing is waiting for you." in await person.asks("list mine")
    asked = [call.operation for call in case.feishu.calls if call.operation.startswith("contact")]
    assert asked == ["contact.user.get"] * 2, "Carol and Erin; Bob is in the settings"


async def test_cards_reach_those_who_are_found_by_address_and_phone(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[FEISHU.stage("QA", "carol", "erin")])
    await case.carol.clicks("Approve")
    await case.erin.clicks("Approve")
    await case.fabu.until_status("executing")
    lookups = [call.arguments for call in case.feishu.calls_to("contact.user.batch_get_id")]
    assert {(*one["emails"], *one["mobiles"]) for one in lookups} == {("carol@example.com",), ("13800000000",)}


async def test_a_mention_stands_for_its_person(case: FeishuOffice) -> None:
    await case.fabu.submitted(stages=[FEISHU.stage("QA", "bob")])
    assert "cannot decide in your place" in await case.bob.says("delegate 1 @_user_2", GROUP)
    assert "Delegated." in await case.bob.says("delegate 1 @ou_carol", GROUP)
    await case.carol.clicks("Approve")
    [vote] = (await case.fabu.plan())["approval"]["stages"][0]["votes"]
    assert vote["person"] == "bob"
