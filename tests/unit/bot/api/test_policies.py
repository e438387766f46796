"""What policies demand of a plan stays, in whatever way it is written, and is told before it is submitted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import yaml

from bot.cli.planfile import as_yaml, changes
from core.plan import Stage
from core.policies import ApprovalPolicy, ApprovalRules
from tests.unit.bot.api.serving import Site, draft, site
from tests.worlds import stage

SRE, LEAD = Stage("SRE", ("@sre",), "all"), Stage("Lead", ("bob",))
RULES = ApprovalRules(
    policies=(ApprovalPolicy("production", "touches production", stages=(SRE,)), ApprovalPolicy("b", stages=(LEAD,)))
)
WEAKER = {"stages": [stage("erin", name="Lead"), stage("carol", rule="any", name="SRE")]}


@pytest.fixture
async def fabu() -> AsyncIterator[Site]:
    async with site(approval=RULES) as running:
        yield running


async def finished(fabu: Site, plan: dict[str, Any]) -> list[dict[str, Any]]:
    answered = await fabu.ask("POST", f"/plans/{plan['id']}/finish")
    assert answered.status == 200, answered.json
    stages: list[dict[str, Any]] = answered.json["approval"]["stages"]
    return stages


async def _as_it_is(fabu: Site, plan: dict[str, Any]) -> dict[str, Any]:
    return plan


async def _weakened(fabu: Site, plan: dict[str, Any], by: str = "alice") -> dict[str, Any]:
    changed: dict[str, Any] = (await fabu.ask("PATCH", f"/plans/{plan['id']}", {"approval": WEAKER}, by=by)).json
    return changed


async def _by_an_administrator(fabu: Site, plan: dict[str, Any]) -> dict[str, Any]:
    return await _weakened(fabu, plan, "root")


async def _copied(fabu: Site, plan: dict[str, Any]) -> dict[str, Any]:
    await finished(fabu, plan)
    copy: dict[str, Any] = (await fabu.ask("POST", f"/plans/{plan['id']}/copy", {})).json
    return copy


async def _from_its_own_file(fabu: Site, plan: dict[str, Any]) -> dict[str, Any]:
    """Write a finished plan as a file, and make another plan of the file."""
    await finished(fabu, plan)
    written = as_yaml((await fabu.ask("GET", f"/plans/{plan['id']}")).json)
    document = {name: value for name, value in yaml.safe_load(written).items() if name != "number"}
    made: dict[str, Any] = (await fabu.ask("POST", "/plans", document)).json
    return made


async def _replanned(fabu: Site, plan: dict[str, Any]) -> dict[str, Any]:
    await finished(fabu, plan)
    await fabu.ask("POST", f"/plans/{plan['id']}/replan")
    return await _weakened(fabu, plan)


@pytest.mark.parametrize("write", [_as_it_is, _weakened, _by_an_administrator, _copied, _from_its_own_file, _replanned])
async def test_the_stages_of_policies_follow_the_authors_whatever_is_written(
    fabu: Site, write: Callable[[Site, dict[str, Any]], Awaitable[dict[str, Any]]]
) -> None:
    stages = await finished(fabu, await write(fabu, await fabu.plan(approval={"stages": [stage("erin")]})))
    assert [each["policy"] for each in stages[:-2]] == [""] * (len(stages) - 2)
    assert len(stages) == (4 if write in (_weakened, _by_an_administrator, _replanned) else 3)
    assert [(each["name"], each["approvers"], each["rule"], each["policy"]) for each in stages[-2:]] == [
        ("SRE", ["@sre"], "all", "production"),
        ("Lead", ["bob"], "all", "b"),
    ]


@pytest.mark.parametrize("by", ["alice", "root"])
async def test_nobody_edits_a_plan_that_has_the_stages_of_its_policies(fabu: Site, by: str) -> None:
    plan = await fabu.plan()
    await finished(fabu, plan)
    refused = await fabu.ask("PATCH", f"/plans/{plan['id']}", {"approval": {"stages": []}}, by=by)
    assert (refused.status, refused.json["code"]) == (409, "wrong_status")


async def test_a_plan_names_no_policy_by_itself(fabu: Site) -> None:
    plan = await fabu.plan()
    for own in ({"policy": "production"}, {"reason": "it is fine"}):
        refused = await fabu.ask("PATCH", f"/plans/{plan['id']}", {"approval": {"stages": [stage("bob") | own]}})
        assert refused.status == 422, refused.json


async def test_a_plan_file_does_not_differ_by_the_stages_of_policies(fabu: Site) -> None:
    plan = await fabu.plan(approval={"stages": [stage("erin")]})
    own = yaml.safe_load(as_yaml(plan))
    del own["number"]
    await finished(fabu, plan)
    assert changes(own, (await fabu.ask("GET", f"/plans/{plan['id']}")).json) == []


async def test_policies_are_listed_in_their_order(fabu: Site) -> None:
    answered = await fabu.ask("GET", "/policies", by="erin")
    assert (answered.json["required"], answered.json["self_approval"]) == ("workflow", False)
    first, second = answered.json["policies"]
    assert (first["name"], first["reason"], second["name"]) == ("production", "touches production", "b")
    assert first["stages"] == [{"name": "SRE", "approvers": ["@sre"], "rule": "all", "channel": "native"}]
    assert all(patterns == [] for patterns in first["when"].values())


async def test_what_would_come_of_a_draft_is_told_and_nothing_made(fabu: Site) -> None:
    answered = await fabu.ask("POST", "/plans/check", draft(manager="nobody"), by="erin")
    assert answered.status == 200
    assert [problem["path"] for problem in answered.json["problems"]] == ["manager"]
    assert [(each["name"], each["reason"], each["items"]) for each in answered.json["policies"]] == [
        ("production", "touches production", ["notes", "deploy"]),
        ("b", "", ["notes", "deploy"]),
    ]
    assert answered.json["forecast"] == []
    assert (await fabu.ask("GET", "/plans")).json["items"] == []


async def test_a_draft_is_read_as_strictly_as_a_plan(fabu: Site) -> None:
    for path in ("/plans", "/plans/check"):
        refused = await fabu.ask("POST", path, draft(colour="red"))
        assert (refused.status, refused.json["params"]["problems"][0]["path"]) == (422, "colour")


async def test_what_would_come_of_a_plan_is_told_to_every_reader(fabu: Site) -> None:
    plan = await fabu.plan()
    answered = await fabu.ask("POST", f"/plans/{plan['id']}/check", by="bob")
    assert (answered.status, answered.json["problems"], len(answered.json["policies"])) == (200, [], 2)
    changed = await fabu.ask("POST", f"/plans/{plan['id']}/check", {"items": []}, by="bob", Accept_Language="zh")
    assert changed.json["problems"][0]["path"] == "items"
    assert (await fabu.ask("GET", f"/plans/{plan['id']}")).json == plan
    assert (await fabu.ask("POST", "/plans/99/check")).status == 404
