"""A card that is no longer true says so, and one that the chat no longer changes is replaced."""

from __future__ import annotations

import re
from typing import Any

from tests.scenario.chats.vocabulary import Office, Vendor
from tests.scenario.office import Json, step
from tests.waiting import eventually

UPDATING = {"slack": "chat.update", "feishu": "im.message.patch", "dingtalk": "card.update"}
REFUSALS: dict[str, Json] = {
    "slack": {"status": 200, "body": {"ok": False, "error": "restricted_action"}},
    "feishu": {"status": 400, "body": {"code": 230027, "msg": "Lack of necessary permissions."}},
    "dingtalk": {"status": 403, "body": {"code": "Forbidden.AccessDenied", "message": "no right"}},
}


async def test_a_card_of_an_older_revision_says_which_one_replaces_it(
    office: Office[Any, Any], vendor: Vendor[Any, Any]
) -> None:
    fabu, bob = office.fabu, office.bob
    await fabu.submitted(stages=[vendor.stage("QA", "bob")])
    old = await bob.card_with("Approve")
    await fabu.api("POST", "/plans/1/replan", {"reason": "wrong tag"})
    await fabu.api("POST", "/plans/1/submit", {})
    await bob.until(lambda: len(bob.cards) == 2)
    new = await bob.card_with("Approve")
    assert re.search(r"revision\W+2\b", bob.read(new))
    await bob.until(lambda: bob.shows(old, "Replaced by revision 2."))
    assert not bob.offers(old, "Approve")
    assert not bob.shows(old, "waiting for approval")
    await bob.clicks("Approve", on=new)
    await office.channel_card("executing")
    assert bob.shows(old, "Replaced by revision 2.")


async def test_the_card_of_a_plan_that_was_deleted_says_so_and_is_answered_in_words(
    office: Office[Any, Any], vendor: Vendor[Any, Any]
) -> None:
    fabu, alice = office.fabu, office.alice
    await fabu.submitted()
    await office.channel_card("executing")  # before that, the plan is a draft again, which has no card
    await fabu.api("POST", "/plans/1/replan", {"reason": "wrong tag"})
    card = await office.channel_card("planning")
    await fabu.api("DELETE", "/plans/1")
    await alice.until(lambda: alice.shows(card, "This plan was deleted."))
    assert not alice.offers(card, "Submit")
    assert not alice.offers(card, "Cancel plan")
    assert "There is no plan 1." in await alice.says("submit 1")


async def test_a_card_whose_change_is_refused_is_posted_anew(
    office: Office[Any, Any], vendor: Vendor[Any, Any]
) -> None:
    fabu, alice = office.fabu, office.alice
    await fabu.submitted(step("notes"), step("announce"))
    old = await office.channel_card("executing")
    alice.simulator.fail(UPDATING[vendor.name], **REFUSALS[vendor.name])
    await fabu.api("POST", "/plans/1/items/notes/execute", {})
    await alice.until(lambda: len(office.channel_cards) == 2)
    await office.channel_card("✅ 1 Notes")
    assert alice.shows(old, "✋ 1 Notes")
    await fabu.api("POST", "/plans/1/items/announce/execute", {})
    await office.channel_card("successful")
    assert len(office.channel_cards) == 2


async def test_a_chat_that_refuses_everything_for_a_while_gets_no_second_card(
    office: Office[Any, Any], vendor: Vendor[Any, Any]
) -> None:
    fabu, alice = office.fabu, office.alice
    await fabu.submitted()
    card = await office.channel_card("executing")

    async def syncs() -> list[Json]:
        return [one for one in (await fabu.api("GET", "/plans/1/deliveries"))["items"] if one["kind"] == "sync"]

    await eventually(syncs, wanted=lambda found: not found)
    operations = (UPDATING[vendor.name], vendor.posting)
    with alice.simulator.outage(*operations, how="answer", **REFUSALS[vendor.name]):
        await fabu.api("POST", "/plans/1/items/notes/execute", {})
        await eventually(syncs, wanted=lambda found: found and found[0]["error"] and found[0]["state"] == "pending")
    await alice.until(lambda: alice.shows(card, "successful"))
    assert len(office.channel_cards) == 1
