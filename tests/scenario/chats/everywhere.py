"""One Fabu with all chats, and the cards and threads in each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.settings import Settings
from core.ports.clock import Clock
from tests.scenario.chats.dingtalk import DingTalkOffice
from tests.scenario.chats.feishu import FeishuOffice
from tests.scenario.chats.registry import VENDORS
from tests.scenario.chats.slack import SlackOffice
from tests.scenario.chats.vocabulary import Office, Person
from tests.scenario.office import PEOPLE, Fabu, Json, opened, written_for
from tests.simulators.base import Simulator
from tests.waiting import eventually

APPROVERS = {"slack": "bob", "feishu": "carol", "dingtalk": "erin"}
"""The people with an account in one chat alone, by chat; all others have one in every chat."""
MODES = {"slack": "http", "feishu": "http", "dingtalk": "http"}


@dataclass(frozen=True)
class Everywhere:
    """One Fabu, and its offices by the name of their chat."""

    fabu: Fabu
    offices: Mapping[str, Office[Any, Any]]
    slack: SlackOffice
    feishu: FeishuOffice
    dingtalk: DingTalkOffice

    def cards(self) -> dict[str, list[str]]:
        """Return the texts of all lasting cards, by chat."""
        return {name: list(map(office.alice.read, office.lasting_cards)) for name, office in self.offices.items()}

    async def until_all_cards_show(self, *words: str) -> dict[str, int]:
        """Wait until every lasting card in all chats has all these words; return the number of cards by chat."""

        async def lacking() -> list[str]:
            found = self.cards()
            texts = [text for chat in found.values() for text in chat if not all(word in text for word in words)]
            return texts + [f"no card in {chat}" for chat, texts in found.items() if not texts]

        await eventually(lacking, wanted=lambda texts: not texts)
        return {chat: len(texts) for chat, texts in self.cards().items()}

    async def until_all_threads_end(self, *ending: str) -> list[str]:
        """Wait until the threads of all chats end with these lines; return their lines, which must be equal.

        Where there are no threads, those that everybody has to know must be.
        """

        async def threads() -> dict[str, list[str]]:
            return {chat: office.thread() for chat, office in self.offices.items()}

        def end(found: Mapping[str, list[str]]) -> bool:
            wanted = {chat: VENDORS[chat].lines(*ending) for chat in found}
            return all(not wanted[chat] or lines[-len(wanted[chat]) :] == wanted[chat] for chat, lines in found.items())

        found = await eventually(threads, wanted=end)
        assert found == {chat: VENDORS[chat].lines(*found["slack"]) for chat in found}
        return found["slack"]


@dataclass(frozen=True)
class Front:
    """One chat of a Fabu with all chats."""

    everywhere: Everywhere
    chat: str

    @property
    def fabu(self) -> Fabu:
        """The installation."""
        return self.everywhere.fabu

    @property
    def office(self) -> Office[Any, Any]:
        """The office of this chat."""
        return self.everywhere.offices[self.chat]

    @property
    def alice(self) -> Person[Any]:
        """The manager of plans."""
        alice: Person[Any] = self.office.alice
        return alice

    @property
    def approver(self) -> Person[Any]:
        """The approver with an account in this chat alone."""
        approver: Person[Any] = self.office.person(APPROVERS[self.chat])
        return approver


def known_people() -> dict[str, Json]:
    """Return everybody's accounts, for Fabu's settings."""
    homes = {person: chat for chat, person in APPROVERS.items()}
    return {
        person: {name: vendor.account(person) for name, vendor in VENDORS.items() if homes.get(person, name) == name}
        for person in PEOPLE
    }


@asynccontextmanager
async def everywhere(
    folder: Path,
    clock: Callable[[Simulator], Clock] | None = None,
    modes: Mapping[str, str] = MODES,
    people: Mapping[str, Json] | None = None,
    **sections: Any,
) -> AsyncIterator[Everywhere]:
    """Run Fabu with all chats; `sections` are other sections of the settings, `clock` returns Fabu's clock."""
    async with AsyncExitStack() as stack:
        simulators = {name: await stack.enter_async_context(vendor.simulator()) for name, vendor in VENDORS.items()}
        chats = {name: VENDORS[name].section(simulators[name], mode=modes[name]) for name in VENDORS}
        settings = Settings.model_validate(written_for(folder, people or known_people(), **chats | sections))
        fabu = await stack.enter_async_context(opened(settings, clock and clock(simulators["slack"])))
        offices = {name: await VENDORS[name].connect(simulators[name], fabu) for name in VENDORS}
        yield Everywhere(fabu, offices, offices["slack"], offices["feishu"], offices["dingtalk"])
