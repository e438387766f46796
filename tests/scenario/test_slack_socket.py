"""The same over Socket Mode."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario.office import Fabu, stage, step
from tests.scenario.slack_users import User
from tests.simulators.slack import SlackSimulator


@pytest.fixture
def sections() -> dict[str, Any]:
    return {"slack": {"mode": "socket", "signing_secret": ""}}


async def test_clicks_modals_commands_and_mentions_over_the_socket(
    fabu: Fabu, slack: SlackSimulator, alice: User, bob: User
) -> None:
    await fabu.draft(step("notes"), step("announce"), stages=[stage("QA", "bob")])
    assert "waiting for approval" in await alice.types("submit 1")
    await bob.clicks("Reject")
    await bob.fills_in(text="Not today")
    await bob.hears("Rejected. #1 is now: rejected.")
    await bob.sees("rejected")  # else the next click may hit this card, which is out of date by then
    await alice.says("replan 1", channel="C1")
    await fabu.until_status("planning")
    await alice.types("submit 1")
    await bob.clicks("Approve")
    await bob.hears("Approved. #1 is now: executing.")
    await alice.types("execute 1 notes")
    assert "#1 is now: successful." in await alice.types("skip 1 announce not needed")
    assert (await slack.url_verification()).status == 404, "nothing is taken over HTTP"
