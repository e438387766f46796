"""What cards show of the differences of two revisions."""

from __future__ import annotations

from typing import Any

from bot.cards.changes import Changes
from bot.i18n import Locale
from core.card import Excerpt, Row, Text, Weight, plain
from core.differences import Difference, differences
from core.draft import PlanDraft
from core.revisions import Comparison
from core.workflow import MASK
from tests.worlds import draft, text_item, workflow, workflow_item


def compare(before: PlanDraft, after: PlanDraft, *more: Difference, limit: int = 12) -> tuple[Row, ...]:
    old, new = (each.model_dump(mode="json") for each in (before, after))
    comparison = Comparison(2, 1, old, new, (*differences(old, new), *more))
    return Changes(Locale("en", "UTC"), comparison, limit).rows()


def deploy(*scripts: str, **fields: Any) -> dict[str, Any]:
    return workflow_item("deploy", workflow=workflow(*scripts) | fields)


def read(row: Row) -> list[str]:
    lines = (part.lines if isinstance(part, Excerpt) else (plain(part),) for part in row.body)
    return [line.replace("\u00a0", " ") for part in lines for line in part]


def test_short_values_stand_in_a_line() -> None:
    before = draft(items=[deploy("true", params=[{"name": "VERSION", "type": "string", "value": "2.3"}])])
    after = draft(items=[deploy("true", params=[{"name": "VERSION", "type": "string", "value": "2.4"}])])
    [row] = compare(before, after)
    assert (row.title, row.state.word, row.weight) == ("1 Deploy", "changed", Weight.CHANGED)
    assert read(row) == ["VERSION 2.3 → 2.4"]
    spans = [span for part in row.body if not isinstance(part, Excerpt) for span in part]
    assert {Text("2.3", struck=True), Text("2.4", strong=True)} <= set(spans)


def test_a_line_of_a_long_text_stands_with_its_neighbours() -> None:
    script = [f"step {number}" for number in range(1, 11)]
    changed = [*script[:9], "rm -rf /srv/prod"]
    [row] = compare(draft(items=[deploy("\n".join(script))]), draft(items=[deploy("\n".join(changed))]))
    assert read(row) == ["script", " step 9", "-step 10", "+rm -rf /srv/prod"]


def test_lines_beyond_the_limit_are_counted() -> None:
    old, new = ("\n".join(f"{word} {number}" for number in range(20)) for word in ("old", "new"))
    [row] = compare(draft(items=[deploy(old, old)]), draft(items=[deploy(new, new)]), limit=5)
    first, second = (part for part in row.body if isinstance(part, Excerpt))
    assert (len(first.lines), first.more) == (5, "+35 lines")
    assert (second.lines, second.more) == ((), "+40 lines")


def test_the_plan_comes_first_then_items_in_their_order_then_what_was_removed() -> None:
    before = draft(items=[text_item("gone"), text_item("b"), text_item("c")], description="old")
    after = draft(items=[text_item("a"), text_item("b", name="Other"), text_item("c")], description="new")
    rows = compare(before, after)
    assert [(row.title, row.state.word) for row in rows] == [
        ("Plan", "changed"), ("1 A", "new"), ("2 Other", "changed"), ("Gone", "removed"),
    ]  # fmt: skip
    assert "+content: by hand" in read(rows[1])
    assert rows[3].body == ()


def test_another_order_of_the_items_is_a_change_of_the_plan() -> None:
    items = [text_item("a"), text_item("b")]
    [row] = compare(draft(items=items), draft(items=items[::-1]))
    assert read(row) == ['items ["a", "b"] → ["b", "a"]']


def test_of_a_credential_it_is_said_that_it_changed() -> None:
    plan = draft(items=[deploy("true", params=[{"name": "TOKEN", "type": "string", "is_credential": True}])])
    [row] = compare(plan, plan, Difference("items[deploy].workflow.params[0].value", MASK, MASK))
    assert read(row) == ["TOKEN the credential changed"]


def test_invisible_characters_are_revealed() -> None:
    [row] = compare(draft(name="A"), draft(name="A b").model_copy(update={"name": "A\u202eb"}))
    assert read(row) == ["name A → A⟨U+202E⟩b"]


def test_a_missing_field_of_the_plan_equals_an_empty_one() -> None:
    plan = draft().model_dump(mode="json")
    old = {name: value for name, value in plan.items() if name != "labels"}
    comparison = Comparison(2, 1, old, plan, tuple(differences(old, plan)))
    assert Changes(Locale("en", "UTC"), comparison, 12).rows() == ()
