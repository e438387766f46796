"""Somebody without rights wants a script to run that nobody else approved: every step of it is refused.

The attacker is Erin, who is listed like everybody. What a script that runs can reach is another matter.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from tests.scenario.office import Fabu, Json, opened, script, stage, written_for

OPENAPI = "/openapi/release_plan/v1"


@dataclass(frozen=True)
class Attack:
    """What Erin tries, in a plan of hers whose script would leave loot."""

    fabu: Fabu
    loot: Path

    @property
    def item(self) -> Json:
        return script("steal", f"echo stolen > {self.loot}")

    async def tried(self, method: str, path: str, body: Any = None, by: str = "erin") -> tuple[int, Any]:
        return await self.fabu.request(method, f"/api/v1{path}", body, by=by)

    async def refused(self, verb: str, body: Any = None, *, plan: int = 1, by: str = "erin") -> Json:
        """Try a verb over REST and in the terminal's chat; return REST's answer. Both must be refused."""
        status, answer = await self.tried("POST", f"/plans/{plan}/{verb}", body or {}, by)
        assert status in (403, 409, 422), answer
        typed = verb.rsplit("/", 1)[-1]
        item = " steal" if "/" in verb else ""
        reply = (await self.tried("POST", "/chat", {"text": f"{typed} {plan}{item} for me"}, by))[1]
        assert reply["tone"] == "bad", reply
        refusal: Json = answer
        return refusal

    async def made(self, **fields: Any) -> int:
        """Let Erin write a plan with her script; return its number."""
        return int((await self.fabu.draft(self.item, by="erin", **fields))["number"])


@asynccontextmanager
async def attacked(folder: Path, *policies: Json) -> AsyncIterator[Attack]:
    sections = {
        "approval": {"policies": list(policies)},
        "groups": [{"id": "sre", "members": ["bob", "carol"]}],
    }
    settings = Settings.model_validate(written_for(folder, {}, **sections))
    async with opened(settings) as fabu:
        yield Attack(fabu, folder / "loot")


@pytest.fixture
async def attack(tmp_path: Path) -> AsyncIterator[Attack]:
    """An installation with a policy on what runs on the server."""
    sre = {"name": "SRE", "approvers": ["@sre"], "rule": "any"}
    policy = {"name": "scripts", "reason": "runs on the server", "when": {"runners": ["local"]}, "stages": [sre]}
    async with attacked(tmp_path, policy | {"separate_executor": True}) as found:
        yield found


async def nothing_ran(attack: Attack, number: int) -> None:
    """Check that nothing ran, and that the log, which is in order, knows of no run."""
    assert not attack.loot.exists()
    assert "run_requested" not in await attack.fabu.events(number)


async def test_a_plan_without_approval_is_refused_where_there_is_no_policy_either(tmp_path: Path) -> None:
    async with attacked(tmp_path) as attack:
        number = await attack.made()
        for verb in ("finish", "submit"):
            refusal = await attack.refused(verb, plan=number)
            assert "somebody who did not write this plan must approve it; add a stage" in refusal["message"]
        await attack.refused("items/steal/execute", plan=number)
        await nothing_ran(attack, number)


@pytest.mark.parametrize(
    ("approval", "status"),
    [
        ({"stages": []}, "wait_for_approval"),
        ({"stages": [stage("Me", "erin", channel="native")], "allow_self_approval": True}, "planning"),
        ({"stages": [stage("SRE", "erin", channel="native")], "allow_self_approval": True}, "planning"),
        ({"stages": [stage("SRE", "@sre", rule="any", channel="native")]}, "wait_for_approval"),
    ],
)
async def test_no_plan_of_hers_runs_without_the_vote_of_somebody_else(
    attack: Attack, approval: Json, status: str
) -> None:
    number = await attack.made(approval=approval)
    await attack.tried("POST", f"/plans/{number}/submit", {})
    assert await attack.fabu.status(number) == status
    await attack.refused("approve", plan=number)
    await attack.refused("delegate", {"to": "dave"}, plan=number)
    await attack.refused("items/steal/execute", plan=number)
    await nothing_ran(attack, number)


async def test_no_label_name_runner_or_schedule_leads_around_the_policy(attack: Attack) -> None:
    number = await attack.made(labels=["risky"], schedule_at=datetime.now(UTC).isoformat())
    for changes in (
        {"items": [attack.item | {"labels": ["harmless"], "project": "elsewhere"}]},
        {"checks": [], "labels": ["harmless"], "name": "Harmless"},
        {"approval": {"stages": [], "allow_self_approval": True}},
    ):
        assert (await attack.tried("PATCH", f"/plans/{number}", changes))[0] == 200
    await attack.tried("POST", f"/plans/{number}/submit", {})
    stages = (await attack.fabu.plan(number))["approval"]["stages"]
    assert [(each["name"], each["policy"], each["reason"]) for each in stages] == [
        ("SRE", "scripts", "runs on the server")
    ]
    await attack.refused("items/steal/execute", plan=number)
    await attack.refused("items/steal/skip", {"reason": "no"}, plan=number)
    await nothing_ran(attack, number)


async def test_nothing_is_slipped_into_what_others_approve(attack: Attack) -> None:
    harmless = script("deploy", "true")
    plan = await attack.fabu.draft(harmless, by="alice", collaborators=["erin"])
    await attack.fabu.api("POST", f"/plans/{plan['id']}/submit", {}, by="alice")
    change = {"items": [attack.item]}
    assert (await attack.tried("PATCH", f"/plans/{plan['id']}", change))[0] == 409
    body = {"name": "Payments", "manager": "alice", "jobs": []}
    assert (await attack.fabu.request("PATCH", f"{OPENAPI}/{plan['id']}", body, by="erin"))[0] in (403, 409)
    await attack.fabu.api("POST", f"/plans/{plan['id']}/approve", {}, by="bob")
    assert (await attack.tried("PATCH", f"/plans/{plan['id']}", change))[0] == 409
    await attack.refused("replan")
    await attack.fabu.api("POST", f"/plans/{plan['id']}/replan", {}, by="alice")
    assert (await attack.tried("PATCH", f"/plans/{plan['id']}", change))[0] == 200
    after = await attack.fabu.api("POST", f"/plans/{plan['id']}/submit", {}, by="alice")
    assert after["status"] == "wait_for_approval", "the vote was given to another revision"
    assert await attack.fabu.votes() == []
    await nothing_ran(attack, 1)


async def test_nobody_votes_for_others_nor_gets_a_token_of_theirs(attack: Attack) -> None:
    await attack.fabu.submitted(script("deploy", "true"))
    for person in ("bob", "carol", "dave"):
        status, _ = await attack.tried("POST", "/tokens", {"name": "mine", "person": person})
        assert status == 403
    await attack.refused("approve")
    await attack.refused("reject", {"reason": "no"})
    forged = {"person": "bob", "delegate": "bob"}
    assert (await attack.tried("POST", "/plans/1/approve", forged))[0] in (403, 422)
    assert await attack.fabu.votes() == []
    await nothing_ran(attack, 1)


async def test_who_approved_runs_nothing_and_the_manager_only_what_was_approved(attack: Attack) -> None:
    """The same steps, taken by those who may: so the refusals before are for want of rights."""
    number = await attack.made()
    await attack.fabu.api("POST", f"/plans/{number}/submit", {}, by="erin")
    await attack.fabu.api("POST", f"/plans/{number}/approve", {}, by="bob")
    await attack.refused("items/steal/execute", plan=number, by="bob")
    assert not attack.loot.exists()
    await attack.fabu.api("POST", f"/plans/{number}/items/steal/execute", {}, by="erin")
    await attack.fabu.until_status("success", number)
    assert attack.loot.read_text() == "stolen\n"
