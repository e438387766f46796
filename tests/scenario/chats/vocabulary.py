"""The words of a scenario in a chat (`says`, `clicks`, `sees`, `hears`), and what a chat gives so that they work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
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
    """Somebody in front of a chat whose cards are of type C; `id` is the vendor's id of the account."""

    id: str

    @property
    @abstractmethod
    def simulator(self) -> Simulator:
        """The chat."""

    @property
    @abstractmethod
    def sentences(self) -> list[str]:
        """The sentences that were sent to this person alone, oldest first."""

    @property
    @abstractmethod
    def cards(self) -> list[CardT]:
        """The cards that ask this person for something, oldest first."""

    @abstractmethod
    async def writes(self, words: str, channel: str = "") -> object:
        """Write to the bot: in a channel by mentioning it, else to it alone."""

    @abstractmethod
    async def says(self, words: str, channel: str = "") -> str:
        """Write to the bot and return the sentence that it answers to this person alone."""

    async def asks(self, words: str, channel: str = "") -> str:
        """Write to the bot and return what is read on the list or the card that it answers."""
        return await self.says(words, channel)

    @abstractmethod
    async def clicks(self, button: str, on: CardT | None = None, *, item: str = "", text: str = "") -> str:
        """Click a button, as soon as a card to this person shows it unless `on` names one; return the answer.

        `item` is the one that the button stands at. `text` is what is typed into the input that belongs to the button.
        The answer is the sentence that this person alone gets, or what the input asks for when nothing was typed.
        """

    @abstractmethod
    def read(self, card: CardT) -> str:
        """Return everything that is read on a card."""

    @abstractmethod
    def offers(self, card: CardT, button: str) -> bool:
        """Tell whether a card shows a button."""

    def shows(self, card: CardT, *words: str) -> bool:
        """Tell whether a card shows all these words."""
        text = self.read(card)
        return all(word in text for word in words)

    async def hears(self, words: str, times: int = 1) -> str:
        """Wait until these words were sent to this person alone so often; return the sentence."""
        return (await self.until(lambda: [text for text in self.sentences if words in text][times - 1 :]))[0]

    async def sees(self, *words: str) -> CardT:
        """Wait until the newest card to this person shows all these words; return it."""
        return await self.until(lambda: next((c for c in self.cards[-1:] if self.shows(c, *words)), None))

    async def card_with(self, button: str) -> CardT:
        """Wait for a card to this person with a button; return the newest."""
        return await self.until(lambda: next((c for c in reversed(self.cards) if self.offers(c, button)), None))

    async def until(self, condition: Callable[[], T | None]) -> T:
        """Wait until the chat is as it should be; return what the condition returns."""
        try:
            return await self.simulator.until(condition, PATIENCE)
        except TimeoutError:
            seen = "\n---\n".join([*self.sentences, *map(self.read, self.cards)])
            raise AssertionError(f"{self.id} waits in vain, and sees\n{seen}") from None


@dataclass(frozen=True)
class Office(ABC, Generic[PersonT, CardT]):
    """One Fabu, one chat, and the people who use both."""

    fabu: Fabu

    @property
    @abstractmethod
    def channel(self) -> str:
        """The vendor's id of the channel that plan cards go to."""

    @property
    @abstractmethod
    def channel_cards(self) -> list[CardT]:
        """The cards of plans in the channel, oldest first."""

    @property
    @abstractmethod
    def lasting_cards(self) -> list[CardT]:
        """All cards that are kept up to date, wherever they are; those that answer a message are not among them."""

    @abstractmethod
    def person(self, name: str) -> PersonT:
        """Return one of the people in front of the chat."""

    @abstractmethod
    def thread(self) -> list[str]:
        """Return the lines that were written about the newest plan of the channel."""

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
        """Wait until the newest card of a plan in the channel shows all these words; return it."""
        alice = self.alice
        return await alice.until(lambda: next((c for c in self.channel_cards[-1:] if alice.shows(c, *words)), None))

    async def until_all_cards_show(self, *words: str) -> list[CardT]:
        """Wait until every lasting card shows all these words; return the cards."""
        alice = self.alice

        def look() -> list[CardT] | None:
            cards = self.lasting_cards
            return cards if all(alice.shows(card, *words) for card in cards) else None

        return await alice.until(look)


@dataclass(frozen=True, kw_only=True)
class Vendor(Generic[SimulatorT, OfficeT]):
    """A chat as scenarios and contracts use it.

    `name` is the platform, the section of the settings and the channel of stages; `posting` the operation of the
    simulator by which a card is posted. `simulator` runs the chat with everybody and the channel in it; `section`
    writes the settings of the app, `people` how Fabu knows each person, `account` the vendor's id of one. `connect`
    lets the simulator reach a running Fabu. `seen` reads what the bot has sent to a channel or to an account, oldest
    first, and `remove` takes away a card. `keyed` says whether the vendor takes a card once for its key, `names_pause`
    whether it answers, when it is busy, how long it wants to be left alone.
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
    keyed: bool = True
    names_pause: bool = True

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
        """Return settings as they are written; `own` are fields of this chat's section, `others` further sections."""
        written = written_for(folder, self.people, **{self.name: self.section(simulator, **own)}, **others)
        written["server"]["language"] = language
        return written

    def settings(self, folder: Path, simulator: SimulatorT, **changes: Any) -> Settings:
        """Return the settings that `written` writes."""
        return Settings.model_validate(self.written(folder, simulator, **changes))

    @asynccontextmanager
    async def office(
        self, folder: Path, clock: Callable[[SimulatorT], Clock] | None = None, **changes: Any
    ) -> AsyncIterator[OfficeT]:
        """Run both; `clock` makes Fabu's out of the simulator, `changes` go to `written`."""
        async with (
            self.simulator() as simulator,
            opened(self.settings(folder, simulator, **changes), clock and clock(simulator)) as fabu,
        ):
            yield await self.connect(simulator, fabu)


@dataclass(frozen=True)
class Chat:
    """A way in which people use a chat: over one of its transports, with or without what is optional there."""

    vendor: Vendor[Any, Office[Any, Any]]
    own: Mapping[str, Any] = field(default_factory=dict)
    cards: bool = True
    """Whether plans are cards that change, and not messages that stay as they are."""

    def office(self, folder: Path, **changes: Any) -> AbstractAsyncContextManager[Office[Any, Any]]:
        """Run Fabu with this chat."""
        return self.vendor.office(folder, **{**self.own, **changes})
