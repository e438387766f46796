"""What is special about Socket Mode."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario.chats.slack import User
from tests.scenario.office import Fabu, stage, step
from tests.simulators.slack import SlackSimulator


@pytest.fixture
def sections() -> dict[str, Any]:
    return {"slack": {"mode": "socket", "signing_secret": ""}}


async def test_mentions_come_over_the_socket_and_nothing_else_does(
    fabu: Fabu, slack: SlackSimulator, alice: User, bob: User
) -> None:
    await fabu.submitted(step("notes"), step("announce"), stages=[stage("QA", "bob")])
    assert "Rejected. #1 is now: rejected." in await bob.clicks("Reject", text="Not today")
    await bob.sees("rejected")  # else the next click may hit this card, which is out of date by then
    await alice.writes("replan 1", channel="C1")
    await fabu.until_status("planning")
    await alice.says("submit 1")
    assert "Approved. #1 is now: executing." in await bob.clicks("Approve")
    await alice.says("execute 1 notes")
    assert "#1 is now: successful." in await alice.says("skip 1 announce not needed")
    assert (await slack.url_verification()).status == 404, "nothing is taken over HTTP"
