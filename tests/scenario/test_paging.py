"""Long lists, long plans and long logs are read page by page in every chat."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.effects import Destination, DestinationKind, Effect, RunStart
from tests.scenario.chats.dingtalk import narrow
from tests.scenario.chats.feishu import FEISHU
from tests.scenario.chats.registry import CHATS
from tests.scenario.chats.slack import User
from tests.scenario.chats.vocabulary import Office, read_answer
from tests.scenario.office import step
from tests.simulators.slack_reading import text_of
from tests.waiting import eventually

WAYS = ("slack-http", "feishu-http", "dingtalk-http", "dingtalk-text-http")


@pytest.fixture(params=WAYS)
async def office(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Office[Any, Any]]:
    async with CHATS[request.param].office(tmp_path) as opened:
        yield opened


def numbers(text: str) -> list[int]:
    """Return the numbers of the plans of a list."""
    return list(map(int, re.findall(r"#(\d+) Release", text)))


async def test_a_list_of_plans(office: Office[Any, Any]) -> None:
    for number in range(1, 13):
        await office.fabu.draft(name=f"Release {number}")
    first = await read_answer(office.alice, "list")
    assert numbers(first) == list(range(12, 2, -1))
    assert "Page 1 of 2. `list 2` shows the next page." in narrow(first)
    for words in ("list 2", "列表 9", "list planning 2", "list mine 2"):
        second = await read_answer(office.alice, words)
        assert numbers(second) == [2, 1]
        assert "Page 2 of 2." in second
        assert "next page." not in second
    assert numbers(await read_answer(office.alice, "list executing 2")) == []


async def test_the_items_of_a_plan(office: Office[Any, Any]) -> None:
    plan = await office.fabu.submitted(*(step(f"s{number}") for number in range(1, 24)))

    async def items(words: str) -> list[int]:
        return sorted({int(number) for number in re.findall(r"\b(\d+) S\1\b", await read_answer(office.alice, words))})

    assert await items("show 1 page 1") == list(range(1, 11))
    assert await items("show 1 page 3") == await items("show 1 page 99") == [21, 22, 23]
    assert "Page 2 of 3. `show 1 page 3` shows the next page." in narrow(
        await read_answer(office.alice, "show 1 page 2")
    )
    for number in range(1, 12):
        await office.fabu.api("POST", f"/plans/{plan['id']}/items/s{number}/execute", {})
    assert 12 in await items("show 1"), "what is next is shown"


async def test_the_deliveries_that_were_given_up(office: Office[Any, Any]) -> None:
    plans = [await office.fabu.draft(name=f"Release {number}") for number in (1, 2)]
    effects = [
        Effect(
            f"{number:032x}", plans[number // 12]["id"], Destination(DestinationKind.RUNNER, "gone"), RunStart("r", "i")
        )
        for number in range(24)
    ]
    await office.fabu.services.store.write(lambda writing: writing.outbox.add(effects))

    async def dead() -> int:
        counts = await office.fabu.services.store.read(lambda reading: reading.deliveries.counts())
        return counts.get("dead", 0)

    await eventually(dead, wanted=lambda number: number == 24)

    async def ids(words: str) -> list[int]:
        return [int(found, 16) for found in re.findall(r"\b([0-9a-f]{32})\b", await read_answer(office.alice, words))]

    assert await ids("deliveries") == await ids("deliveries all 1") == list(range(23, 13, -1))
    assert await ids("deliveries all 3") == await ids("投递 全部 9") == [3, 2, 1, 0]
    assert await ids("deliveries 1") == list(range(11, 1, -1))
    assert await ids("deliveries #1 2") == [1, 0]
    for words, told in (
        ("deliveries", "Page 1 of 3. `deliveries all 2` shows the next page."),
        ("deliveries 2", "Page 1 of 2. `deliveries 2 2` shows the next page."),
    ):
        assert told in narrow(await read_answer(office.alice, words))


async def test_the_log_of_a_plan(office: Office[Any, Any]) -> None:
    plan = await office.fabu.draft()
    for number in range(1, 14):
        reason = {"reason": f"{number}. {'推迟' * 500}"}
        for verb, body in (("submit", {}), ("replan", reason)):
            await office.fabu.api("POST", f"/plans/{plan['id']}/{verb}", body)
    await office.fabu.api("POST", f"/plans/{plan['id']}/cancel", {"reason": "not now " * 400})
    newest = await read_answer(office.alice, "log 1")
    assert "cancelled the plan — not now not now" in newest
    assert "took the plan back to planning — 13. 推迟" in newest
    assert newest.count("took the plan back to planning") == 10
    assert "`log 1 2` shows the next page." in narrow(newest)
    oldest = await read_answer(office.alice, "log 1 2")
    assert "started the plan" in oldest
    assert oldest.count("took the plan back to planning") == 3
    assert await office.fabu.head() in oldest


async def test_a_button_turns_the_page_in_slack(tmp_path: Path) -> None:
    async with CHATS["slack-http"].office(tmp_path) as slack:
        await slack.fabu.draft(*(step(f"s{number}") for number in range(1, 12)))
        alice: User = slack.alice
        await alice.says("show 1 page 1")
        shown = alice.slack.ephemerals(alice.id)[-1]
        assert "11 S11" not in text_of(shown)
        assert "11 S11" in await alice.clicks("Next page", on=shown)


async def test_a_button_turns_the_page_in_feishu(tmp_path: Path) -> None:
    async with FEISHU.office(tmp_path) as feishu:
        await feishu.fabu.draft(*(step(f"s{number}") for number in range(1, 12)))
        asked = await feishu.alice.writes("show 1 page 1")
        [card] = await feishu.alice.until(lambda: feishu.alice.replies_to(asked, "interactive"))
        assert not feishu.alice.shows(card, "11 S11")
        answer = await feishu.alice.presses("Next page", on=card)
        assert "11 S11" in json.dumps(answer.body, ensure_ascii=False)
