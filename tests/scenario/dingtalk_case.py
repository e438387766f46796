"""A running Fabu beside a simulated DingTalk, and what people do and see there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from config.settings import Settings
from core.ports.clock import Clock
from tests.scenario.office import PATIENCE, PEOPLE, Fabu, Json, eventually, opened, stage, written_for
from tests.simulators.dingtalk import Card, DingTalkSimulator
from tests.simulators.dingtalk_platform import Console
from tests.simulators.dingtalk_workflow import Process

T = TypeVar("T")
GROUP = "cid-releases"
PHONES = {"carol": "13800000003", "erin": "13800000005"}
"""People who are found by their mobile number; the user ids of the others are in the settings."""
FORM = "PROC-RELEASE"
PUBLIC_URL = "https://fabu.example.com"
_ANSWERS = {"text", "markdown", "sampleText", "sampleMarkdown"}


@dataclass(frozen=True)
class User:
    """A person in front of DingTalk."""

    ding: DingTalkSimulator
    id: str

    async def writes(self, words: str, group: str = "") -> None:
        """Write to the robot: in a group by mentioning it, else to it alone."""
        assert (await self.ding.say(self.id, words, group)).status == 200

    async def says(self, words: str, group: str = "") -> str:
        """Write to the robot and return what it answers to this person alone: a message, or the note on a card."""
        messages, cards = len(self.told), len(self.answers)
        await self.writes(words, group)
        return (await self.until(lambda: self.told[messages:] or list(map(self.note, self.answers[cards:]))))[0]

    async def clicks(self, verb: str, on: Card | None = None, *, item: str = "", text: str = "") -> str:
        """Press a button, as soon as a card to this person shows it unless told where; return the private note.

        `item` is the one that the card has to be at; `text` is what is typed into the field of the card before.
        """
        card = on or await self.card_with(verb)
        await self.until(lambda: card.params[f"show_{verb}"] == "true" and item in card.params["item"])
        answer = await self.ding.click(self.id, card, verb, text)
        assert answer.status == 200
        return self.note(card)

    def note(self, card: Card) -> str:
        """Return what a card tells this person alone."""
        return self.ding.vars_of(card, self.id).get("note", "")

    @property
    def told(self) -> list[str]:
        """The messages of the robot to this person alone that are no cards, oldest first."""
        return [message.text for message in self.ding.robot_messages(self.id) if message.msg_key in _ANSWERS]

    @property
    def answers(self) -> list[Card]:
        """The cards that answered what this person wrote, oldest first."""
        return [card for card in self.ding.cards(self.id) if card.out_track_id.startswith("reply-")]

    @property
    def cards(self) -> list[Card]:
        """The cards that ask this person for something, oldest first."""
        return [card for card in self.ding.cards(self.id) if not card.out_track_id.startswith("reply-")]

    async def sees(self, *words: str) -> Card:
        """Wait until the newest card that asks this person for something shows all these words; return it."""
        return await self.until(lambda: next((c for c in self.cards[-1:] if shows(c, *words)), None))

    async def card_with(self, verb: str) -> Card:
        """Wait for a card to this person with a button; return the newest."""
        return await self.until(lambda: next((c for c in self.cards[::-1] if c.params[f"show_{verb}"] == "true"), None))

    async def until(self, condition: Callable[[], T | None]) -> T:
        """Wait until something is to be seen in DingTalk."""
        try:
            return await self.ding.until(condition, PATIENCE)
        except TimeoutError:
            read = [text_of(card) for card in self.ding.cards(GROUP) + self.ding.cards(self.id)]
            raise AssertionError("\n---\n".join([f"{self.id} waits in vain, and sees", *self.told, *read])) from None


@dataclass(frozen=True)
class Office:
    """One Fabu, one DingTalk, and the people who use both."""

    fabu: Fabu
    ding: DingTalkSimulator

    @property
    def alice(self) -> User:
        """The manager of plans."""
        return User(self.ding, "alice")

    @property
    def bob(self) -> User:
        """An approver."""
        return User(self.ding, "bob")

    @property
    def carol(self) -> User:
        """A member of the group sre."""
        return User(self.ding, "carol")

    @property
    def dave(self) -> User:
        """An administrator."""
        return User(self.ding, "dave")

    @property
    def erin(self) -> User:
        """A member of the group sre."""
        return User(self.ding, "erin")

    async def group_card(self, *words: str) -> Card:
        """Wait until the newest card of the group shows all these words; return it."""
        return await self.alice.until(lambda: next((c for c in self.ding.cards(GROUP)[-1:] if shows(c, *words)), None))

    def thread(self, plan: str = "#1 Payments 2.4") -> list[str]:
        """Return the lines that were written about a plan into the group, where there are no threads."""
        texts = [message.text for message in self.ding.robot_messages(GROUP) if message.msg_key == "sampleText"]
        return [line for text in texts if text.startswith(f"{plan}\n") for line in text.splitlines()[1:]]

    async def until_all_cards_show(self, *words: str) -> list[Card]:
        """Wait until every lasting card shows all these words; return the cards."""

        def look() -> list[Card] | None:
            chats = (GROUP, *PEOPLE)
            lasting = [c for chat in chats for c in self.ding.cards(chat) if not c.out_track_id.startswith("reply-")]
            return lasting if all(shows(card, *words) for card in lasting) else None

        return await self.alice.until(look)

    async def form(self, number: int = 0) -> Process:
        """Wait until a form is submitted and followed; return it."""
        form = await self.alice.until(lambda: next(iter(list(self.ding.workflow.processes.values())[number:]), None))
        await eventually(self.fabu.events, wanted=lambda events: events.count("form_linked") > number)
        return form


def text_of(card: Card) -> str:
    """Return everything that is read on a card."""
    return "\n".join(value for name, value in card.params.items() if not name.startswith("show_"))


def shows(card: Card, *words: str) -> bool:
    """Tell whether a card shows all these words."""
    text = text_of(card)
    return all(word in text for word in words)


def in_dingtalk(name: str, *approvers: str, **fields: Any) -> Json:
    """Return a stage that is asked for by cards in DingTalk."""
    return stage(name, *approvers, **{"channel": "dingtalk", **fields})


def by_form(name: str, *approvers: str, **fields: Any) -> Json:
    """Return a stage that is decided in an approval form of DingTalk."""
    return in_dingtalk(name, *approvers, channel="dingtalk_instance", **fields)


def section_for(ding: DingTalkSimulator, **fields: Any) -> Json:
    """Return the settings of the app."""
    return {
        "client_id": ding.client_id,
        "client_secret": ding.client_secret,
        "robot_code": ding.robot_code,
        "card_template_id": ding.card_template_id,
        "card_secret": "card-secret",
        "token": Console.token,
        "aes_key": Console.aes_key,
        "api_url": ding.url,
        "oapi_url": ding.url,
        "conversation_id": GROUP,
        "process_code": FORM,
        "webhook_hosts": ["127.0.0.1"],
        **fields,
    }


def known_people() -> dict[str, Json]:
    """Return how Fabu knows each of them."""
    return {name: {"phone": PHONES[name]} if name in PHONES else {"dingtalk": name} for name in PEOPLE}


@asynccontextmanager
async def platform_of() -> AsyncIterator[DingTalkSimulator]:
    """Run a DingTalk in which everybody has an account, the group of releases, and the approval form."""
    async with DingTalkSimulator() as ding:
        for name in PEOPLE:
            ding.add_user(name, PHONES.get(name, ""))
        ding.add_group(GROUP, *PEOPLE)
        ding.workflow.add_form(FORM, "发布计划", "发布内容", "链接", "编号")
        yield ding


async def connected(ding: DingTalkSimulator, fabu: Fabu, settings: Settings) -> None:
    """Let DingTalk reach a Fabu, as its administrator and the reverse proxy do."""
    if settings.dingtalk.mode == "stream":
        await ding.until(lambda: ding.gateway.sockets, PATIENCE)
        return
    ding.proxied[PUBLIC_URL] = fabu.url
    ding.console = Console(f"{fabu.url}/dingtalk/robot", f"{fabu.url}/dingtalk/events")
    if settings.dingtalk.card_template_id:
        await ding.until(lambda: ding.calls_to("card.register"), PATIENCE)


@asynccontextmanager
async def office(
    folder: Path, clock: Callable[[DingTalkSimulator], Clock] | None = None, language: str = "en", **fields: Any
) -> AsyncIterator[Office]:
    """Run both; `fields` go to the settings of the app, `clock` makes Fabu's out of DingTalk."""
    async with AsyncExitStack() as stack:
        ding = await stack.enter_async_context(platform_of())
        written = written_for(folder, known_people(), dingtalk=section_for(ding, **fields))
        written["server"]["language"] = language
        settings = Settings.model_validate(written)
        fabu = await stack.enter_async_context(opened(settings, clock and clock(ding)))
        await connected(ding, fabu, settings)
        yield Office(fabu, ding)
