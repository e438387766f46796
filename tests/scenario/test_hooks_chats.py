"""The wait for an external system, as it is seen in each chat, and the ways out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.scenario.chats.everywhere import APPROVERS, Front, everywhere
from tests.scenario.hooked import endpoint
from tests.scenario.office import stage, step
from tests.simulators.receiver import Receiver

PLANNING = "Waiting for an external system (planning finished) since "
WAY_OUT = "To get out of it: replan or cancel."


@dataclass(frozen=True)
class Waiting(Front):
    """A chat, and the external system that a plan waits for."""

    receiver: Receiver

    async def answer(self, number: int, result: str, **fields: Any) -> None:
        """Let the external system answer a hook, by its number."""
        hooks = await self.receiver.until(lambda: self.receiver.hooks[number - 1 :])
        async with ClientSession() as session:
            status, _ = await self.receiver.call_back(session, self.fabu.url, hooks[0], result, **fields)
        assert status == 200


@pytest.fixture(params=APPROVERS)
async def front(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Waiting]:
    async with Receiver() as receiver:
        hooks = {"endpoints": [endpoint("ci", receiver)], "allow_internal": ["127.0.0.0/8"]}
        async with everywhere(tmp_path, hooks=hooks) as case:
            case.feishu.feishu.rate.limit = 100  # people are slower than this
            yield Waiting(case, request.param, receiver)


async def test_the_card_says_what_is_waited_for_and_how_to_get_out_of_it(front: Waiting) -> None:
    approver = APPROVERS[front.chat]
    await front.fabu.draft(step("notes", assignee=approver), stages=[stage("QA", approver, channel=front.chat)])
    await front.alice.says("submit 1")
    await front.office.channel_card(PLANNING, "until", WAY_OUT)
    await front.answer(1, "executing", description="3 of 7 gates")
    await front.office.channel_card(PLANNING, "3 of 7 gates", WAY_OUT)
    await front.answer(1, "failed", failed_reason="frozen until Monday")
    card = await front.office.channel_card(
        "The external check failed: frozen until Monday. Check again, replan or cancel."
    )

    await front.alice.clicks("Check again", on=card)
    await front.office.channel_card(PLANNING)
    await front.answer(2, "success")
    await front.office.channel_card("waiting for approval")
    await front.approver.clicks("Approve")
    started = "Waiting for an external system (execution starts) since "
    await front.office.channel_card(started, WAY_OUT)
    await front.approver.sees(started)
    await front.answer(3, "success")
    await front.office.channel_card("executing")
    await front.approver.clicks("Done", text="written")
    await front.office.channel_card("Waiting for an external system (all items done) since ", WAY_OUT)
    await front.answer(4, "success")
    await front.office.channel_card("successful")
    assert [hook.event for hook in front.receiver.hooks] == ["finish_planning"] * 2 + ["start_execute", "all_job_done"]
    assert [hook.problems for hook in front.receiver.hooks] == [[]] * 4


@pytest.mark.parametrize("verb", ["Replan", "Cancel plan"])
async def test_a_wait_is_left_by_a_button_of_the_card(front: Waiting, verb: str) -> None:
    await front.fabu.draft(step("notes"))
    await front.alice.says("submit 1")
    card = await front.office.channel_card(PLANNING)
    await front.alice.clicks(verb, on=card)
    await front.office.channel_card("planning" if verb == "Replan" else "cancelled")
    assert await front.fabu.status() == ("planning" if verb == "Replan" else "cancel")
