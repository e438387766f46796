"""Many cards for one receiver: they come at the vendor's pace, no wait grows, and nobody else waits for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenario.chats.registry import VENDORS
from tests.scenario.chats.slack import CHANNEL, SLACK
from tests.scenario.chats.vocabulary import Office
from tests.scenario.office import Fabu, Json
from tests.waiting import eventually

PLANS = range(1, 7)
LIMITS: dict[str, Json] = {
    "slack": {"count": 1, "period": 1.0, "key": "channel", "body": {"ok": False, "error": "ratelimited"}},
    "feishu": {
        "count": 2, "period": 2.0, "key": "", "status": 400,
        "body": {"code": 99991400, "msg": "request trigger frequency limit"},
    },
    "dingtalk": {
        "count": 2, "period": 2.0, "key": "", "status": 403, "names_pause": False,
        "body": {"code": "Forbidden.AccessDenied.QpsLimitForApi", "message": "busy", "requestid": "r1"},
    },
}  # fmt: skip
"""The limit of each vendor's operation that posts a card. What is per app is lower here than at the vendor."""


async def settle(fabu: Fabu, *numbers: int) -> list[Json]:
    """Return the syncs of plans that are not delivered yet."""
    pages = [await fabu.api("GET", f"/plans/{number}/deliveries") for number in numbers]
    return [one for page in pages for one in page["items"] if one["kind"] == "sync"]


@pytest.mark.parametrize("chat", VENDORS)
async def test_many_cards_come_at_the_vendors_pace(tmp_path: Path, chat: str) -> None:
    vendor, limit = VENDORS[chat], LIMITS[chat]
    async with vendor.office(tmp_path) as office:
        bob = office.bob
        bob.simulator.limit(vendor.posting, **limit)
        for _ in PLANS:
            await office.fabu.submitted(stages=[vendor.stage("QA", "bob")])
        attempts: list[tuple[int, str]] = []

        def all_came() -> bool:
            return (len(bob.cards), len(office.channel_cards)) == (len(PLANS), len(PLANS))

        async def look() -> bool:
            attempts.extend((one["attempts"], one["error"]) for one in await settle(office.fabu, *PLANS))
            return all_came()

        await eventually(look, wanted=bool)
        await eventually(settle, office.fabu, *PLANS, wanted=lambda found: not found)
        assert attempts, "the limit was exceeded"
        assert max(attempts) <= (1, ""), "a wait for the limit is neither an attempt nor an error"
        refused = [call for call in bob.simulator.calls_to(vendor.posting) if call.fault]
        assert len(refused) <= 3 * len(PLANS), "the vendor is not asked again and again"


def receiver(office: Office[Any, Any], chat: str, person: str) -> str:
    """Return how the calls of a chat name the receiver of a person's cards."""
    account = VENDORS[chat].account(person)
    simulator: Any = office.bob.simulator
    return str(simulator.workspace.direct(account).id) if chat == "slack" else account


@pytest.mark.parametrize("chat", VENDORS)
async def test_a_change_of_the_plan_shows_in_the_channel_and_ends_no_pause(tmp_path: Path, chat: str) -> None:
    vendor, limit = VENDORS[chat], LIMITS[chat]
    async with vendor.office(tmp_path) as office:
        to = receiver(office, chat, "bob")
        fault: Json = {"status": limit.get("status", 429), "body": limit["body"]}
        if chat == "feishu":
            fault["body"] = {"code": 230020, "msg": "This operation triggers the frequency limit."}
        pause = 4 if vendor.names_pause else 1
        office.bob.simulator.fail(vendor.posting, **fault, retry_after=pause if vendor.names_pause else None, to=to)
        await office.fabu.submitted(stages=[vendor.stage("QA", "bob", "carol")])
        carol = office.carol
        await carol.card_with("Approve")
        await office.fabu.api("POST", "/plans/1/approve", {}, by="carol")
        channel_card = await office.channel_card("Carol")
        seen = office.bob.simulator.clock.now()
        await office.bob.card_with("Approve")
        refused, posted = [call for call in office.bob.simulator.calls_to(vendor.posting) if to in str(call.arguments)]
        assert posted.at - refused.at >= pause
        if vendor.names_pause:
            assert seen < posted.at, "the card in the channel does not wait for that of a person"
        assert carol.shows(channel_card, "Carol")
        await eventually(settle, office.fabu, 1, wanted=lambda found: not found)


async def test_the_channels_card_does_not_wait_for_the_cards_of_one_person(tmp_path: Path) -> None:
    async with SLACK.office(tmp_path) as office:
        to_bob = receiver(office, "slack", "bob")
        busy: Json = {"status": 429, "retry_after": 600, "body": {"ok": False, "error": "ratelimited"}}
        office.slack.fail("chat.postMessage", **busy, to=to_bob)
        for _ in PLANS:
            await office.fabu.submitted(stages=[SLACK.stage("QA", "bob")])
        await office.bob.until(lambda: len(office.slack.cards(CHANNEL)) == len(PLANS))
        for number in PLANS:
            await office.fabu.api("POST", f"/plans/{number}/approve", {}, by="bob")
        await office.bob.until(lambda: all(office.bob.shows(card, "executing") for card in office.slack.cards(CHANNEL)))
        assert len([call for call in office.slack.calls_to("chat.postMessage") if to_bob in str(call.arguments)]) == 1
        _, ready = await office.fabu.request("GET", "/readyz")
        assert ready["details"] == {}
