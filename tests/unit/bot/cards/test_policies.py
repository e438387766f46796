"""What cards and the log say of policies: why a stage is there, and who alone may execute."""

from __future__ import annotations

from typing import Any

import pytest

from bot.cards.plan import PlanCards
from bot.cards.sentences import render_entry
from bot.i18n import Locale
from core import commands as c
from core.audit import entries_for
from core.card import plain
from core.people import SYSTEM
from core.plan import Confirmation, Stage
from core.policies import ApprovalPolicy, ApprovalRules
from tests.worlds import PEOPLE, START, World, draft, stage, with_rules

SRE, LEAD = Stage("SRE", ("@sre",), "any"), Stage("Lead", ("bob",))
EN, ZH = Locale("en", "UTC"), Locale("zh_CN", "UTC")


def under(**policy: Any) -> World:
    rules = ApprovalPolicy("production", "touches production", **policy), ApprovalPolicy("second", stages=(LEAD,))
    world = World(with_rules(ApprovalRules(policies=rules)))
    world.create(draft(stage("erin", name="Mine")))
    world.do(c.Submit)
    return world


def details(world: World, locale: Locale) -> dict[str, str]:
    """What the approval card says of the stages, by their titles."""
    card = PlanCards(locale, PEOPLE, "https://fabu.example.com").approval(world.plan)
    return {row.title: plain(row.line) for row in card.rows}


def test_a_stage_says_why_a_policy_added_it() -> None:
    world = under(stages=(SRE,))
    shown = details(world, EN)
    assert shown["Mine"] == "Erin · all must approve"
    assert shown["SRE"] == "@sre · one must approve · because: touches production"
    assert shown["Lead"] == "Bob · all must approve · by the policy second"
    assert details(world, ZH)["SRE"].endswith("原因：touches production")


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        ({}, None),
        ({"executors": ("@sre", "bob")}, "@sre, Bob"),
        ({"executors": ("@sre",), "separate_executor": True}, "@sre; not who approved"),
        ({"separate_executor": True}, "not who approved"),
    ],
)
def test_a_card_says_who_alone_may_execute(policy: dict[str, Any], shown: str | None) -> None:
    cards = PlanCards(EN, PEOPLE, "https://fabu.example.com")
    foot = [plain(each) for each in cards.plan(under(**policy).plan).foot]
    assert [each for each in foot if each.startswith("executors")] == ([f"executors: {shown}"] if shown else [])


def test_votes_that_count_on_the_page_alone_are_led_there() -> None:
    plan = under(confirm=Confirmation.PAGE).plan
    card = PlanCards(EN, PEOPLE, "https://fabu.example.com").approval(plan)
    assert [(button.verb, button.url) for button in card.buttons] == [("open", "https://fabu.example.com/plans/1")]
    page = PlanCards(EN, PEOPLE, "https://fabu.example.com", "bob", is_page=True).plan(plan)
    assert {"approve", "reject"} <= {button.verb for button in page.buttons}


def test_the_log_says_which_policies_were_applied_and_why() -> None:
    world = World(with_rules(ApprovalRules(policies=(ApprovalPolicy("production", "touches production"),))))
    world.create(draft(stage("bob")))
    world.do(c.Finish)
    events = [event for event in world.last.events if event.name == "finished"]
    (entry,) = entries_for(world.plan.id, 0, "", events, SYSTEM, START, b"key")
    assert "production (touches production)" in render_entry(entry, world.plan, EN, PEOPLE)
