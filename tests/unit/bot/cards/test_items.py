"""In which order the items of a plan stand on its card, and what is grouped, at 1 item and at 300."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bot.cards.grouping import group_rows
from bot.cards.naming import name_positions
from bot.cards.paging import Pages
from bot.cards.plan import PlanCards
from bot.cards.refs import Ref
from bot.i18n import Locale
from core import commands as c
from core.card import Card, Row, Style, Weight, plain
from core.status import RunStatus
from tests.worlds import PEOPLE, World, draft, text_item, workflow_item

CARDS = PlanCards(Locale("en", "UTC"), PEOPLE, "https://fabu.example.com")


def executing(*items: dict[str, Any]) -> World:
    world = World()
    world.create(draft(items=list(items)))
    world.do(c.Submit)
    return world


def many(count: int) -> World:
    """A plan of many items of which the last waits for nobody, two failed, and most wait for a step by hand."""
    items = [
        text_item("step"),
        *(workflow_item(f"w{number}", needs=["step"]) for number in range(count)),
        workflow_item("bad"),
        workflow_item("slow"),
        workflow_item("next"),
        text_item("done"),
        text_item("skipped"),
    ]
    world = executing(*items)
    for key in ("bad", "slow"):
        world.on_item(c.Execute, key)
    world.report("bad", RunStatus.FAILED)
    world.report("slow", RunStatus.RUNNING)
    world.on_item(c.Execute, "done")
    world.on_item(c.Skip, "skipped", reason="not needed")
    return world


def shown(card: Card) -> list[tuple[str, list[str]]]:
    """The titles of the sections with items, and of their rows."""
    return [(each.title, [row.title for row in each.rows]) for each in card.sections]


def test_what_needs_somebody_comes_first_and_what_is_done_is_closed() -> None:
    card = CARDS.plan(many(2).plan)
    assert shown(card) == [
        ("Now 4", ["4 Bad", "1 Step", "6 Next", "5 Slow"]),
        ("Later 2", ["2 W0", "3 W1"]),
        ("Skipped 1", ["8 Skipped"]),
        ("Done 1", ["7 Done"]),
    ]
    now, later, skipped, done = card.sections
    assert [row.weight for row in now.rows] == [Weight.BAD, Weight.PERSON, Weight.READY, Weight.RUNNING]
    assert [row.state.mark for row in now.rows] == ["❌", "✋", "▶️", "⏳"]
    assert [each.folded for each in (now, later, skipped, done)] == [False, False, False, True]
    assert plain(card.ask[0]) == "❌ 1 failed · ✋ 1 waits for a person · ▶️ 1 ready · ⏳ 1 running · ▫️ 2 later"
    assert card.state.word == "executing, 2 of 8 done"


def test_a_plan_of_300_items_shows_its_next_steps_with_buttons() -> None:
    card = CARDS.plan(many(300).plan)
    now, later = card.sections[:2]
    assert [(row.title, [button.label for button in row.buttons]) for row in now.rows] == [
        ("302 Bad", ["Retry", "Skip"]), ("1 Step", ["Done", "Skip"]), ("304 Next", ["Run", "Skip"]),
        ("303 Slow", []),
    ]  # fmt: skip
    assert [(row.title, plain(row.line)) for row in later.rows] == [("2–301 300 workflows", "local · W0, W1, W2 +297")]
    assert later.title == "Later 300"
    assert plain(card.foot[-1]) == "show 1 page 1 lists the items in their order."


def test_one_button_of_a_card_is_primary() -> None:
    styles = Counter(button.style for row in CARDS.plan(many(2).plan).rows for button in row.buttons)
    assert styles[Style.PRIMARY] == 1
    first = CARDS.plan(many(2).plan).rows[0].buttons[0]
    assert (first.label, first.style) == ("Retry", Style.PRIMARY)


def test_what_is_ones_own_to_do_is_heavier_on_ones_own_card() -> None:
    world = executing(workflow_item("a"), text_item("b", assignee="erin"), workflow_item("c", assignee="erin"))
    everybody = CARDS.plan(world.plan)
    own = PlanCards(CARDS.locale, PEOPLE, CARDS.public_url, "erin").plan(world.plan)
    assert [(row.title, row.weight.name) for row in everybody.rows] == [
        ("2 B", "PERSON"), ("1 A", "READY"), ("3 C", "READY"),
    ]  # fmt: skip
    assert [(row.title, row.weight.name) for row in own.rows] == [("2 B", "YOURS"), ("3 C", "YOURS"), ("1 A", "READY")]


def test_a_page_has_the_items_in_their_order_with_all_their_buttons() -> None:
    card = CARDS.plan(many(20).plan, Pages(26, 1, "show 1"))
    [items] = [each for each in card.sections if each.title == "Release items 26"]
    assert [row.title for row in items.rows] == ["1 Step", *(f"{n + 2} W{n}" for n in range(9))]
    assert [button.label for button in items.rows[1].buttons] == ["Skip"]


def test_instructions_of_a_step_stand_below_it() -> None:
    world = executing(text_item("a", content="<p>look_at *this*</p>"))
    [row] = CARDS.plan(world.plan).rows
    assert [part.lines for part in row.body if not isinstance(part, tuple)] == [("look_at *this*",)]


@pytest.mark.parametrize("count", [20, 21])
@pytest.mark.parametrize("weight", Weight)
def test_only_many_rows_that_nobody_must_look_at_are_grouped(weight: Weight, count: int) -> None:
    world = executing(*(text_item(f"t{number}") for number in range(count)))
    rows = [(item, Row(item.name, weight)) for item in world.plan.items_in_order]
    grouped = group_rows(rows, lambda _: "", CARDS.locale)
    alone = count == 20 or weight <= Weight.READY
    assert len(grouped) == (count if alone else 1)
    assert {row.weight for row in grouped} == {weight}


def test_groups_differ_by_kind_and_target_and_name_what_they_leave_out() -> None:
    items = [text_item(f"t{n}") if n % 2 else workflow_item(f"w{n}") for n in range(60)]
    world = executing(*items)
    rows = [(item, Row(item.name)) for item in world.plan.items_in_order]
    first, second = group_rows(rows, lambda item: item.runner, CARDS.locale)
    assert first.title == "1…59 30 workflows"
    assert (second.title, plain(second.line)) == ("2…60 30 steps by hand", "T1, T3, T5 +27")


def test_positions_are_named_in_ranges() -> None:
    assert name_positions([3, 1, 2, 7, 9, 10]) == "1–3, 7, 9–10"


def test_a_plan_without_items_has_no_section_for_them() -> None:
    world = World()
    world.create(draft(items=[]))
    assert CARDS.plan(world.plan).sections == ()


def test_any_item_of_a_plan_under_way_can_be_picked() -> None:
    plan = many(6).plan
    picker = CARDS.plan(plan).picker
    assert picker is not None
    assert picker.verb == "show"
    assert [(each.label, plan.items[Ref.parse(each.ref).item_id].position) for each in picker.options][-5:] == [
        ("❌ 8 Bad", 8),
        ("⏳ 9 Slow", 9),
        ("▶️ 10 Next", 10),
        ("✅ 11 Done", 11),
        ("⏭️ 12 Skipped", 12),
    ]


def test_of_300_items_those_can_be_picked_that_need_somebody_first() -> None:
    picker = CARDS.plan(many(300).plan).picker
    assert picker is not None
    labels = [each.label for each in picker.options]
    assert len(labels) == 100
    assert [labels[0], *labels[-3:]] == ["✋ 1 Step", "❌ 302 Bad", "⏳ 303 Slow", "▶️ 304 Next"]


def test_a_plan_that_is_decided_on_has_nothing_to_pick() -> None:
    world = World()
    world.create(draft(items=[text_item(f"t{number}") for number in range(20)]))
    assert CARDS.plan(world.plan).picker is None
