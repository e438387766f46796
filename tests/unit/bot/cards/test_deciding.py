"""What the cards of a plan say to those who decide on it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.cards.deciding import Contents
from bot.cards.paging import Pages
from bot.cards.plan import PlanCards
from bot.i18n import Locale
from core import commands as c
from core.card import Card, Code, Excerpt, ExcerptKind, Row, Style, Text, Weight, plain
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


def row(card: Card, title: str) -> Row:
    [found] = [row for row in card.rows if row.title == title]
    return found


def touches(card: Card) -> str:
    """The line that says what a plan touches; empty if the card has none."""
    rows = [row for section in card.sections if section.title == "Touches" for row in section.rows]
    return "".join(plain(part) for row in rows for part in row.body if isinstance(part, tuple))


def foot(card: Card) -> str:
    return "\n".join(map(plain, card.foot))


def test_the_card_says_what_will_run() -> None:
    script = workflow_item("run", workflow=job("freestyle", {"script": "echo one\necho two\necho three"}, "dump"))
    for card in (cards().approval(plan := waiting(script).plan), cards().plan(plan)):
        shown = row(card, "1 Run")
        assert shown.body == (
            (Text("dump"),),
            Excerpt(ExcerptKind.CODE, ("echo one", "echo two"), "+1 line", "bash"),
        )
        assert plain(shown.line) == "w (local)", "what the body says is not repeated"


def test_while_it_is_executed_the_card_says_how_far_it_has_come() -> None:
    world = waiting(sql("clean", "DELETE FROM cart"))
    world.do(c.Approve, "bob")
    card = cards().plan(world.plan)
    clean = row(card, "1 Clean")
    assert (card.notices, clean.body, clean.state.word) == ((), (), "ready")
    assert plain(clean.line) == "w (local) · job"


def test_risks_are_noticed_three_of_them_and_the_rest_counted() -> None:
    risky = [sql(f"drop{number}", "DROP TABLE a; DELETE FROM b") for number in range(5)]
    card = cards().approval(waiting(text_item("notes"), sql("look", "SELECT 1"), *risky).plan)
    assert [plain(notice.line) for notice in card.notices] == [
        "3 Drop0: DROP, DELETE without WHERE",
        "4 Drop1: DROP, DELETE without WHERE",
        "5 Drop2: DROP, DELETE without WHERE",
        "+2 more risks",
    ]
    assert [row(card, title).weight for title in ("2 Look", "3 Drop0")] == [Weight.LATER, Weight.RISKY]
    assert row(card, "3 Drop0").state.word == "risk"


def test_who_approves_a_risk_is_asked_once_more_with_the_risk() -> None:
    approve, reject = cards().approval(waiting(sql("clean", "DELETE FROM cart")).plan).buttons
    assert approve.confirm == "1 Clean: DELETE without WHERE. Approve it nevertheless?"
    assert (approve.style, reject.confirm) == (Style.PRIMARY, "")
    assert cards().approval(waiting(text_item("a")).plan).buttons[0].confirm == ""


def test_where_not_all_finds_room_the_page_takes_the_place_of_approve() -> None:
    plan = waiting(text_item("a")).plan
    for card in (cards().approval(plan), cards().plan(plan)):
        assert card.review is not None
        assert (card.review.label, card.review.url) == ("Review and approve", "https://fabu.example.com/plans/1")
        assert card.without_buttons().review is None
    assert cards().notice(plan).review is None


def test_the_line_that_notifies_says_who_asks_and_the_worst_risk() -> None:
    plan = waiting(sql("clean", "DELETE FROM cart")).plan
    assert cards().approval(plan).summary == (
        "Alice asks for your approval: #1 Release 1; risk: 1 Clean: DELETE without WHERE"
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
    card = cards().approval(plan)
    [line] = card.rows[0].body
    assert isinstance(line, tuple)
    assert line[0] == Text("live (production)", strong=True)
    assert touches(card) == (
        "live (production) · staging · api · database shop (DELETE, ALTER), database other (SELECT) · "
        "environment not known: track"
    )


def test_long_lists_of_names_are_cut_and_counted() -> None:
    services = [{"service_name": f"s{number}"} for number in range(9)]
    many = workflow_item("many", runner="zadig", workflow=job("zadig-deploy", {"env": "e", "services": services}))
    assert plain(Contents.of(waiting(many).plan, ENGLISH).touches()) == "e · s0, s1, s2, s3, s4, s5 +3"


def test_a_plan_that_touches_nothing_says_nothing_of_it() -> None:
    assert touches(cards().approval(waiting(text_item("a")).plan)) == ""


def test_the_card_names_who_edited_the_plan() -> None:
    world = World(with_rules(NO_RULES))
    world.create(draft(stage("carol"), collaborators=["bob"]))
    assert "edited by" not in foot(cards().plan(world.plan))
    world.do(c.Edit, "bob", patch=PlanPatch(description="mine"))
    assert foot(cards().plan(world.plan)).endswith("manager: Alice · edited by Bob")


def test_nobody_approves_on_one_page_of_several() -> None:
    plan = waiting(*(text_item(f"t{n}") for n in range(11))).plan
    paged = cards().plan(plan, Pages(11, 1, "show 1"))
    assert [button.label for button in paged.buttons] == ["Review and approve", "Reject", "Replan", "Next page"]
    assert paged.buttons[0].url == "https://fabu.example.com/plans/1"
    alone = cards().plan(plan, Pages(11, 1, "", size=11))
    assert alone.buttons[0].verb == "approve"


def test_names_and_scripts_are_to_the_letter() -> None:
    plan = waiting(sql("clean", "SELECT *\nFROM `shop_main`.cart -- x", "shop_main")).plan
    facts, excerpt = row(cards().approval(plan), "1 Clean").body
    assert facts == (Text("job"), Text(" · "), Code("shop_main"))
    assert excerpt == Excerpt(ExcerptKind.CODE, ("SELECT *", "FROM `shop_main`.cart"), "", "sql")


def test_of_many_jobs_the_risky_ones_are_shown_and_the_rest_counted() -> None:
    jobs = [{"name": f"j{n}", "type": "sql", "spec": {"id": "db", "sql": "SELECT 1"}} for n in range(20)]
    jobs.append({"name": "last", "type": "sql", "spec": {"id": "db", "sql": "DROP TABLE a"}})
    plan = waiting(workflow_item("many", workflow={"name": "w", "stages": [{"name": "s", "jobs": jobs}]})).plan
    body = row(cards().approval(plan), "1 Many").body
    assert body[1] == Excerpt(ExcerptKind.CODE, ("DROP TABLE a",), "", "sql")
    assert body[-1] == (Text("+5 jobs"),)
    assert len(body) == 16 * 2 + 1


@pytest.mark.parametrize("count", [1, 12, 60, 300])
def test_items_stand_in_their_order_and_what_runs_no_script_is_grouped(count: int) -> None:
    deploys = [{**DEPLOY, "key": f"d{number}", "name": f"D{number}"} for number in range(count)]
    script = workflow_item("run", workflow=job("freestyle", {"script": "true"}))
    card = cards().approval(waiting(*deploys, script, sql("drop", "DROP TABLE a")).plan)
    [section] = [each for each in card.sections if each.title == f"Release items {count + 2}"]
    *before, ran, dropped = section.rows
    assert (ran.title, dropped.title) == (f"{count + 1} Run", f"{count + 2} Drop")
    assert dropped.body[-1] == Excerpt(ExcerptKind.CODE, ("DROP TABLE a",), "", "sql")
    if count > 20:
        [group] = before
        assert group.title == f"1–{count} {count} workflows"
        assert plain(group.line) == f"zadig · live · D0, D1, D2 +{count - 3}"
    else:
        assert [each.title for each in before] == [f"{number + 1} D{number}" for number in range(count)]


def test_no_script_hides_in_a_group() -> None:
    scripts = [workflow_item(f"s{n}", workflow=job("freestyle", {"script": f"echo {n}"})) for n in range(60)]
    card = cards().approval(waiting(*scripts).plan)
    shown = [part.lines for each in card.rows for part in each.body if isinstance(part, Excerpt)]
    assert shown == [(f"echo {n}",) for n in range(60)]
