"""What the cards of a plan say and offer at each point of its life, also after a step was taken twice or taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.cards.plan import PlanCards, choose_tone, shorten
from bot.i18n import Locale
from core import commands as c
from core.card import Card, Row, Tone
from core.messages import Message
from core.status import HookEvent, PlanStatus, RunStatus
from tests.worlds import PEOPLE, START, World, draft, stage, text_item, waiting_policy, workflow, workflow_item

CARDS = PlanCards(Locale("en", "UTC"), PEOPLE, "https://fabu.example.com")


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
    [found] = [each for each in rows(CARDS.plan(world.plan)) if each.title == f"{item.position}. {item.name}"]
    return found


def rows(card: Card) -> list[Row]:
    return [each for section in card.sections for each in section.rows]


def offered(world: World, key: str) -> list[str]:
    return [button.label for button in row(world, key).buttons]


def buttons(card: Card) -> list[str]:
    return [button.label for button in card.buttons]


def test_what_an_item_waits_for_is_named_until_it_is_complete(world: World) -> None:
    items = [text_item("a"), workflow_item("b"), text_item("c", needs=["a", "b"])]
    executing(world, *items)
    assert row(world, "c").detail == "to do · after: A, B"
    assert offered(world, "c") == ["Skip"]
    world.on_item(c.Execute, "a")
    assert row(world, "c").detail == "to do · after: B"
    world.on_item(c.Execute, "b")
    world.report("b", RunStatus.FAILED)
    assert row(world, "c").detail == "to do · after: B", "what failed is not complete"
    world.on_item(c.Skip, "b", reason="by hand")
    assert row(world, "c").detail == "to do"
    assert offered(world, "c") == ["Done", "Skip"]
    world.on_item(c.Skip, "c", reason="later")
    assert row(world, "c").detail == "skipped · by Alice · “later”"
    assert offered(world, "c") == []


def test_an_item_that_was_skipped_does_not_wait_any_more(world: World) -> None:
    executing(world, text_item("a"), text_item("b", needs=["a"]), text_item("c"))
    world.on_item(c.Skip, "b", reason="later")
    assert "after" not in row(world, "b").detail


def test_a_run_is_shown_while_it_goes_on_and_when_it_failed(world: World) -> None:
    executing(world, workflow_item("a", workflow=workflow("true") | {"params": PARAMS}), text_item("b"))
    spec = "deploy (local) · TARGET=prod · job1"
    assert (row(world, "a").mark, row(world, "a").detail) == ("▫️", f"to do · {spec}")
    assert offered(world, "a") == ["Execute", "Skip"]
    world.on_item(c.Execute, "a")
    world.report("a", RunStatus.RUNNING, url="http://run/1", message=Message.verbatim("job1"))
    assert (row(world, "a").mark, row(world, "a").url) == ("⏳", "http://run/1")
    assert row(world, "a").detail == f"running · {spec} · job1"
    assert offered(world, "a") == []
    world.report("a", RunStatus.TIMEOUT, message=Message.verbatim("too slow"))
    assert (row(world, "a").mark, row(world, "a").detail) == ("❌", f"timed out · {spec} · too slow")
    assert offered(world, "a") == ["Retry", "Skip"]
    world.on_item(c.Retry, "a")
    assert "deploy (local) #2" in row(world, "a").detail
    world.report("a", RunStatus.PASSED, message=Message.verbatim("all well"))
    assert row(world, "a").detail == f"done · {spec.replace('(local)', '(local) #2')} · by Alice"
    assert offered(world, "a") == []


PARAMS = [
    {"name": "TARGET", "type": "string", "value": "prod"},
    {"name": "EMPTY", "type": "string", "value": ""},
    {"name": "KEY", "type": "string", "value": "s3cret", "is_credential": True},
]


def test_a_run_whose_end_is_unknown_is_marked(world: World) -> None:
    executing(world).on_item(c.Execute, "deploy")
    world.report("deploy", RunStatus.UNKNOWN, message=Message("the start was interrupted"))
    assert row(world, "deploy").mark == "⚠️"
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
    assert CARDS.plan(world.plan).note == "The release window opens at 2026-03-02 10:00 UTC."
    world.wait(hours=1)
    world.do(c.TimerFired, "system", kind="window_start", due_at=world.clock.now())
    assert offered(world, "a") == ["Done", "Skip"]
    assert CARDS.plan(world.plan).note == ""
    world.do(c.Cancel, reason="not needed")
    assert offered(world, "a") == []
    assert CARDS.plan(world.plan).note == "Reason: not needed"


def test_what_the_schedule_started_and_who_is_responsible_are_named(world: World) -> None:
    at = START + timedelta(minutes=1)
    executing(world, workflow_item("a", assignee="dave"), text_item("b"), schedule_at=at)
    assert row(world, "a").detail.endswith(" · @Dave")
    world.wait(minutes=1)
    world.do(c.TimerFired, "system", kind="schedule", due_at=at)
    world.report("a", RunStatus.PASSED)
    assert row(world, "a").detail.endswith(" · @Dave · by schedule")


def marks(world: World) -> list[tuple[str, str]]:
    """The marks and titles of the approval on the card of an approver."""
    card = CARDS.approval(world.plan)
    [approval] = [section for section in card.sections if section.heading == "Approval"]
    return [(each.mark, each.title) for each in approval.rows]


def test_the_stages_say_how_far_the_approval_has_come(world: World) -> None:
    world.create(draft(stage("bob"), stage("carol", "dave", rule="any", name="Lead")))
    assert marks(world) == [("▫️", "QA"), ("▫️", "Lead")]
    world.do(c.Submit)
    assert marks(world) == [("⏳", "QA"), ("▫️", "Lead")]
    assert buttons(CARDS.approval(world.plan)) == ["Approve", "Reject"]
    world.do(c.Approve, "bob", comment="fine")
    assert marks(world) == [("✅", "QA"), ("👍", "Bob"), ("⏳", "Lead")]
    world.do(c.Delegate, "carol", to="erin")
    world.do(c.Reject, "erin", reason="red")
    assert marks(world) == [("✅", "QA"), ("👍", "Bob"), ("▫️", "Lead"), ("👎", "Erin for Carol")]
    details = [each.detail for each in rows(CARDS.approval(world.plan)) if each.mark in ("👍", "👎")]
    assert details == ["approved: fine", "rejected: red"]
    assert CARDS.plan(world.plan).note == "Rejected: red. Replan to mend it and ask again."
    assert buttons(CARDS.approval(world.plan)) == []
    world.do(c.Replan)
    assert marks(world) == [("▫️", "QA"), ("▫️", "Lead")], "the votes are void"


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
    assert card.note.startswith("Waiting for an external system")
    assert (card.tone, buttons(card)) == (Tone.WAITING, ["Replan", "Cancel plan"])
    answer = {"event": HookEvent.FINISH_PLANNING, "instance_code": world.plan.instance_code}
    world.do(c.Callback, "system", **answer, result="executing", description="3 of 9")
    assert "3 of 9 To get out of it" in CARDS.plan(world.plan).note
    world.do(c.Callback, "system", **answer, result="failed", reason="licence missing")
    card = CARDS.plan(world.plan)
    assert card.note == "The external check failed: licence missing. Check again, replan or cancel."
    assert (card.tone, buttons(card)) == (Tone.BAD, ["Check again", "Replan", "Cancel plan"])
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
    assert CARDS.plan(world.plan).note.startswith("No: no. The system that asked is told so")


def test_a_plan_that_was_deleted_says_so_and_offers_nothing(world: World) -> None:
    world.create(draft())
    assert buttons(CARDS.plan(world.plan)) == ["Submit", "Cancel plan"]
    world.do(c.Delete)
    card = CARDS.plan(world.plan)
    assert (card.tag, card.summary, card.note) == ("deleted", "#1 Release 1: deleted", "This plan was deleted.")
    assert [*buttons(card), *(button for each in rows(card) for button in each.buttons)] == []


def test_texts_are_cut_at_their_limits() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
    assert shorten("a  bcd", 4) == "a…"


def test_items_are_in_their_order(world: World) -> None:
    world.create(draft(items=[text_item(key) for key in "cab"]))
    world.plan = replace(world.plan, items=dict(reversed(list(world.plan.items.items()))))
    assert [item.key for item in world.plan.items_in_order] == ["c", "a", "b"]
