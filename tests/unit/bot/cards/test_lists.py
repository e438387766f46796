"""What the lists, the log and the help say on cards."""

from __future__ import annotations

from bot.cards.lists import ListCards
from bot.i18n import Locale
from core import commands as c
from core.card import Weight, plain
from core.ports.plans import Mine
from tests.worlds import PEOPLE, World, draft, stage, text_item

LISTS = ListCards(Locale("en", "UTC"), PEOPLE, "https://fabu.example.com")


def waiting() -> World:
    world = World()
    world.create(draft(stage("bob"), items=[text_item("a")]))
    world.do(c.Submit)
    return world


def test_a_list_names_the_state_and_the_manager_of_each_plan() -> None:
    [row] = LISTS.plans([waiting().plan], "Release plans").rows
    assert (row.title, row.state.mark, row.state.word) == ("#1 Release 1", "🟡", "waiting for approval")
    assert plain(row.line) == "Alice"
    assert [button.label for button in row.buttons] == ["Show"]


def test_what_waits_for_ones_approval_is_heavier_than_what_one_manages() -> None:
    plan = waiting().plan
    card = LISTS.mine(Mine([plan], [plan], []))
    assert [(each.title, each.rows[0].weight) for each in card.sections] == [
        ("Waiting for your approval", Weight.YOURS), ("Your plans", Weight.LATER),
    ]  # fmt: skip


def test_an_empty_list_says_so() -> None:
    [row] = LISTS.plans([], "Release plans").rows
    assert row.title == ""
    assert [plain(each) for each in row.body if isinstance(each, tuple)] == [
        "There is nothing here yet. Start a plan with `new`."
    ]


def test_the_help_has_every_command_with_its_other_words() -> None:
    found = {row.title: plain(row.line) for row in LISTS.help().rows}
    assert found["reject N REASON"] == "驳回 拒绝"
    assert len(found) > 15
