"""Slack is away, slow or busy: decisions are taken all the same, and the cards catch up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.clock import SharedClock
from tests.scenario.chats.slack import CHANNEL, SLACK, User, cards
from tests.scenario.office import Fabu, stage, step
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import is_card, text_of


async def test_a_command_is_answered_while_slack_takes_no_calls(fabu: Fabu, slack: SlackSimulator, bob: User) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    await fabu.until_seen("bob")
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


def refused(error: str) -> dict[str, Any]:
    """Return the fault of a call that Slack answers with an error."""
    return {"status": 200, "body": {"ok": False, "error": error}}


@pytest.mark.parametrize(
    "fault", [refused("expired_trigger_id"), {"status": 429, "retry_after": 30}, {"how": "close"}, {"status": 503}]
)
async def test_a_dialog_that_slack_does_not_open_is_offered_by_a_button(
    fabu: Fabu, slack: SlackSimulator, alice: User, bob: User, fault: dict[str, Any]
) -> None:
    slack.fail("views.open", **fault)
    assert await alice.says("new") == "New release plan"
    await slack.click(alice.id, slack.ephemerals("U1")[-1], "New release plan")
    await alice.fills_in(**{"Name": "Payments 2.4", "Approvers": "bob", "Items, one per line": "Freeze"})
    await alice.hears("Plan #1 “Payments 2.4” is started.")
    await alice.says("submit 1")

    slack.fail("views.open", **fault)
    await slack.click(bob.id, await bob.card_with("Reject"), "Reject")
    [offer] = await bob.until(lambda: slack.ephemerals(bob.id))
    await slack.click(bob.id, offer, "reject")
    await bob.fills_in(text="The freeze is on Friday")
    await fabu.until_status("denied")


async def test_a_dialog_that_is_open_already_is_not_offered_again(
    fabu: Fabu, slack: SlackSimulator, alice: User
) -> None:
    slack.fail("views.open", **refused("exchanged_trigger_id"))
    await slack.slash(alice.id, CHANNEL, "new")
    await alice.until(lambda: slack.calls_to("views.open"))
    await alice.says("list")
    assert len(slack.ephemerals(alice.id)) == 1, "the list alone"


async def test_a_dialog_that_stays_open_for_half_an_hour_is_answered(tmp_path: Path) -> None:
    async with SLACK.office(tmp_path, SharedClock) as case:
        await case.alice.says("new")
        view = await case.alice.until(lambda: case.slack.modal(case.alice.id))
        case.slack.clock.advance(31 * 60)
        await case.slack.submit_view(case.alice.id, view, {"Name": "Payments 2.4"})
        await case.alice.hears("Plan #1 “Payments 2.4” is started.")
        [expired] = case.slack.calls_to("response_url")
        assert expired.answer["error"] == "expired_url"
        case.slack.calls.remove(expired)


async def test_an_answer_is_sent_directly_where_slack_takes_no_other(
    fabu: Fabu, slack: SlackSimulator, bob: User
) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    slack.fail("response_url", status=500)
    slack.fail("chat.postEphemeral", **refused("user_not_in_channel"))
    await slack.click(bob.id, await bob.card_with("Approve"), "Approve")
    await bob.until(lambda: [m for m in slack.dms(bob.id) if "executing" in m.text and not is_card(m)])


async def test_a_mention_is_answered_directly_where_the_thread_takes_nothing(
    fabu: Fabu, slack: SlackSimulator, bob: User
) -> None:
    slack.fail("chat.postMessage", **refused("restricted_action"))
    await bob.writes("me", "C1")
    await bob.hears("“me” is not a command.")
    assert slack.messages("C1") == []
