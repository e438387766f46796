"""How people are named in each chat: by a mention, an id, an e-mail address or their name, and never by a handle."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.people import Person
from tests.clock import SharedClock
from tests.scenario.chats.everywhere import APPROVERS, Front, everywhere, known_people
from tests.scenario.chats.slack import User
from tests.scenario.office import Fabu, stage
from tests.simulators.slack import SlackSimulator
from tests.waiting import eventually

NAMED = {
    "dave": {"name": "Ｄave Müller", "email": "d.mueller@example.com"},
    "carol": {"name": "Sam Li"},
    "erin": {"name": "Sam Li"},
}


@pytest.fixture(params=APPROVERS)
async def front(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Front]:
    """One chat of a Fabu that is in all three, where two people have the same name."""
    people = {person: known | NAMED.get(person, {}) for person, known in known_people().items()}
    async with everywhere(tmp_path, people=people) as case:
        front = Front(case, request.param)
        await front.fabu.submitted(stages=[stage("QA", APPROVERS[request.param], channel=request.param)])
        yield front


async def delegates(front: Front) -> dict[str, str]:
    """Return who decides in whose place."""
    found: dict[str, str] = (await front.fabu.plan())["approval"]["delegates"]
    return found


@pytest.mark.parametrize("name", ["dave", "dave mu\u0308ller", '"Dave  Müller"', "D.Mueller@example.com"])
async def test_a_delegate_is_named_by_id_name_or_address(front: Front, name: str) -> None:
    answer = await front.approver.says(f"delegate 1 {name}")
    assert "Delegated." in answer
    assert "The delegate is Ｄave Müller (dave)." in answer
    assert await delegates(front) == {APPROVERS[front.chat]: "dave"}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("Sam Li", "several people are called Sam Li: carol, erin; write the id"),
        ("@Sam", "@Sam cannot decide in your place: a handle names nobody"),
        ("Mallory", "Mallory cannot decide in your place"),
    ],
)
async def test_a_handle_or_an_ambiguous_name_names_nobody(front: Front, name: str, problem: str) -> None:
    assert problem in await front.approver.says(f"delegate 1 {name}")
    assert await delegates(front) == {}


async def test_approvers_are_named_in_the_form(fabu: Fabu, alice: User) -> None:
    await alice.says("new")
    await alice.fills_in(Name="Shop 7", Approvers="Bob，carol@example.com, dave @sre")
    [stage_] = (await fabu.plan())["approval"]["stages"]
    assert stage_["approvers"] == ["bob", "carol", "dave", "@sre"]


async def test_neither_an_unknown_mention_nor_a_handle_is_a_delegate(
    fabu: Fabu, slack: SlackSimulator, bob: User
) -> None:
    slack.add_user("U9", "carol", "mallory@example.com")
    await fabu.submitted(stages=[stage("QA", "bob")])
    assert "@U9 cannot decide in your place: Fabu does not know this user" in await bob.says("delegate 1 <@U9|carol>")
    for handle in ("@carol", "@U3", "@sre"):
        assert f"{handle} cannot decide in your place: a handle names nobody" in await bob.says(f"delegate 1 {handle}")


class TestImported:
    """Somebody who is added to the people while Fabu runs."""

    @pytest.fixture
    def clock(self, slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch) -> SharedClock:
        monkeypatch.setattr("bot.app.POLL", 0.05)
        return SharedClock(slack)

    async def test_can_act_within_a_minute(self, fabu: Fabu, slack: SlackSimulator) -> None:
        slack.add_user("U9", "frank", "frank@example.com")
        frank = User(slack, "U9")
        assert "Fabu does not know you yet." in await frank.says("list mine")
        person = Person("frank", "Frank", "frank@example.com")
        await fabu.services.store.write(lambda writing: writing.people.put([person], []))

        async def people() -> list[str]:
            return [entry["id"] for entry in (await fabu.api("GET", "/people"))["items"]]

        await eventually(people, wanted=lambda ids: "frank" in ids)
        slack.clock.advance(40)
        assert "Nothing is waiting for you." in await frank.says("list mine")
