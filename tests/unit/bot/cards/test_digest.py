"""What a digest lists, in which order, and what its buttons do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters.dingtalk.render import render_message, render_variables
from adapters.dingtalk.words import Words
from adapters.feishu.render import render_card
from adapters.feishu.validate import problems
from adapters.slack.render import render_message as render_slack
from bot.cards.digest import DigestCards, sort_entries, summarize_parts, weigh
from bot.i18n import Locale
from core import commands as c
from core.card import Style, Weight, plain
from core.plan import Item, Plan, Run
from core.status import ItemStatus, PlanStatus, RunStatus
from tests.worlds import PEOPLE, World, draft, stage, text_item, workflow_item

CARDS = DigestCards(Locale("en", "UTC"), PEOPLE, "https://fabu.example.com")
RUN = Run("r", 1, RunStatus.RUNNING)
WAITING = replace(RUN, status=RunStatus.WAITING)


@pytest.fixture
def plan() -> Plan:
    """A plan that is executing, with a step, a workflow, and a step after both."""
    world = World()
    items = [
        workflow_item("deploy", assignee="bob"),
        text_item("notes", assignee="bob"),
        text_item("mail", assignee="erin", needs=["deploy", "notes"]),
    ]
    world.create(draft(stage("carol"), items=items))
    world.do(c.Submit)
    world.do(c.Approve, "carol")
    return world.plan


def with_item(plan: Plan, key: str, **changes: Any) -> tuple[Plan, Item]:
    """Return a plan with a changed item, and the item."""
    found = next(item for item in plan.items.values() if item.key == key)
    changed = replace(found, **changes)
    return replace(plan, items={**plan.items, found.id: changed}), changed


@pytest.mark.parametrize(
    ("key", "changes", "weight"),
    [
        ("deploy", {}, Weight.READY),
        ("notes", {}, Weight.PERSON),
        ("mail", {}, Weight.LATER),
        ("mail", {"needs": ()}, Weight.PERSON),
        ("deploy", {"status": ItemStatus.FAILED}, Weight.BAD),
        ("deploy", {"status": ItemStatus.RUNNING, "run": RUN}, Weight.RUNNING),
        ("deploy", {"status": ItemStatus.RUNNING, "run": WAITING}, Weight.RUNNING),
        ("deploy", {"status": ItemStatus.RUNNING, "run": WAITING, "assignee": "carol"}, Weight.PERSON),
        ("notes", {"status": ItemStatus.DONE}, None),
        ("deploy", {"status": ItemStatus.SKIPPED}, None),
    ],
)
def test_how_urgently_an_item_waits(plan: Plan, key: str, changes: dict[str, Any], weight: Weight | None) -> None:
    changed, item = with_item(plan, key, **changes)
    assert weigh(changed, item, PEOPLE) is weight
    assert weigh(replace(changed, status=PlanStatus.CANCEL), item, PEOPLE) is None
    if weight not in (None, Weight.RUNNING):
        assert weigh(replace(changed, window_open=False), item, PEOPLE) is Weight.LATER


def test_a_thing_is_another_one_in_another_revision_or_attempt(plan: Plan) -> None:
    waiting = {"status": ItemStatus.RUNNING, "run": WAITING, "assignee": "carol"}
    again = {**waiting, "run": replace(WAITING, attempt=2)}
    keys = [
        entry.key
        for changed in (plan, replace(plan, nonce="other"), with_item(plan, "deploy", **waiting)[0],
                        with_item(plan, "deploy", **again)[0])
        for entry in sort_entries(((changed, item) for item in changed.items.values() if item.key == "deploy"), PEOPLE)
    ]  # fmt: skip
    assert len(set(keys)) == 4


def test_parts_change_for_whom_something_else_waits(plan: Plan) -> None:
    before = summarize_parts(plan, PEOPLE)
    assert before.keys() == {"bob", "erin"}
    assert summarize_parts(plan, PEOPLE) == before
    done = summarize_parts(with_item(plan, "notes", status=ItemStatus.DONE)[0], PEOPLE)
    assert (done["bob"] != before["bob"], done["erin"] != before["erin"]) == (True, True)
    both = with_item(with_item(plan, "notes", status=ItemStatus.DONE)[0], "deploy", status=ItemStatus.DONE)[0]
    assert summarize_parts(both, PEOPLE).keys() == {"erin"}
    assert summarize_parts(both, PEOPLE)["erin"] != done["erin"]
    assert summarize_parts(replace(plan, status=PlanStatus.PLANNING), PEOPLE) == {}


def test_one_button_is_emphasized_and_asks_and_each_names_the_digest(plan: Plan) -> None:
    card = CARDS.digest(sort_entries(((plan, item) for item in plan.items.values()), PEOPLE))
    first, second = (row.buttons for row in card.sections[0].rows)
    assert [(b.label, b.style, bool(b.field)) for b in first] == [("Done", Style.PRIMARY, True)]
    assert [(b.label, b.style, bool(b.field)) for b in second] == [("Run", Style.DEFAULT, False)]
    assert all(button.ref.endswith(".digest") for button in (*first, *second))
    assert [row.buttons for row in card.sections[1].rows] == [()]
    assert [(row.title, row.state.word) for row in card.rows[:2]] == [
        ("#1 · 2 Notes", "waits for you"),
        ("#1 · 1 Deploy", "ready"),
    ]
    assert plain(card.rows[2].line) == "Release 1 · after: Deploy, Notes"
    assert plain(card.foot[0]).startswith("This card is kept up to date.")
    assert card.summary == "2 things wait for you: #1 Notes (waits for you); #1 Deploy (ready)"


def test_a_long_digest_finds_room_in_every_chat(plan: Plan) -> None:
    notes = next(item for item in plan.items.values() if item.key == "notes")
    lines = "".join(f"<p>{'x' * 300} {number}</p>" for number in range(9))
    many = [replace(notes, id=f"i{n}", position=n, name="名" * 200, spec={"content": lines}) for n in range(1, 300)]
    card = CARDS.digest(sort_entries(((plan, item) for item in many), PEOPLE))
    assert len(render_slack(card)["blocks"]) <= 50
    assert problems(render_card(card)) == []
    assert all(len(value.encode()) <= 1024 for value in render_variables(card).values())
    assert len(render_message(card, Words()).encode()) <= 6000


def test_a_message_in_place_of_a_card_says_what_to_type(plan: Plan) -> None:
    card = CARDS.digest(sort_entries(((plan, item) for item in plan.items.values()), PEOPLE), lasting=False)
    assert "`execute 1 2` `execute 1 1`" in render_message(card, Words())
    assert "kept up to date" not in render_message(card, Words())
