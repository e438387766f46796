"""A chat is away, slow or busy: decisions are taken all the same, and the cards catch up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario.chats.vocabulary import Office, Vendor
from tests.scenario.office import LINES_OF_SMALL_RELEASE


@pytest.mark.parametrize("failure", [{"how": "close"}, {"status": 500}, {"status": 429}])
async def test_a_release_goes_on_without_the_chat_and_shows_afterwards(
    office: Office[Any, Any], vendor: Vendor[Any, Any], failure: dict[str, Any]
) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(stages=[vendor.stage("QA", "bob")])
    await office.channel_card("waiting for approval")
    await bob.card_with("Approve")
    with bob.simulator.outage(**{"how": "answer", **failure}):
        await fabu.api("POST", "/plans/1/approve", {}, by="bob")
        await fabu.api("POST", "/plans/1/items/notes/execute", {})
        assert await fabu.status() == "success"
        await bob.until(lambda: bob.simulator.calls[-1].fault)
    await office.until_all_cards_show("successful")
    lines = vendor.lines(*LINES_OF_SMALL_RELEASE, await fabu.head())
    await bob.until(lambda: office.thread()[-1:] == lines[-1:])
    assert office.thread() == lines


async def test_a_call_that_hangs_holds_up_no_decision_and_no_other_plan(
    office: Office[Any, Any], vendor: Vendor[Any, Any]
) -> None:
    alice = office.alice
    alice.simulator.fail(vendor.posting, how="hang")
    await office.fabu.submitted(name="Hangs")
    await alice.until(lambda: alice.simulator.calls_to(vendor.posting))
    await office.fabu.submitted(name="Goes on")
    for number in (1, 2):
        assert "successful" in await alice.says(f"execute {number} notes")
    await office.channel_card("#2 Goes on", "successful")
    alice.simulator.release()
    await office.channel_card("#1 Hangs", "successful")
