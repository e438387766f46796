"""What people type in each chat, with what their keyboards and chats make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenario.chats.everywhere import APPROVERS, Front, everywhere
from tests.scenario.office import step


@pytest.fixture(params=APPROVERS)
async def front(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Front]:
    """One chat of a Fabu that is in all three."""
    async with everywhere(tmp_path) as case:
        yield Front(case, request.param)


async def test_commands_are_read_as_they_are_typed(front: Front) -> None:
    typed = {
        "Notes": ": execute 1 1.",
        "deploy": "`execute 1 deploy`",
        "deploy.sh": "execute 1 deploy.sh",
        "After deploy": "ｅｘｅｃｕｔｅ　＃１　４",
        "Report": "完成１ ５。",
        "Café": "ex\u200becute 1 `CAFE\u0301`",
    }
    await front.fabu.submitted(*(step(f"k{number}", name=name) for number, name in enumerate(typed)))
    for name, words in typed.items():
        assert f"“{name}” is done" in await front.alice.says(words)


@pytest.mark.parametrize("status", ["executing", "Executing", "执行中", "EXECUTING.", "ｅｘｅｃｕｔｉｎｇ"])
async def test_statuses_are_known_by_their_names_in_both_languages(front: Front, status: str) -> None:
    await front.fabu.submitted(name="Shop 7")
    await front.fabu.draft(name="Shop 8")
    listed = await front.alice.asks(f"list {status}")
    assert "Shop 7" in listed
    assert "Shop 8" not in listed
