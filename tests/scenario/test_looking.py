"""Looking for the items of a plan in a chat: by position, key, name, state, or a part of the name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.chats.registry import CHATS
from tests.scenario.chats.vocabulary import Office, read_answer
from tests.scenario.office import script, step
from tests.waiting import eventually

TEXT = "".join(f"<p>Line {number}</p>" for number in range(1, 9))


@pytest.fixture(params=["slack-http", "feishu-http", "dingtalk-http", "dingtalk-text-http"])
async def office(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office[Any, Any]]:
    """Each chat, with a plan under way, of which one item has failed."""
    async with CHATS[request.param].office(tmp_path) as opened:
        failing = script("deploy", "echo one\necho two\necho three\nexit 3", name="Deploy shop")
        later = script("smoke", "true", name="Smoke test", needs=["deploy"])
        await opened.fabu.submitted(step("notes", content=TEXT), failing, later, step("4", name="failed"))
        await opened.alice.says("execute 1 deploy")
        await eventually(opened.fabu.item, "deploy", wanted=lambda item: item["status"] == "failed")
        yield opened


@pytest.mark.parametrize("ref", ["2", "deploy", "deploy shop", "“Deploy shop”", "shop"])
async def test_one_item_is_shown_whole(office: Office[Any, Any], ref: str) -> None:
    shown = await read_answer(office.alice, f"show 1 {ref}")
    assert "2 Deploy shop" in shown
    assert "echo three" in shown
    assert "waiting for it: 3 Smoke test" in shown
    assert "failed" in shown


async def test_a_text_is_shown_whole(office: Office[Any, Any]) -> None:
    assert "Line 8" in await read_answer(office.alice, "show 1 notes")


async def test_items_are_listed_by_their_state_and_by_a_word(office: Office[Any, Any]) -> None:
    waiting = await read_answer(office.alice, "show 1 waiting")
    assert "1 Notes" in waiting
    assert "2 Deploy shop" not in waiting
    found = await read_answer(office.alice, "show 1 S")
    assert "1 Notes" in found
    assert "3 Smoke test" in found
    assert "4 failed" not in found


async def test_the_name_of_an_item_comes_before_a_state(office: Office[Any, Any]) -> None:
    shown = await read_answer(office.alice, "show 1 failed")
    assert "4 failed" in shown
    assert "2 Deploy shop" not in shown
    assert "2 Deploy shop" in await read_answer(office.alice, "查看 1 失败")


async def test_what_no_item_is_called_is_said(office: Office[Any, Any]) -> None:
    assert "This plan has no item elsewhere." in await office.alice.says("show 1 elsewhere")


async def test_a_draft_says_what_it_lacks_before_it_can_be_submitted(office: Office[Any, Any]) -> None:
    await office.alice.says("new Hotfix")
    assert "Before it can be submitted: items: add at least one item" in await read_answer(office.alice, "show 2")
