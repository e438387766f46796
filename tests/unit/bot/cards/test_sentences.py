"""What the operation log and the thread of a plan say of its events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.cards.sentences import render_entry
from bot.i18n import Locale
from core import commands as c
from core.audit import LogEntry, entries_for
from core.draft import PlanPatch
from tests.worlds import PEOPLE, START, World, draft, text_item

EN, ZH = Locale("en", "UTC"), Locale("zh_CN", "UTC")


@pytest.mark.parametrize(
    ("change", "english", "chinese"),
    [
        ({"items": [text_item("a", content="new"), text_item("b")]}, "1 item", "1 个发布项"),
        ({"items": [text_item("a", content="new")], "name": "v2"}, "name, 2 items", "名称, 2 个发布项"),
        ({"items": [text_item("b"), text_item("a")]}, "items", "发布项"),
    ],
)
def test_an_edit_says_what_it_changed_and_the_revision(change: dict[str, Any], english: str, chinese: str) -> None:
    world = World()
    world.create(draft(items=[text_item("a"), text_item("b")]))
    world.do(c.Edit, patch=PlanPatch.model_validate(change))
    alice = PEOPLE.actor("alice", "test")
    [entry] = entries_for(world.plan.id, 0, "", world.last.events, alice, START, b"key")
    assert say(entry, world, EN) == f"Alice: changed {english} (revision 2)"
    assert say(entry, world, ZH).endswith(f"{chinese}（修订版本 2）")
    older = replace(entry, details={**entry.details, "revision": 0})
    assert say(older, world, EN) == f"Alice: changed {english}"


def say(entry: LogEntry, world: World, locale: Locale) -> str:
    return render_entry(entry, world.plan, locale, PEOPLE)
