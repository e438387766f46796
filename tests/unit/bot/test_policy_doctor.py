"""The check-up of approvals: rules that nobody can satisfy or anybody avoids, and plans that they do not reach."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from adapters.store.migrate import upgrade
from adapters.store.open import open_store
from bot.doctor import check_approval
from config.settings import Settings
from core import commands as c
from tests.adapters import wrong
from tests.contract.store.offices import Office
from tests.worlds import draft, stage, text_item, workflow_item

PEOPLE: Any = [{"id": "alice"}, {"id": "bob"}, {"id": "gone", "active": False}]
GROUPS: Any = [{"id": "sre", "members": ["bob"]}, {"id": "left", "members": ["gone"]}]
SRE = {"name": "SRE", "approvers": ["@sre"]}


def settings(*policies: dict[str, Any], **more: Any) -> Settings:
    named = [{"name": f"p{number}", **policy} for number, policy in enumerate(policies)]
    approval = {"policies": named, **more.pop("approval", {})}
    return Settings.model_validate({"people": PEOPLE, "groups": GROUPS, "approval": approval} | more)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/fabu.db"


async def test_that_no_plan_needs_a_vote_is_named(url: str) -> None:
    (finding,) = await check_approval(settings(database={"url": url}, approval={"required": "none"}))
    assert finding.ok
    assert "approval.required is none" in finding.text
    assert await check_approval(settings(database={"url": url})) == []


async def test_a_policy_that_people_can_satisfy_is_well(url: str) -> None:
    policy = {"when": {"environments": ["prod*"]}, "stages": [SRE], "executors": ["@sre"]}
    (finding,) = await check_approval(settings(policy, database={"url": url}))
    assert (finding.ok, finding.text) == (True, "policies: p0")


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"stages": [{"name": "S", "approvers": ["@left"]}]}, "1 must approve but only 0 can"),
        ({"stages": [{"name": "S", "approvers": ["@sre", "alice"], "rule": 3}]}, "3 must approve but only 2 can"),
        ({"executors": ["@left", "gone"]}, "nobody of these is active: @left, gone"),
        ({"when": {"labels": ["risky"], "names": ["x"]}}, "labels and names alone"),
    ],
)
async def test_a_policy_that_nobody_can_satisfy_or_anybody_can_avoid(url: str, policy: Any, told: str) -> None:
    (found,) = wrong(await check_approval(settings(policy, database={"url": url})))
    assert told in found
    assert "p0" in found


async def test_plans_that_policies_do_not_reach_are_listed(url: str) -> None:
    upgrade(url)
    store = open_store(url, b"secret")
    office = Office(store)
    elsewhere = workflow_item("deploy", workflow={"name": "stored elsewhere"})
    for plan_draft, command in (
        (draft(items=[text_item("notes")]), c.Finish),
        (draft(stage("bob"), items=[workflow_item("deploy")]), c.Submit),
        (draft(items=[elsewhere, workflow_item("other")]), None),
        (draft(items=[elsewhere]), c.Cancel),
    ):
        plan = await office.create(plan_draft)
        if command:
            await office.do(command, plan)
    await store.close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        database.execute("UPDATE plans SET controls = NULL WHERE number = 2")
    on_environments = {"when": {"environments": ["prod*"]}, "stages": [SRE]}
    assert sorted(wrong(await check_approval(settings(on_environments, database={"url": url})))) == [
        "plan #2 was finished by a version without policies, and keeps the approval that it had",
        "plan #3: what item deploy touches cannot be read, so every policy on that fits it",
    ]
    assert len(wrong(await check_approval(settings({"when": {"runners": ["local"]}}, database={"url": url})))) == 1
    none = settings(database={"url": url}, approval={"required": "none"})
    assert all(finding.ok for finding in await check_approval(none)), "there is nothing to put a plan under"
