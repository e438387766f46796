"""Slack is away, slow or busy: decisions are taken all the same, and the cards catch up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario.office import TOLD_OF_SMALL_RELEASE, Fabu, stage, step
from tests.scenario.slack_users import User, cards, thread
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of


@pytest.mark.parametrize("failure", [{"how": "close"}, {"status": 500}, {"status": 429}])
async def test_a_release_goes_on_without_slack_and_shows_afterwards(
    fabu: Fabu, slack: SlackSimulator, bob: User, failure: dict[str, Any]
) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    await bob.card_with("Approve")
    with slack.outage(**{"how": "answer", **failure}):
        await fabu.api("POST", "/plans/1/approve", {}, by="bob")
        await fabu.api("POST", "/plans/1/items/notes/execute", {})
        assert await fabu.status() == "success"
        await bob.until(lambda: slack.calls[-1].fault)
    await bob.until(lambda: all("successful" in text_of(card) for card in cards(slack)))
    told = [*TOLD_OF_SMALL_RELEASE, await fabu.head()]
    await bob.until(lambda: thread(slack) == told)


async def test_a_command_is_answered_while_slack_takes_no_calls(fabu: Fabu, slack: SlackSimulator, bob: User) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    with slack.outage():
        assert "#1 is now: executing" in await bob.types("approve 1")
    await bob.until(lambda: "executing" in "".join(map(text_of, cards(slack))))


async def test_a_busy_channel_is_left_alone_for_as_long_as_slack_asks(
    fabu: Fabu, slack: SlackSimulator, alice: User
) -> None:
    await fabu.submitted(step("notes"), step("announce"))
    [card] = await alice.until(lambda: slack.messages("C1"))
    slack.fail("chat.update", status=429, retry_after=2)
    before = len(slack.calls_to("chat.update"))
    await alice.types("execute 1 notes")
    await alice.types("execute 1 announce")
    await alice.until(lambda: "successful" in text_of(card))
    refused, *after = slack.calls_to("chat.update")[before:]
    assert refused.status == 429
    assert min(call.at for call in after) - refused.at >= 2


async def test_a_call_that_hangs_holds_up_no_decision_and_no_other_plan(
    fabu: Fabu, slack: SlackSimulator, alice: User
) -> None:
    slack.fail("chat.postMessage", how="hang")
    await fabu.submitted(name="Hangs")
    await alice.until(lambda: slack.calls_to("chat.postMessage"))
    await fabu.submitted(name="Goes on")
    assert "successful" in await alice.types("execute 1 notes")
    assert "successful" in await alice.types("execute 2 notes")
    shown = await alice.until(lambda: [m for m in slack.messages("C1") if m.blocks])
    await alice.until(lambda: "#2 Goes on" in text_of(shown[0]) and "successful" in text_of(shown[0]))
    slack.release()
    await alice.until(lambda: [m for m in slack.messages("C1") if "#1 Hangs: successful" in m.text])
