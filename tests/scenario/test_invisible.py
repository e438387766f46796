"""Characters that cannot be seen: gone from names and commands, kept in what runs, and to be seen on the cards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.text import remove_invisible
from tests.scenario.chats.everywhere import APPROVERS, Front, everywhere
from tests.scenario.office import Json, script, step

HIDDEN = "\u200b\u200f\u202e\u2066\ufeff\u00ad"


@pytest.fixture(params=APPROVERS)
async def front(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Front]:
    """One chat of a Fabu that is in all three."""
    async with everywhere(tmp_path) as case:
        yield Front(case, request.param)


def deploying(text: str, value: str) -> Json:
    item = script("deploy", text)
    item["workflow"]["params"] = [{"name": "TARGET", "value": value}]
    return item


async def test_commands_and_names_lose_them(front: Front) -> None:
    said = await front.alice.says(f"{HIDDEN}n{HIDDEN}ew{HIDDEN} Rel{HIDDEN}ease 1")
    assert said.startswith("Plan #1 “Release 1” is started.")
    assert (await front.fabu.plan())["name"] == "Release 1"
    await front.alice.says(f"can\u200bcel #{HIDDEN}1 no\u200f time")
    assert await front.fabu.status() == "cancel"


async def test_what_runs_keeps_them_and_cards_show_them(front: Front) -> None:
    text, value = "echo a\u200bb\n", f"pro{HIDDEN}d 👩\u200d💻"
    key, name = f"no{HIDDEN}tes", f"No{HIDDEN}tes ❤\ufe0f"
    await front.fabu.submitted(step(key, name=name), deploying(text, value), name=f"Shop{HIDDEN} 2")
    plan = await front.fabu.plan()
    assert (plan["name"], plan["items"][0]["key"], plan["items"][0]["name"]) == ("Shop 2", "notes", "Notes ❤\ufe0f")
    workflow = plan["items"][1]["workflow"]
    assert workflow["stages"][0]["jobs"][0]["spec"]["script"] == text
    assert workflow["params"][0]["value"] == value
    shown = "pro⟨U+200B⟩⟨U+200F⟩⟨U+202E⟩⟨U+2066⟩⟨U+FEFF⟩⟨U+00AD⟩d 👩\u200d💻"
    read = front.alice.read(await front.office.channel_card("#1 Shop 2", "Notes ❤\ufe0f", f"TARGET={shown}"))
    assert read == remove_invisible(read)
