"""A chat refuses a card: it stays due until the cause is mended, and who can mend it is notified."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.clock import SharedClock
from tests.scenario.chats.everywhere import APPROVERS, Everywhere, everywhere
from tests.scenario.chats.registry import VENDORS
from tests.scenario.chats.slack import SLACK
from tests.scenario.office import Json, stage, step
from tests.waiting import eventually

REFUSALS: dict[str, Json] = {
    "slack": {"status": 200, "body": {"ok": False, "error": "not_in_channel"}},
    "feishu": {"status": 400, "body": {"code": 230013, "msg": "Bot has NO availability to this user."}},
    "dingtalk": {
        "status": 200,
        "body": {"success": True, "result": {"deliverResults": [{"success": False, "errorMsg": "robot not in chat"}]}},
    },
}
UNKNOWN: dict[str, Json] = {
    "slack": {"status": 200, "body": {"ok": False, "error": "a_code_of_tomorrow"}},
    "feishu": {"status": 400, "body": {"code": 239999, "msg": "a code of tomorrow"}},
    "dingtalk": {"status": 400, "body": {"code": "ACodeOfTomorrow", "message": "nobody knows it", "requestid": "r1"}},
}
"""Refusals of unknown meaning."""
FEW = 5
"""How many attempts they are given before somebody is notified."""
NAMES = {"slack": "Slack", "feishu": "Feishu", "dingtalk": "DingTalk"}
REASONS = {"slack": "not_in_channel", "feishu": "NO availability", "dingtalk": "robot not in chat"}


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Everywhere]:
    async with everywhere(tmp_path, auth={"admins": ["dave"]}) as opened:
        yield opened


async def syncs(case: Everywhere, chat: str) -> list[Json]:
    listed = (await case.fabu.api("GET", "/plans/1/deliveries"))["items"]
    return [one for one in listed if (one["kind"], one["destination"]) == ("sync", chat)]


def alarms(case: Everywhere, chat: str, recipient: str = "") -> list[tuple[str, str]]:
    """Return who was notified that a chat refuses cards, with the chat that they read it in."""
    words = f"{NAMES[chat]} refuses the cards to {recipient}"
    people = [(name, office.person(one)) for name, office in case.offices.items() for one in ("alice", "dave")]
    return [(name, person.id) for name, person in people for card in person.cards if words in person.read(card)]


@pytest.mark.parametrize("chat", VENDORS)
async def test_a_refused_card_comes_once_the_cause_is_mended(case: Everywhere, chat: str) -> None:
    approver = APPROVERS[chat]
    person: Any = case.offices[chat].person(approver)
    with person.simulator.outage(VENDORS[chat].posting, how="answer", **REFUSALS[chat]):
        await case.fabu.submitted(stages=[stage("QA", approver, channel=chat)])
        [sync] = await eventually(syncs, case, chat, wanted=lambda found: found and found[0]["attempts"] >= 2)
        assert sync["state"] in ("pending", "sending")
        assert f"{approver}: " in sync["error"]
        assert REASONS[chat] in sync["error"]
        _, ready = await case.fabu.request("GET", "/readyz")
        assert (ready["status"], list(ready["details"])) == ("ready", [chat])

        async def notified() -> list[tuple[str, str]]:
            return alarms(case, chat)

        found = await eventually(notified, wanted=lambda found: len(found) == 2)
        assert chat not in {name for name, _ in found}
    await person.card_with("Approve")
    await person.clicks("Approve")
    assert await case.fabu.status() == "executing"
    await case.offices[chat].channel_card("executing")
    assert (await case.fabu.events()).count("cards_refused") == 1
    await eventually(syncs, case, chat, wanted=lambda found: not found)
    _, ready = await case.fabu.request("GET", "/readyz")
    assert ready["details"] == {}


@pytest.mark.parametrize("chat", VENDORS)
async def test_a_refusal_of_unknown_meaning_is_attempted_a_few_times_before_somebody_is_notified(
    tmp_path: Path, chat: str
) -> None:
    async with everywhere(tmp_path, SharedClock, auth={"admins": ["dave"]}) as case:
        approver = APPROVERS[chat]
        person: Any = case.offices[chat].person(approver)
        seen: list[tuple[int, bool]] = []

        async def look() -> bool:
            waiting = await syncs(case, chat)
            notified = "cards_refused" in await case.fabu.events()
            seen.extend((one["attempts"], notified) for one in waiting)
            every = (await case.fabu.api("GET", "/plans/1/deliveries"))["items"]
            is_sending = any(one["state"] == "sending" for one in every)  # its lease would end before it has
            if {one["state"] for one in waiting} == {"pending"} and not is_sending:
                case.slack.slack.clock.advance(60)
            return notified

        with person.simulator.outage(VENDORS[chat].posting, how="answer", **UNKNOWN[chat]):
            await case.fabu.submitted(stages=[stage("QA", approver, channel=chat)])
            await eventually(look, wanted=bool)
            assert [(made, notified) for made, notified in seen if (made < FEW and notified) or made > FEW] == []
            for _ in range(FEW):
                await look()

        async def notified() -> list[tuple[str, str]]:
            return alarms(case, chat)

        found = await eventually(notified, wanted=lambda found: len(found) == 2)
        assert chat not in {name for name, _ in found}
        assert (await case.fabu.events()).count("cards_refused") == 1
        await eventually(look, wanted=lambda _: person.cards)


async def test_who_is_out_of_reach_holds_up_nobody_else(tmp_path: Path) -> None:
    async with SLACK.office(tmp_path) as office:
        refusal = {"ok": False, "error": "user_disabled"}
        office.bob.slack.fail("conversations.open", 100, status=200, body=refusal)
        await office.fabu.submitted(stages=[SLACK.stage("QA", "bob", rule="any")])
        await eventually(refused_attempts, office.fabu, wanted=lambda attempts: attempts >= 2)
        await office.bob.says("show 1")
        await office.bob.says("approve 1")
        await office.channel_card("executing")


async def test_the_channel_reads_who_is_not_reached_until_they_are(tmp_path: Path) -> None:
    async with SLACK.office(tmp_path, clock=SharedClock) as office:
        refusal = {"ok": False, "error": "user_disabled"}
        with office.slack.outage("conversations.open", how="answer", status=200, body=refusal):
            await office.fabu.submitted(stages=[SLACK.stage("QA", "bob")])
            card = await office.channel_card("not reached: Bob")

        async def reached() -> bool:
            office.bob.slack.clock.advance(3600)
            return not office.alice.shows(card, "not reached")

        await eventually(reached, wanted=bool)
        await office.bob.card_with("Approve")


async def refused_attempts(fabu: Any) -> int:
    listed = (await fabu.api("GET", "/plans/1/deliveries"))["items"]
    return max((one["attempts"] for one in listed if one["kind"] == "sync"), default=0)


@pytest.mark.parametrize("chat", VENDORS)
async def test_a_refused_digest_comes_once_the_cause_is_mended(case: Everywhere, chat: str) -> None:
    assignee = APPROVERS[chat]
    person: Any = case.offices[chat].person(assignee)
    with person.simulator.outage(VENDORS[chat].posting, how="answer", **REFUSALS[chat]):
        await case.fabu.submitted(step("notes", assignee=assignee), step("mail", assignee=assignee))

        async def notified() -> list[tuple[str, str]]:
            return alarms(case, chat, assignee.title())

        found = await eventually(notified, wanted=lambda found: len(found) == 2)
        assert chat not in {name for name, _ in found}
        _, ready = await case.fabu.request("GET", "/readyz")
        assert f"digests:{assignee}" in ready["details"]
    await person.clicks("Done", item="Notes")
    assert (await case.fabu.item("notes"))["status"] == "done"
    assert len(alarms(case, chat, assignee.title())) == 2, "they were notified once"
