"""What happens by itself when time passes: reminders, deadlines, windows, schedules."""

from __future__ import annotations

import pytest

from tests.clock import SharedClock
from tests.scenario.chats.slack import User, thread
from tests.scenario.office import Fabu, script, stage, step
from tests.simulators.slack import SlackSimulator
from tests.simulators.slack_reading import text_of


@pytest.fixture
def clock(slack: SlackSimulator) -> SharedClock:
    return SharedClock(slack)


def replies(slack: SlackSimulator, person: User) -> list[str]:
    """Return what was written below the newest card of a person."""
    [*_, card] = person.cards
    return [message.text for message in slack.messages(card.channel, thread=card.ts)]


async def test_those_who_have_not_voted_are_reminded_below_their_cards(
    fabu: Fabu, slack: SlackSimulator, bob: User, carol: User
) -> None:
    await fabu.submitted(stages=[stage("QA", "bob", "carol")], approval={"remind_every": "30m", "expires_in": "2h"})
    assert "Your approval counts." in await carol.clicks("Approve")
    await bob.card_with("Approve")
    slack.clock.advance(1801)
    first = await bob.sees("Waits for your approval", "1h29m left")
    assert bob.offers(first, "Approve")
    slack.clock.advance(3600)
    await bob.sees("Waits for your approval", "29m left")
    await bob.until(lambda: not bob.offers(first, "Approve"))
    assert not any("Waits for your approval" in text_of(card) for card in carol.cards)

    slack.clock.advance(1800)
    await fabu.until_status("timeout")
    await bob.until(lambda: not any(bob.offers(card, "Approve") for card in bob.cards))
    assert any("timed out" in text_of(card) for card in bob.cards)
    await bob.until(lambda: "Nobody decided in time" in thread(slack))


async def test_the_schedule_starts_workflows_and_the_windows_end_ends_the_plan(
    fabu: Fabu, slack: SlackSimulator, clock: SharedClock, alice: User
) -> None:
    items = [step("notes"), script("deploy", "true"), script("verify", "true", needs=["deploy"])]
    window = {"start": clock.in_(hours=1), "end": clock.in_(hours=3)}
    await fabu.submitted(*items, window=window, schedule_at=clock.in_(hours=2))
    assert "The release window is closed: it is open from" in await alice.says("execute 1 notes")
    [card] = await alice.until(lambda: slack.cards("C1"))
    assert "Done" not in text_of(card)

    slack.clock.advance(3601)
    await alice.until(lambda: "Done" in text_of(card))
    slack.clock.advance(3600)
    await alice.until(lambda: "✅ 3 Verify" in text_of(card))
    assert "done · deploy (local) · by schedule" in text_of(card)
    assert await fabu.status() == "executing"
    slack.clock.advance(3601)
    await fabu.until_status("timeout")
    await alice.until(lambda: "Time ran out before the plan was complete. Replan to go on." in text_of(card))
    assert "is closed" not in await alice.says("replan 1")
