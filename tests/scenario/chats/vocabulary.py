"""The vocabulary of scenarios in a chat (`says`, `clicks`, `sees`, `hears`), and what a chat implements for it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from config.settings import Settings
from core.ports.clock import Clock
from core.ports.messenger import Posted
from tests.scenario.office import Fabu, Json, opened, stage, written_for
from tests.simulators.base import Simulator
from tests.waiting import PATIENCE

T = TypeVar("T")
CardT = TypeVar("CardT")
PersonT = TypeVar("PersonT", bound="Person[Any]")
SimulatorT = TypeVar("SimulatorT", bound=Simulator)
OfficeT = TypeVar("OfficeT", bound="Office[Any, Any]", covariant=True)

_NONE: Mapping[str, Json] = MappingProxyType({})


class Person(ABC, Generic[CardT]):
    """A person who uses a chat; `id` is the vendor's id of the account."""

    id: str

    @property
    @abstractmethod
    def simulator(self) -> Simulator:
        """The simulated chat."""

    @property
    @abstractmethod
    def sentences(self) -> list[str]:
        """The texts that only this person got, oldest first."""

    @property
    @abstractmethod
    def cards(self) -> list[CardT]:
        """The cards that only this person got, oldest first."""

    @abstractmethod
    async def writes(self, words: str, channel: str = "") -> object:
        """Write to the bot: with a mention in a channel, otherwise in a direct message."""

    @abstractmethod
    async def says(self, words: str, channel: str = "") -> str:
        """Write to the bot and return its reply, a text for this person alone."""

    async def asks(self, words: str, channel: str = "") -> str:
        """Write to the bot and return its reply, the text of a card."""
        return await self.says(words, channel)

    @abstractmethod
    async def clicks(self, button: str, on: CardT | None = None, *, item: str = "", text: str = "") -> str:
        """Click a button on the card `on`, or wait until this person has a card with it; return the reply.

        `item` is the item that the button belongs to, `text` the text for the button's input. The reply is the text
        that this person alone gets, or the question of the input when `text` is required but empty.
        """

    @abstractmethod
    def read(self, card: CardT) -> str:
        """Return the text of a card."""

    @abstractmethod
    def offers(self, card: CardT, button: str) -> bool:
        """Return whether a card has a button."""

    def shows(self, card: CardT, *words: str) -> bool:
        """Return whether the text of a card has all these words."""
        text = self.read(card)
        return all(word in text for word in words)

    async def hears(self, words: str, times: int = 1) -> str:
        """Wait until this person has got these words that many times; return the last text with them."""
        return (await self.until(lambda: [text for text in self.sentences if words in text][times - 1 :]))[0]

    async def sees(self, *words: str) -> CardT:
        """Wait until this person's newest card has all these words; return the card."""
        return await self.until(lambda: next((c for c in self.cards[-1:] if self.shows(c, *words)), None))

    async def card_with(self, button: str) -> CardT:
        """Wait until this person has a card with a button; return the newest one."""
        return await self.until(lambda: next((c for c in reversed(self.cards) if self.offers(c, button)), None))

    async def until(self, condition: Callable[[], T | None]) -> T:
        """Wait until the result of `condition` is true; return the result."""
        try:
            return await self.simulator.until(condition, PATIENCE)
        except TimeoutError:
            seen = "\n---\n".join([*self.sentences, *map(self.read, self.cards)])
            raise AssertionError(f"{self.id} waits in vain, and sees\n{seen}") from None


async def read_answer(person: Person[Any], words: str) -> str:
    """Write to the bot, and return what is read on the message or the card that it answers."""
    return await person.asks(words) or person.read(getattr(person, "answers")[-1])  # noqa: B009 - DingTalk's alone


@dataclass(frozen=True)
class Office(ABC, Generic[PersonT, CardT]):
    """One Fabu, one chat, and the people who use both."""

    fabu: Fabu

    @property
    @abstractmethod
    def channel(self) -> str:
        """The vendor's id of the channel of plan cards."""

    @property
    @abstractmethod
    def channel_cards(self) -> list[CardT]:
        """The plan cards in the channel, oldest first."""

    @property
    @abstractmethod
    def lasting_cards(self) -> list[CardT]:
        """All cards that are kept up to date, in all places; cards that reply to a message are not."""

    @abstractmethod
    def person(self, name: str) -> PersonT:
        """Return a person who uses the chat."""

    @abstractmethod
    def thread(self) -> list[str]:
        """Return the lines in the thread of the channel's newest plan."""

    @property
    def alice(self) -> PersonT:
        """The manager of plans."""
        return self.person("alice")

    @property
    def bob(self) -> PersonT:
        """An approver."""
        return self.person("bob")

    @property
    def carol(self) -> PersonT:
        """A member of the group sre."""
        return self.person("carol")

    @property
    def dave(self) -> PersonT:
        """An administrator."""
        return self.person("dave")

    @property
    def erin(self) -> PersonT:
        """A member of the group sre."""
        return self.person("erin")

    async def channel_card(self, *words: str) -> CardT:
        """Wait until the channel's newest plan card has all these words; return the card."""
        alice = self.alice
        return await alice.until(lambda: next((c for c in self.channel_cards[-1:] if alice.shows(c, *words)), None))

    async def until_all_cards_show(self, *words: str) -> list[CardT]:
        """Wait until every lasting card has all these words; return the cards."""
        alice = self.alice

        def look() -> list[CardT] | None:
            cards = self.lasting_cards
            return cards if all(alice.shows(card, *words) for card in cards) else None

        return await alice.until(look)


_FOR_ALL = re.compile(r"The plan is (?:rejected|complete)|Nobody decided|cancelled the plan|: failed|^Operation log")


def for_all(lines: Sequence[str]) -> list[str]:
    """Return those lines of a thread that everybody has to know, which are messages where there are no threads."""
    return [line for line in lines if _FOR_ALL.search(line)]


@dataclass(frozen=True, kw_only=True)
class Vendor(Generic[SimulatorT, OfficeT]):
    """A chat as scenarios and contracts use it.

    `name` is the platform, the section of the settings and the channel of stages. `posting` is the simulator's
    operation that posts a card. `simulator` runs the chat with an account for everybody and the channel. `section`
    returns the settings of the app, `account` the vendor's id of a person; `people` has everybody's accounts in
    Fabu's settings. `connect` lets the simulator reach a running Fabu. `seen` returns the texts that the bot has sent
    to a channel or an account, oldest first; `remove` deletes a card. `threads` is whether there are any; `keyed` is
    whether the vendor posts a card once for its key, `names_pause` whether a busy vendor answers how long to wait.
    """

    name: str
    posting: str
    simulator: Callable[[], AbstractAsyncContextManager[SimulatorT]]
    section: Callable[..., Json]
    people: Mapping[str, Json]
    account: Callable[[str], str]
    connect: Callable[[SimulatorT, Fabu], Awaitable[OfficeT]]
    seen: Callable[[SimulatorT, str], list[str]]
    remove: Callable[[SimulatorT, Posted], None]
    threads: bool = True
    keyed: bool = True
    names_pause: bool = True

    def lines(self, *lines: str) -> list[str]:
        """Return the lines of a thread as they stand in this chat."""
        return list(lines) if self.threads else for_all(lines)

    def stage(self, name: str, *approvers: str, **fields: Any) -> Json:
        """Return a stage that is decided by cards of this chat."""
        return stage(name, *approvers, **{"channel": self.name, **fields})

    def written(
        self,
        folder: Path,
        simulator: SimulatorT,
        *,
        language: str = "en",
        others: Mapping[str, Json] = _NONE,
        **own: Any,
    ) -> Json:
        """Return settings in the format of a file; `own` are fields of the chat's section, `others` other sections."""
        written = written_for(folder, self.people, **{self.name: self.section(simulator, **own)}, **others)
        written["server"]["language"] = language
        return written

    def settings(self, folder: Path, simulator: SimulatorT, **changes: Any) -> Settings:
        """Return the settings that `written` returns, parsed."""
        return Settings.model_validate(self.written(folder, simulator, **changes))

    @asynccontextmanager
    async def office(
        self, folder: Path, clock: Callable[[SimulatorT], Clock] | None = None, **changes: Any
    ) -> AsyncIterator[OfficeT]:
        """Run the chat and Fabu; `clock` returns Fabu's clock for the simulator, `changes` go to `written`."""
        async with (
            self.simulator() as simulator,
            opened(self.settings(folder, simulator, **changes), clock and clock(simulator)) as fabu,
        ):
            yield await self.connect(simulator, fabu)


@dataclass(frozen=True)
class Chat:
    """A variant of a chat: one of its transports, with or without its optional features."""

    vendor: Vendor[Any, Office[Any, Any]]
    own: Mapping[str, Any] = field(default_factory=dict)
    cards: bool = True
    """Whether plans are cards that are updated, instead of messages that never change."""

    def office(self, folder: Path, **changes: Any) -> AbstractAsyncContextManager[Office[Any, Any]]:
        """Run Fabu with this chat."""
        return self.vendor.office(folder, **{**self.own, **changes})
