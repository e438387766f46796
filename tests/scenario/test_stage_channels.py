"""A plan is submitted only when its stages can be decided: in channels that are enabled, by people who are there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import load_settings
from core.plan import Channel
from tests.scenario.chats.slack import KNOWN
from tests.scenario.office import Fabu, Json, opened, stage

CONFIG = Path(__file__).parents[2] / "config"


@pytest.fixture
def people() -> Mapping[str, Json]:
    """Erin has no account in Slack, and no e-mail address by which one could be found."""
    return {**KNOWN, "erin": {}}


async def submit(fabu: Fabu, *stages: Json) -> tuple[int, Any]:
    """Draft a plan and submit it; return the status of the answer, and its problems by path."""
    plan = await fabu.draft(stages=list(stages))
    status, answer = await fabu.request("POST", f"/api/v1/plans/{plan['id']}/submit", {}, by="alice")
    return status, {problem["path"]: problem["message"] for problem in answer.get("params", {}).get("problems", ())}


@pytest.mark.parametrize("channel", [channel for channel in Channel if channel not in (Channel.NATIVE, Channel.SLACK)])
async def test_a_stage_in_a_chat_that_is_not_enabled_is_refused(fabu: Fabu, channel: Channel) -> None:
    status, problems = await submit(fabu, stage("QA", "bob"), stage("SRE", "carol", channel=channel))
    assert (status, problems) == (
        422,
        {
            "approval.stages[1].channel": f"{channel} is not enabled in the settings; "
            "fill in its section there, or choose one of: native, slack"
        },
    )
    assert await fabu.status() == "planning"


async def test_approvers_without_an_account_in_the_chat_are_refused(fabu: Fabu) -> None:
    status, problems = await submit(fabu, stage("SRE", "carol", "erin"))
    assert (status, list(problems)) == (422, ["approval.stages[0].approvers"])
    assert problems["approval.stages[0].approvers"].startswith("erin: no account in slack is known")
    assert (await submit(fabu, stage("SRE", "carol", "erin", rule="any")))[0] == 200, "one who can decide is enough"
    assert (await submit(fabu, stage("SRE", "erin", channel="native")))[0] == 200, "native needs no account"


async def test_the_sample_plan_works_with_the_sample_settings(tmp_path: Path) -> None:
    sample = load_settings(CONFIG / "fabu.toml")
    database = sample.database.model_copy(update={"url": f"sqlite:///{tmp_path}/fabu.db"})
    content = yaml.safe_load((CONFIG / "example_plan.yaml").read_text(encoding="utf-8"))
    async with opened(sample.model_copy(update={"database": database})) as fabu:
        plan = await fabu.api("POST", "/plans", content)
        await fabu.api("POST", f"/plans/{plan['id']}/submit", {})
        assert await fabu.status() == "wait_for_approval"
