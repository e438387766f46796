"""What the cards of a plan say and offer at each point of its life, also after a step was taken twice or taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.cards.buttons import Buttons
from bot.cards.naming import shorten
from bot.cards.plan import PlanCards
from bot.cards.states import choose_tone
from bot.i18n import Locale
from core import commands as c
from core.card import Card, Excerpt, Row, Tone, plain
from core.messages import Message
from core.status import HookEvent, PlanStatus, RunStatus
from tests.worlds import PEOPLE, START, World, draft, stage, text_item, waiting_policy, workflow, workflow_item

EN = Locale("en", "UTC")
CARDS = PlanCards(EN, PEOPLE, "https://fabu.example.com")


@pytest.fixture
def world() -> World:
    return World()


def executing(world: World, *items: dict[str, Any], **fields: Any) -> World:
    world.create(draft(items=list(items) or None, **fields))
    world.do(c.Submit)
    return world


def row(world: World, key: str) -> Row:
    """The row of an item on the plan's card."""
    item = world.item(key)
    [found] = [each for each in CARDS.plan(world.plan).rows if each.title == f"{item.position} {item.name}"]
    return found


def said(world: World, key: str) -> str:
    """The state of an item on the plan's card, and what else the row says."""
    shown = row(world, key)
    return " · ".join(part for part in (shown.state.word, plain(shown.line)) if part)


def ask(card: Card) -> list[str]:
    return [plain(each) for each in card.ask]


def offered(world: World, key: str) -> list[str]:
    return [button.label for button in row(world, key).buttons]


def buttons(card: Card) -> list[str]:
    return [button.label for button in card.buttons]


def test_what_an_item_waits_for_is_named_until_it_is_complete(world: World) -> None:
    items = [text_item("a"), workflow_item("b"), text_item("c", needs=["a", "b"])]
    executing(world, *items)
    assert said(world, "c") == "later · after 1–2"
    assert offered(world, "c") == [], "what can be done stands before it"
    assert [each.label for each in Buttons(EN).of_item(world.plan, world.item("c"))] == ["Skip"]
    world.on_item(c.Execute, "a")
    assert said(world, "c") == "later · after 2"
    world.on_item(c.Execute, "b")
    world.report("b", RunStatus.FAILED)
    assert said(world, "c") == "later · after 2", "what failed is not complete"
    world.on_item(c.Skip, "b", reason="by hand")
    assert said(world, "c") == "waits for a person"
    assert offered(world, "c") == ["Done", "Skip"]
    world.on_item(c.Skip, "c", reason="later")
    assert said(world, "c") == "skipped · by Alice · 2026-03-02 09:00 UTC · “later”"
    assert offered(world, "c") == []


def test_an_item_that_was_skipped_does_not_wait_any_more(world: World) -> None:
    executing(world, text_item("a"), text_item("b", needs=["a"]), text_item("c"))
    world.on_item(c.Skip, "b", reason="later")
    assert "after" not in said(world, "b")


def test_a_run_is_shown_while_it_goes_on_and_when_it_failed(world: World) -> None:
    executing(world, workflow_item("a", workflow=workflow("true") | {"params": PARAMS}), text_item("b"))
    spec = "deploy (local) · TARGET=prod · job1"
    assert (row(world, "a").state.mark, said(world, "a")) == ("▶️", f"ready · {spec}")
    assert offered(world, "a") == ["Run", "Skip"]
    world.on_item(c.Execute, "a")
    world.report("a", RunStatus.RUNNING, url="http://run/1", message=Message.verbatim("job1"))
    assert (row(world, "a").state.mark, row(world, "a").url) == ("⏳", "http://run/1")
    assert said(world, "a") == f"running · {spec} · job1"
    assert offered(world, "a") == []
    world.report("a", RunStatus.TIMEOUT, message=Message.verbatim("too slow"))
    assert (row(world, "a").state.mark, said(world, "a")) == ("❌", f"timed out · {spec}")
    [output] = row(world, "a").body
    assert isinstance(output, Excerpt)
    assert output.lines == ("too slow",)
    assert offered(world, "a") == ["Retry", "Skip"]
    world.on_item(c.Retry, "a")
    assert "deploy (local) · attempt 2" in said(world, "a")
    world.report("a", RunStatus.PASSED, message=Message.verbatim("all well"))
    assert said(world, "a") == "done · deploy (local) · attempt 2 · by Alice · 2026-03-02 09:00 UTC"
    assert offered(world, "a") == []


PARAMS = [
    {"name": "TARGET", "type": "string", "value": "prod"},
    {"name": "EMPTY", "type": "string", "value": ""},
    {"name": "KEY", "type": "string", "value": "s3cret", "is_credential": True},
]


def test_a_run_whose_end_is_unknown_is_marked(world: World) -> None:
    executing(world).on_item(c.Execute, "deploy")
    world.report("deploy", RunStatus.UNKNOWN, message=Message("the start was interrupted"))
    assert row(world, "deploy").state.mark == "⚠️"
    assert offered(world, "deploy") == ["Retry", "Skip"]


@pytest.mark.parametrize("approved", [True, False])
def test_a_run_that_waits_is_let_go_on_once_by_approvers_if_there_are_any(world: World, approved: bool) -> None:
    world.create(draft(*([stage("bob")] if approved else [])))
    world.do(c.Submit)
    if approved:
        world.do(c.Approve, "bob")
    world.on_item(c.Execute, "deploy")
    world.report("deploy", RunStatus.WAITING)
    assert offered(world, "deploy") == (["Let it go on"] if approved else [])
    if approved:
        world.on_item(c.Execute, "deploy", "bob")
        assert offered(world, "deploy") == []


def test_nothing_is_offered_before_the_window_opens_and_after_the_plan_has_ended(world: World) -> None:
    executing(world, text_item("a"), window={"start": START + timedelta(hours=1)})
    assert offered(world, "a") == []
    assert ask(CARDS.plan(world.plan)) == ["▫️ 1 later", "The release window opens at 2026-03-02 10:00 UTC."]
    world.wait(hours=1)
    world.do(c.TimerFired, "system", kind="window_start", due_at=world.clock.now())
    assert offered(world, "a") == ["Done", "Skip"]
    assert ask(CARDS.plan(world.plan)) == ["✋ 1 waits for a person"]
    world.do(c.Cancel, reason="not needed")
    assert offered(world, "a") == []
    assert ask(CARDS.plan(world.plan)) == ["Reason: not needed"]


def test_what_the_schedule_started_and_who_is_responsible_are_named(world: World) -> None:
    at = START + timedelta(minutes=1)
    executing(world, workflow_item("a", assignee="dave"), text_item("b"), schedule_at=at)
    assert said(world, "a").endswith(" · Dave")
    world.wait(minutes=1)
    world.do(c.TimerFired, "system", kind="schedule", due_at=at)
    world.report("a", RunStatus.PASSED)
    assert said(world, "a").endswith(" · by schedule · 2026-03-02 09:01 UTC")


def stages(world: World) -> list[tuple[str, str, list[str]]]:
    """The state and name of each stage on the card of an approver, and the votes in it."""
    card = CARDS.approval(world.plan)
    [approval] = [section for section in card.sections if section.title == "Approval"]
    assert approval.folded == (world.plan.status is not PlanStatus.WAIT_FOR_APPROVAL)
    return [
        (
            f"{each.state.mark} {each.state.word}",
            each.title,
            [plain(vote) for vote in each.body if isinstance(vote, tuple)],
        )
        for each in approval.rows
    ]


def test_the_stages_say_how_far_the_approval_has_come(world: World) -> None:
    world.create(draft(stage("bob"), stage("carol", "dave", rule="any", name="Lead")))
    assert stages(world) == [("▫️ later", "QA", []), ("▫️ later", "Lead", [])]
    world.do(c.Submit)
    assert stages(world) == [("🟡 being decided", "QA", []), ("▫️ later", "Lead", [])]
    assert ask(CARDS.approval(world.plan)) == ["Alice asks for your approval · QA"]
    assert ask(CARDS.plan(world.plan)) == ["Waits for QA: Bob · all must approve"]
    assert buttons(CARDS.approval(world.plan)) == ["Approve", "Reject"]
    world.do(c.Approve, "bob", comment="fine")
    bob = ("✅ approved", "QA", ["👍 Bob · approved: fine"])
    assert stages(world) == [bob, ("🟡 being decided", "Lead", [])]
    assert ask(CARDS.plan(world.plan)) == ["Waits for Lead: Carol, Dave · one must approve"]
    world.do(c.Delegate, "carol", to="erin")
    world.do(c.Reject, "erin", reason="red")
    assert stages(world) == [bob, ("❌ rejected", "Lead", ["👎 Erin for Carol · rejected: red"])]
    assert ask(CARDS.plan(world.plan)) == ["Rejected: red. Replan to mend it and ask again."]
    assert buttons(CARDS.approval(world.plan)) == []
    world.do(c.Replan)
    assert stages(world) == [("▫️ later", "QA", []), ("▫️ later", "Lead", [])], "the votes are void"


def test_who_has_decided_is_told_so_and_the_contents_are_closed(world: World) -> None:
    world.create(draft(stage("bob", "carol")))
    world.do(c.Submit)
    world.do(c.Approve, "bob")
    bob, carol = (replace(CARDS, reader=name).approval(world.plan) for name in ("bob", "carol"))
    assert ask(bob) == [
        "You approved revision 1 · 2026-03-02 09:00 UTC", "Waits for QA: Carol · all must approve",
    ]  # fmt: skip
    assert (bob.state.tone, bob.state.word) == (Tone.GOOD, "approved")
    assert all(section.folded for section in bob.sections)
    assert bob.summary == "#1 Release 1: You approved revision 1 · 2026-03-02 09:00 UTC"
    assert (ask(carol), carol.state.tone) == (["Alice asks for your approval · QA"], Tone.WAITING)
    world.do(c.Reject, "carol", reason="red")
    carol = replace(CARDS, reader="carol").approval(world.plan)
    assert ask(carol) == [
        "You rejected revision 1 · 2026-03-02 09:00 UTC",
        "❌ rejected · Rejected: red. Replan to mend it and ask again.",
    ]


def test_a_card_of_an_older_revision_says_which_one_replaces_it(world: World) -> None:
    world.create(draft(stage("bob")))
    card = CARDS.replaced(replace(world.plan, revision=3), 2)
    assert (card.state.word, ask(card), plain(card.foot[0])) == ("replaced", ["Replaced by revision 3."], "revision 2")
    assert (card.summary, card.buttons) == ("#1 Release 1: Replaced by revision 3.", ())


def test_the_notice_of_a_failed_item_says_what_waits_for_it(world: World) -> None:
    executing(world, workflow_item("a"), text_item("b", needs=["a"]), text_item("c"))
    world.on_item(c.Execute, "a")
    world.report("a", RunStatus.FAILED, message=Message.verbatim("\n".join(map(str, range(9)))))
    card = CARDS.notice(world.plan, world.item("a").id)
    assert ask(card) == ["1 A: failed", "🔵 executing, 0 of 3 done · waiting for it: 2 B"]
    assert (card.state.tone, card.summary) == (Tone.BAD, "#1 Release 1: 1 A: failed")
    [shown] = card.rows
    assert [button.label for button in shown.buttons] == ["Retry", "Skip"]
    [output] = shown.body
    assert isinstance(output, Excerpt)
    assert output.lines == ("5", "6", "7", "8")
    world.on_item(c.Skip, "a", reason="by hand")
    assert ask(CARDS.notice(world.plan, world.item("a").id))[0] == "1 A: skipped"
    world.do(c.Cancel, reason="no")
    assert ask(CARDS.notice(world.plan, world.item("a").id))[1].startswith("⚪ cancelled")


def test_a_form_is_opened_by_a_button_that_is_still_there(world: World) -> None:
    executing(world, text_item("a"), text_item("b"))
    plan, item = world.plan, world.item("a")
    form = CARDS.form(plan, "skip", plan.item_ref(item.id))
    assert form is not None
    assert (form.title, form.submit) == ("Skip: A", "Skip")
    assert CARDS.form(plan, "retry", plan.item_ref(item.id)) is None
    assert CARDS.form(plan, "skip", plan.item_ref("none")) is None
    assert CARDS.form(plan, "skip", f"{plan.id}.older.{item.id}") is None
    world.on_item(c.Skip, "a", reason="by hand")
    assert CARDS.form(world.plan, "skip", plan.item_ref(item.id)) is None


CHECKED = waiting_policy(HookEvent.FINISH_PLANNING)


def test_a_check_says_since_when_it_is_waited_for_and_why_it_failed() -> None:
    world = World(CHECKED)
    world.create(draft())
    world.do(c.Finish)
    card = CARDS.plan(world.plan)
    assert ask(card)[0].startswith("Waiting for an external system")
    assert (card.state.tone, buttons(card)) == (Tone.WAITING, ["Replan", "Cancel plan"])
    answer = {"event": HookEvent.FINISH_PLANNING, "instance_code": world.plan.instance_code}
    world.do(c.Callback, "system", **answer, result="executing", description="3 of 9")
    assert ask(CARDS.plan(world.plan))[1] == "3 of 9 To get out of it: replan or cancel."
    world.do(c.Callback, "system", **answer, result="failed", reason="licence missing")
    card = CARDS.plan(world.plan)
    assert ask(card) == ["The external check failed: licence missing. Check again, replan or cancel."]
    assert (card.state.tone, buttons(card)) == (Tone.BAD, ["Check again", "Replan", "Cancel plan"])
    assert buttons(CARDS.notice(world.plan)) == ["Check again", "Replan"]


@pytest.mark.parametrize(("status", "tone"), [
    (PlanStatus.PLANNING, Tone.NEUTRAL), (PlanStatus.WAIT_FOR_APPROVAL, Tone.WAITING),
    (PlanStatus.EXECUTING, Tone.ACTIVE), (PlanStatus.SUCCESS, Tone.GOOD), (PlanStatus.DENIED, Tone.BAD),
    (PlanStatus.TIMEOUT, Tone.BAD), (PlanStatus.CANCEL, Tone.NEUTRAL), (PlanStatus.EXECUTE_CHECK, Tone.WAITING),
    (PlanStatus.EXECUTE_CHECK_FAILED, Tone.BAD),
])  # fmt: skip
def test_the_tone_follows_from_the_status(world: World, status: PlanStatus, tone: Tone) -> None:
    world.create(draft())
    assert choose_tone(replace(world.plan, status=status)) is tone


def test_the_plan_of_another_system_is_replanned_there(world: World) -> None:
    world.create(draft(stage("bob")))
    world.do(c.Submit)
    assert buttons(CARDS.plan(world.plan)) == ["Approve", "Reject", "Replan"]
    world.plan = replace(world.plan, created_by="gate:zadig")
    assert buttons(CARDS.plan(world.plan)) == ["Approve", "Reject"]
    world.do(c.Reject, "bob", reason="no")
    assert ask(CARDS.plan(world.plan))[0].startswith("No: no. The system that asked is told so")


def test_a_plan_that_was_deleted_says_so_and_offers_nothing(world: World) -> None:
    world.create(draft())
    assert buttons(CARDS.plan(world.plan)) == ["Submit", "Cancel plan"]
    world.do(c.Delete)
    card = CARDS.plan(world.plan)
    assert (card.state.word, card.summary) == ("deleted", "#1 Release 1: deleted")
    assert ask(card) == ["This plan was deleted."]
    assert [*buttons(card), *(button for each in card.rows for button in each.buttons)] == []


def test_texts_are_cut_at_their_limits() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
    assert shorten("a  bcd", 4) == "a…"


def test_items_are_in_their_order(world: World) -> None:
    world.create(draft(items=[text_item(key) for key in "cab"]))
    world.plan = replace(world.plan, items=dict(reversed(list(world.plan.items.items()))))
    assert [item.key for item in world.plan.items_in_order] == ["c", "a", "b"]
