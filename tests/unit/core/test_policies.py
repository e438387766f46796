"""Which plans a policy fits, and what the policies that fit demand together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.draft import PlanDraft
from core.plan import Confirmation, Stage
from core.policies import ApprovalPolicy, ApprovalRules, Condition, fitting_items
from tests.worlds import draft, stage, text_item, workflow_item

SRE = Stage("SRE", ("@sre",), "any")
QA = Stage("QA", ("bob",))


def job(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"name": "w", "stages": [{"name": "s", "jobs": [{"name": "job", "type": kind, "spec": spec}]}]}


def deploying(env: str, **fields: Any) -> dict[str, Any]:
    return workflow_item("deploy", runner="zadig", project="shop", workflow=job("zadig-deploy", {"env": env}), **fields)


def plan(*items: dict[str, Any], **fields: Any) -> PlanDraft:
    return draft(items=list(items), **fields)


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({}, True),
        ({"environments": ("prod*",)}, True),
        ({"environments": ("PROD-?U",)}, True),
        ({"environments": ("staging", "prod-eu")}, True),
        ({"environments": ("staging",)}, False),
        ({"environments": ("prod",)}, False),
        ({"runners": ("zadig",), "projects": ("shop",), "job_types": ("zadig-*",)}, True),
        ({"runners": ("local",)}, False),
        ({"projects": ("warehouse",)}, False),
        ({"job_types": ("sql",)}, False),
        ({"databases": ("*",)}, False),
        ({"names": ("release*",)}, True),
        ({"names": ("hotfix*",)}, False),
        ({"labels": ("risky",)}, True),
        ({"labels": ("of-the-plan",)}, True),
        ({"labels": ("other",)}, False),
        ({"labels": ("risky",), "environments": ("staging",)}, False),
    ],
)
def test_all_keys_must_fit_the_same_item(when: dict[str, Any], fits: bool) -> None:
    release = plan(deploying("prod-eu", labels=["risky"]), labels=["of-the-plan"])
    assert bool(fitting_items(Condition(**when), release)) is fits


def test_keys_that_fit_different_items_do_not_make_a_policy_fit() -> None:
    release = plan(deploying("staging"), workflow_item("query", workflow=job("sql", {"id": "prod"})))
    assert fitting_items(Condition(environments=("staging",)), release) == ["deploy"]
    assert fitting_items(Condition(databases=("prod",)), release) == ["query"]
    assert fitting_items(Condition(environments=("staging",), databases=("prod",)), release) == []


@pytest.mark.parametrize("key", ["runners", "projects", "environments", "job_types", "databases"])
def test_a_text_item_fits_no_condition_on_workflows(key: str) -> None:
    assert fitting_items(Condition(**{key: ("*",)}), plan(text_item("notes"))) == []
    assert fitting_items(Condition(), plan(text_item("notes"))) == ["notes"]


def test_what_cannot_be_read_fits() -> None:
    unknown = workflow_item("unknown", runner="zadig", workflow={"name": "stored in Zadig"})
    for when in (Condition(environments=("prod",)), Condition(job_types=("sql",)), Condition(databases=("shop",))):
        assert fitting_items(when, plan(unknown)) == ["unknown"]
    assert fitting_items(Condition(projects=("shop",)), plan(unknown)) == []


def test_a_condition_on_the_authors_own_words_is_known_as_such() -> None:
    assert Condition(labels=("risky",), names=("x",)).needs_only_words
    assert not Condition(labels=("risky",), runners=("local",)).needs_only_words
    assert not Condition().needs_only_words


def test_the_stages_of_policies_follow_those_of_the_author_and_identical_ones_stand_once() -> None:
    rules = ApprovalRules(
        policies=(
            ApprovalPolicy("production", "touches production", stages=(QA, SRE)),
            ApprovalPolicy("again", "is Friday", stages=(SRE, Stage("Lead", ("erin",)))),
            ApprovalPolicy("elsewhere", when=Condition(environments=("elsewhere",)), stages=(Stage("No", ("erin",)),)),
        )
    )
    found = rules.stages(plan(deploying("prod"), approval={"stages": [stage("bob"), stage("carol", name="Mine")]}))
    assert [(each.name, each.policy, each.reason) for each in found] == [
        ("QA", "", ""),
        ("Mine", "", ""),
        ("SRE", "production", "touches production"),
        ("Lead", "again", "is Friday"),
    ]


def test_a_weaker_stage_of_the_same_name_does_not_replace_that_of_a_policy() -> None:
    rules = ApprovalRules(policies=(ApprovalPolicy("p", stages=(Stage("SRE", ("@sre",), "all"),)),))
    weaker = plan(deploying("prod"), approval={"stages": [stage("@sre", rule="any", name="SRE")]})
    assert [(each.rule, each.policy) for each in rules.stages(weaker)] == [("any", ""), ("all", "p")]


def test_the_strictest_of_all_policies_counts() -> None:
    rules = ApprovalRules(
        policies=(
            ApprovalPolicy("a", "first", executors=("@sre",), max_window=timedelta(hours=4)),
            ApprovalPolicy("b", confirm=Confirmation.PAGE, executors=("carol",), max_window=timedelta(hours=2)),
            ApprovalPolicy("c", separate_executor=True),
        )
    )
    found = rules.controls(plan(deploying("prod")), ["erin"])
    assert [(each.name, each.reason) for each in found.policies] == [("a", "first"), ("b", ""), ("c", "")]
    assert found.executors == (("@sre",), ("carol",))
    assert (found.separate_executor, found.confirm) == (True, Confirmation.PAGE)
    assert found.max_window == timedelta(hours=2)


def test_nobody_who_wrote_the_plan_counts_unless_both_the_settings_and_the_plan_say_so() -> None:
    allowing = plan(text_item("a"), approval={"stages": [], "allow_self_approval": True})
    assert ApprovalRules().controls(allowing, ["bob", "alice"]).excluded == ("alice", "bob")
    assert ApprovalRules(self_approval=True).controls(allowing, ["bob"]).excluded == ()
    assert ApprovalRules(self_approval=True).controls(plan(text_item("a")), ["bob"]).excluded == ("alice", "bob")


@pytest.mark.parametrize(
    ("required", "text", "workflow"), [("none", False, False), ("workflow", False, True), ("all", True, True)]
)
def test_which_plans_need_a_vote(required: Any, text: bool, workflow: bool) -> None:
    rules = ApprovalRules(required)
    assert rules.requires_vote(plan(text_item("a"))) is text
    assert rules.requires_vote(plan(text_item("a"), workflow_item("b"))) is workflow
