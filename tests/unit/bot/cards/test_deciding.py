"""What the cards of a plan say to those who decide on it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.cards.deciding import Contents
from bot.cards.plan import PlanCards
from bot.i18n import Locale
from core import commands as c
from core.card import Card
from core.draft import PlanPatch
from core.policies import NO_RULES
from tests.worlds import PEOPLE, World, draft, stage, text_item, with_rules, workflow_item

ENGLISH = Locale("en", "UTC")


def job(kind: str, spec: dict[str, Any], name: str = "job") -> dict[str, Any]:
    return {"name": "w", "stages": [{"name": "s", "jobs": [{"name": name, "type": kind, "spec": spec}]}]}


def sql(key: str, statements: str, database: str = "shop") -> dict[str, Any]:
    return workflow_item(key, workflow=job("sql", {"id": database, "sql": statements}))


DEPLOY = workflow_item(
    "deploy",
    runner="zadig",
    workflow=job("zadig-deploy", {"env": "live", "production": True, "services": [{"service_name": "api"}]}),
)


def waiting(*items: dict[str, Any], **fields: Any) -> World:
    world = World(with_rules(NO_RULES))
    world.create(draft(stage("bob"), items=list(items), **fields))
    world.do(c.Submit)
    return world


def cards() -> PlanCards:
    return PlanCards(ENGLISH, PEOPLE, "https://fabu.example.com")


def facts(card: Card) -> dict[str, str]:
    return {fact.label: fact.value for fact in card.facts}


def test_the_card_says_what_will_run() -> None:
    script = workflow_item("run", workflow=job("freestyle", {"script": "echo one\necho two\necho three"}, "dump"))
    for card in (cards().approval(plan := waiting(script).plan), cards().plan(plan)):
        [row] = [row for section in card.sections for row in section.rows if row.title == "1. Run"]
        assert row.lines == ("dump", "echo one", "echo two", "+1 lines")
        assert row.detail == "to do · w (local)", "what the lines say is not repeated"


def test_while_it_is_executed_the_card_says_how_far_it_has_come() -> None:
    world = waiting(sql("clean", "DELETE FROM cart"))
    world.do(c.Approve, "bob")
    card = cards().plan(world.plan)
    assert (card.notices, [row.lines for section in card.sections for row in section.rows if row.lines]) == ((), [])
    assert "job" in next(row.detail for section in card.sections for row in section.rows if row.title == "1. Clean")


def test_risks_are_noticed_three_of_them_and_the_rest_counted() -> None:
    risky = [sql(f"drop{number}", "DROP TABLE a; DELETE FROM b") for number in range(5)]
    card = cards().approval(waiting(text_item("notes"), sql("look", "SELECT 1"), *risky).plan)
    assert card.notices == (
        "3. Drop0: DROP, DELETE without WHERE",
        "4. Drop1: DROP, DELETE without WHERE",
        "5. Drop2: DROP, DELETE without WHERE",
        "+2 more risks",
    )
    marked = {row.title: row.risky for section in card.sections for row in section.rows}
    assert (marked["2. Look"], marked["3. Drop0"]) == (False, True)


def test_the_line_that_notifies_says_who_asks_and_the_worst_risk() -> None:
    plan = waiting(sql("clean", "DELETE FROM cart")).plan
    assert cards().approval(plan).summary == (
        "Alice asks for your approval: #1 Release 1; risk: 1. Clean: DELETE without WHERE"
    )
    assert cards().approval(waiting(text_item("a")).plan).summary == "Alice asks for your approval: #1 Release 1"


def test_what_the_plan_touches_stands_on_top() -> None:
    plan = waiting(
        sql("a", "DELETE FROM t WHERE x; ALTER TABLE t ADD y INT"),
        sql("b", "SELECT 1", "other"),
        workflow_item("stage", runner="zadig", workflow=job("zadig-deploy", {"env": "staging"})),
        DEPLOY,
        workflow_item("plugin", runner="zadig", workflow=job("tapd", {}, "track")),
    ).plan
    assert facts(cards().approval(plan))["Touches"] == (
        "live (production), staging · api · database shop (DELETE, ALTER), database other (SELECT) · "
        "environment not known: track"
    )


def test_long_lists_of_names_are_cut_and_counted() -> None:
    services = [{"service_name": f"s{number}"} for number in range(9)]
    many = workflow_item("many", runner="zadig", workflow=job("zadig-deploy", {"env": "e", "services": services}))
    assert Contents.of(waiting(many).plan, ENGLISH).touches() == "e · s0, s1, s2, s3, s4, s5 +3"


def test_a_plan_that_touches_nothing_says_nothing_of_it() -> None:
    assert "Touches" not in facts(cards().approval(waiting(text_item("a")).plan))


def test_the_card_names_who_edited_the_plan() -> None:
    world = World(with_rules(NO_RULES))
    world.create(draft(stage("carol"), collaborators=["bob"]))
    assert "Edited by" not in facts(cards().plan(world.plan))
    world.do(c.Edit, "bob", patch=PlanPatch(description="mine"))
    assert facts(cards().plan(world.plan))["Edited by"] == "Bob"


@pytest.mark.parametrize("count", [1, 12, 60, 300])
def test_risky_rows_come_first_where_the_others_give_their_lines_up(count: int) -> None:
    items = [text_item(f"t{number}", content="line") for number in range(count)] + [sql("drop", "DROP TABLE a")]
    narrow = cards().approval(waiting(*items).plan).only_risky_lines()
    rows = next(section.rows for section in narrow.sections if len(section.rows) == count + 1)
    assert (rows[0].title, rows[0].lines) == (f"{count + 1}. Drop", ("job · shop", "DROP TABLE a"))
    assert not any(row.lines for row in rows[1:])
