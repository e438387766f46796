"""Who a chat user is: looked up once, kept for twelve hours and over a restart, and forgotten with the person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.store.open import open_store
from bot.people.identities import Identities
from core.card import Card
from core.context import Environment, Policy
from core.engine import Engine
from core.errors import UnknownPerson
from core.people import Directory, Person
from core.ports.messenger import Messenger, Place, Posted
from core.ports.store import Store
from tests.clock import ManualClock
from tests.worlds import START, CountingIds

CAROL = Person("carol", "Carol", email="carol@example.com")


class Chat(Messenger):
    """A chat in which the user U3 has an e-mail address; it counts how often it is asked."""

    platform = "slack"
    threads = buttons = True

    def __init__(self) -> None:
        self.users: dict[str, tuple[str, str]] = {"U3": ("Carol@Example.com", "")}
        self.asked: list[str] = []

    async def contact(self, user: str) -> tuple[str, str] | None:
        self.asked.append(user)
        return self.users.get(user)

    async def find_user(self, email: str, phone: str) -> str:
        self.asked.append(email or phone)
        return next((user for user, contact in self.users.items() if email.lower() == contact[0].lower()), "")

    async def post(self, place: Place, card: Card, key: str) -> Posted:
        raise NotImplementedError

    async def update(self, posted: Posted, card: Card) -> bool:
        raise NotImplementedError

    async def say(
        self, posted: Posted, text: str, key: str, mentioned: Sequence[str] = (), *, loud: bool = False
    ) -> None:
        raise NotImplementedError

    async def close(self) -> None: ...


class Office:
    """Identities of some people, on a store that outlives them."""

    def __init__(self) -> None:
        self.clock, self.chat = ManualClock(START), Chat()
        self.store: Store = open_store("memory://", b"key", self.clock)
        self.environment = Environment(Policy(), Directory({"carol": CAROL}))
        self.restart()

    def restart(self) -> None:
        engine = Engine(self.store, self.clock, CountingIds(), self.environment, b"key")
        self.identities = Identities(self.store, engine, self.clock, {"slack": self.chat})

    def people(self, *people: Person) -> None:
        self.environment.publish(directory=Directory({person.id: person for person in people}))

    async def who(self, user: str = "U3", platform: str = "slack") -> str:
        """The id of the person behind a user; empty for nobody."""
        try:
            return (await self.identities.person(platform, user)).id
        except UnknownPerson:
            return ""


@pytest.fixture
def office() -> Office:
    return Office()


async def test_a_match_is_used_for_twelve_hours(office: Office) -> None:
    for _ in range(2):
        assert await office.who() == "carol"
    office.clock.advance(timedelta(hours=12))
    assert await office.who() == "carol"
    assert office.chat.asked == ["U3"]
    office.clock.advance(timedelta(seconds=1))
    assert await office.who() == "carol"
    assert office.chat.asked == ["U3", "U3"]


async def test_a_match_is_looked_up_again_when_the_clock_was_set_back(office: Office) -> None:
    await office.who()
    office.clock.advance(-timedelta(seconds=1))
    for _ in range(2):
        assert await office.who() == "carol"
    assert office.chat.asked == ["U3", "U3"]


async def test_a_match_is_used_after_a_restart(office: Office) -> None:
    await office.who()
    office.restart()
    assert await office.who() == "carol"
    assert office.chat.asked == ["U3"]
    office.clock.advance(timedelta(hours=13))
    office.restart()
    assert await office.who() == "carol"
    assert office.chat.asked == ["U3", "U3"]


async def test_who_has_left_the_chat_is_nobody_when_the_match_is_over(office: Office) -> None:
    await office.who()
    office.chat.users.clear()
    office.clock.advance(timedelta(hours=13))
    assert await office.who() == ""
    office.restart()
    assert await office.who() == "", "the match that was stored is gone as well"
    assert await office.store.read(lambda reading: reading.people.identity("slack", "U3")) is None


@pytest.mark.parametrize("left", [(), (replace(CAROL, active=False),)])
async def test_who_has_left_the_people_is_nobody_at_once(office: Office, left: tuple[Person, ...]) -> None:
    assert await office.who() == "carol"
    office.people(*left)
    assert await office.who() == ""
    office.restart()
    assert await office.who() == ""


async def test_who_is_unknown_is_asked_for_again_after_some_seconds(office: Office) -> None:
    assert await office.who("U9") == ""
    office.chat.users["U9"] = ("carol@example.com", "")
    office.clock.advance(timedelta(seconds=20))
    assert await office.who("U9") == ""
    assert office.chat.asked == ["U9"]
    office.clock.advance(timedelta(seconds=1))
    assert await office.who("U9") == "carol"


async def test_people_are_matched_by_phone_number_too(office: Office) -> None:
    office.people(Person("dave", "Dave", phone="138 0000 0000"))
    office.chat.users["U4"] = ("", "+86 13800000000")
    assert await office.who("U4") == "dave"
    assert await office.who("U3") == "", "an address that nobody has"
    office.chat.users["U5"] = ("", "")
    office.people(Person("erin", "Erin"))
    assert await office.who("U5") == "", "what is empty matches nothing"


async def test_own_platforms_have_the_ids_of_people(office: Office) -> None:
    assert await office.who("carol", "console") == "carol"
    assert await office.who("carol", "slack") == ""
    assert await office.who("carol", "telegram") == "", "a chat that is not enabled any more"


async def test_the_user_of_a_person_is_looked_up_once(office: Office) -> None:
    for _ in range(2):
        assert await office.identities.user("slack", CAROL) == "U3"
    assert office.chat.asked == ["carol@example.com"]
    office.clock.advance(timedelta(hours=12, seconds=1))
    office.chat.users.clear()
    assert await office.identities.user("slack", CAROL) == ""
    office.clock.advance(timedelta(seconds=21))
    office.chat.users["U7"] = ("carol@example.com", "")
    assert await office.identities.user("slack", CAROL) == "U7"


async def test_an_account_in_the_settings_is_asked_for_nowhere(office: Office) -> None:
    listed = replace(CAROL, accounts={"slack": "U1"})
    office.people(listed)
    assert await office.identities.user("slack", listed) == "U1"
    assert await office.who("U1") == "carol"
    assert await office.identities.user("slack", Person("erin", "Erin")) == ""
    assert office.chat.asked == []
