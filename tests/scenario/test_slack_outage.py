"""Slack is away, slow or busy: decisions are taken all the same, and the cards catch up."""

from __future__ import annotations

from tests.scenario.chats.slack import User, cards
from tests.scenario.office import Fabu, stage, step
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of


async def test_a_command_is_answered_while_slack_takes_no_calls(fabu: Fabu, slack: SlackSimulator, bob: User) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    with slack.outage():
        assert "#1 is now: executing" in await bob.says("approve 1")
    await bob.until(lambda: "executing" in "".join(map(text_of, cards(slack))))


async def test_a_busy_channel_is_left_alone_for_as_long_as_slack_asks(
    fabu: Fabu, slack: SlackSimulator, alice: User
) -> None:
    await fabu.submitted(step("notes"), step("announce"))
    [card] = await alice.until(lambda: slack.cards("C1"))
    slack.fail("chat.update", status=429, retry_after=2)
    before = len(slack.calls_to("chat.update"))
    await alice.says("execute 1 notes")
    await alice.says("execute 1 announce")
    await alice.until(lambda: "successful" in text_of(card))
    refused, *after = slack.calls_to("chat.update")[before:]
    assert refused.status == 429
    assert min(call.at for call in after) - refused.at >= 2
