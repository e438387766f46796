"""Plans under policies, written by clients of Zadig's OpenAPI, which does not say of a stage whose it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.plan import Stage
from core.policies import ApprovalPolicy, ApprovalRules
from tests.scenario.test_zadig_openapi import BOB, SRE, changed, created, native, shown, text_job
from tests.scenario.zadig_case import Case, Json, case


@pytest.fixture
async def governed(tmp_path: Path) -> AsyncIterator[Case]:
    """Fabu beside Zadig, with a policy that demands the vote of one of SRE, and another that demands Carol's."""
    stages = (Stage("SRE", ("@sre",), "any"), Stage("Carol", ("carol",)))
    policies = tuple(ApprovalPolicy(stage.name, "touches production", stages=(stage,)) for stage in stages)
    async with case(tmp_path) as opened:
        environment = opened.services.engine._environment
        environment.publish(policy=replace(environment.policy, approval=ApprovalRules("none", policies=policies)))
        yield opened


async def stages_of(fabu: Case, plan_id: str) -> list[tuple[str, str]]:
    return [(stage["name"], stage["policy"]) for stage in (await fabu.plan(plan_id))["approval"]["stages"]]


OF_POLICIES = [("SRE", "SRE"), ("Carol", "Carol")]


@pytest.mark.parametrize("own", [None, native(BOB)])
async def test_what_a_client_sends_back_makes_no_policys_stage_the_authors(governed: Case, own: Json | None) -> None:
    plan_id = await created(governed, approval=own)
    await changed(governed, plan_id, approval=own, jobs=[text_job()])
    await governed.do(f"/plans/{plan_id}/finish")
    before = await stages_of(governed, plan_id)
    assert before[-2:] == OF_POLICIES
    sent_back = (await shown(governed, plan_id))["approval"]
    assert (await changed(governed, plan_id, approval=sent_back, jobs=[text_job()]))[0] == 200
    await governed.do(f"/plans/{plan_id}/finish")
    assert await stages_of(governed, plan_id) == before
    await governed.do(f"/plans/{plan_id}/replan")
    assert (await changed(governed, plan_id, approval=sent_back, jobs=[text_job()]))[0] == 200, "shown before"
    await governed.do(f"/plans/{plan_id}/finish")
    assert await stages_of(governed, plan_id) == before


@pytest.mark.parametrize("approval", [None, native({"type": "user", "user_name": "Carol"}, SRE)])
async def test_a_change_takes_no_stage_of_a_policy_away(governed: Case, approval: Json | None) -> None:
    plan_id = await created(governed)
    await changed(governed, plan_id, jobs=[text_job()])
    await governed.do(f"/plans/{plan_id}/finish")
    assert (await changed(governed, plan_id, approval=approval, jobs=[text_job()]))[0] == 200
    await governed.do(f"/plans/{plan_id}/finish")
    assert (await stages_of(governed, plan_id))[-2:] == OF_POLICIES


async def test_a_change_keeps_the_labels_of_items(governed: Case) -> None:
    item = {"key": "look", "name": "look", "type": "text", "labels": ["risky"]}
    plan_id = (await governed.do("/plans", {"name": "Release", "items": [item]}))["id"]
    assert (await changed(governed, plan_id, jobs=[text_job()]))[0] == 200
    assert (await governed.plan(plan_id))["items"][0]["labels"] == ["risky"]
