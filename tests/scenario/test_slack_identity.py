"""Who a Slack user is to Fabu: what the envelope says, and never what is shown or carried."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario.chats.slack import User
from tests.scenario.office import Fabu, stage
from tests.simulators.slack import SlackSimulator

UNKNOWN = "Fabu does not know you yet. Ask an administrator to add slack user {} to the people."


@pytest.fixture
def mallory(slack: SlackSimulator) -> User:
    """Somebody who is not among the people, and calls himself like one of them."""
    slack.add_user("U9", "bоb", "bob@example.com.evil.example")  # the o is Cyrillic
    return User(slack, "U9")


async def test_people_are_found_by_id_or_by_address_and_asked_for_once(
    fabu: Fabu, slack: SlackSimulator, bob: User, carol: User
) -> None:
    for person in (bob, carol, carol):
        assert "Nothing is waiting for you." in await person.says("list mine")
    assert [call.arguments["user"] for call in slack.calls_to("users.info")] == ["U3"]


async def test_cards_go_to_those_who_are_found_by_address(fabu: Fabu, slack: SlackSimulator, carol: User) -> None:
    await fabu.submitted(stages=[stage("QA", "carol")])
    assert "Approved." in await carol.clicks("Approve")
    assert [call.arguments["email"] for call in slack.calls_to("users.lookupByEmail")] == ["carol@example.com"]
    [vote] = (await fabu.plan())["approval"]["stages"][0]["votes"]
    assert vote["person"] == "carol"


async def test_whoever_looks_alike_is_nobody(fabu: Fabu, mallory: User, bob: User) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    card = await bob.card_with("Approve")
    assert await mallory.says("approve 1") == UNKNOWN.format("U9")
    mallory.slack.workspace.channel(card.channel).user = mallory.id  # lets him see what Bob was sent
    await mallory.clicks("Approve", on=card)
    await mallory.hears(UNKNOWN.format("U9"))
    assert await fabu.status() == "wait_for_approval"


async def test_what_a_button_carries_says_nothing_about_who(
    fabu: Fabu, slack: SlackSimulator, mallory: User, bob: User
) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    card = await bob.card_with("Approve")
    ref = next(block for block in card.blocks if block["type"] == "actions")["elements"][0]["value"]
    for value in (ref, f"{ref}.bob", f'{{"ref": "{ref}", "user": "U2"}}', "", "." * 3, "a" * 2000):
        reply = await slack.click_raw(
            mallory.id, channel="C1", message_ts=card.ts, action_id="approve", value=value,
            message={"user": "U2"}, view={"private_metadata": "U2"},
        )  # fmt: skip
        assert reply.status == 200
    await mallory.hears(UNKNOWN.format("U9"), times=6)
    assert await fabu.status() == "wait_for_approval"


async def test_leavers_are_nobody(fabu: Fabu, slack: SlackSimulator, carol: User) -> None:
    slack.workspace.people[carol.id].deleted = True
    assert await carol.says("list mine") == UNKNOWN.format("U3")


class TestInactive:
    """A person who is switched off in the settings."""

    @pytest.fixture
    def people(self, people: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return people | {"bob": {"slack": "U2", "active": False}}

    async def test_is_nobody(self, fabu: Fabu, bob: User) -> None:
        assert await bob.says("list mine") == UNKNOWN.format("U2")


async def test_a_mention_stands_for_its_person(fabu: Fabu, bob: User, carol: User, dave: User) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    assert "cannot decide in your place" in await bob.says("delegate 1 nobody")
    assert "Delegated." in await bob.says("delegate 1 <@U3|carol>")
    assert "Approved." in await carol.clicks("Approve")
    [vote] = (await fabu.plan())["approval"]["stages"][0]["votes"]
    assert vote["person"] == "bob"
    assert (await fabu.log())[-4].details["delegate"] == "carol"


async def test_sign_in_links_are_for_the_eyes_of_one(fabu: Fabu, slack: SlackSimulator, bob: User) -> None:
    assert "https://fabu.example.com/sign-in/" in await bob.says("web")
    await bob.writes("web", channel="C1")
    answer = await bob.until(lambda: next(iter(slack.messages("C1")), None))
    assert answer.text == "Others would see the link here. Ask for it in a direct message."
    await bob.writes("web")
    await bob.until(lambda: [m for m in slack.dms(bob.id) if "/sign-in/" in m.text])


async def test_a_user_of_another_team_is_nobody_whatever_the_id_is(
    fabu: Fabu, slack: SlackSimulator, bob: User
) -> None:
    await fabu.submitted(stages=[stage("QA", "bob")])
    card = await bob.card_with("Approve")
    button = next(block for block in card.blocks if block["type"] == "actions")["elements"][0]
    click = {
        "type": "block_actions",
        "user": {"id": bob.id, "team_id": "T0OTHER"},
        "container": {"type": "message", "channel_id": "C1", "message_ts": card.ts},
        "actions": [{"action_id": "approve", "value": button["value"], "action_ts": "1.1"}],
        "trigger_id": slack.triggers.mint(bob.id),
        "response_url": slack.response_url("C1", bob.id),
    }
    assert (await slack.deliver("interactive", click)).status == 200
    await bob.hears(UNKNOWN.format("T0OTHER:U2"))
    said = {"channel": "C1", "user": bob.id, "user_team": "T0OTHER", "team": slack.workspace.team_id}
    await slack.event_raw({"type": "app_mention", "text": "approve 1", "ts": slack.say(bob.id, "C1", "x").ts, **said})
    await bob.until(lambda: [m for m in slack.messages("C1") if UNKNOWN.format("T0OTHER:U2") in m.text])
    assert await fabu.status() == "wait_for_approval"
    assert "Approved." in await bob.says("approve 1")
