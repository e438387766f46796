"""The vocabulary of scenarios in DingTalk."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from adapters.dingtalk.validate import FLAGS
from core.ports.messenger import Posted
from tests.scenario.chats.vocabulary import CardT, Office, Person, PersonT, Vendor
from tests.scenario.office import PEOPLE, Fabu, Json
from tests.simulators.dingtalk import Card, DingTalkSimulator
from tests.simulators.dingtalk_platform import Console
from tests.simulators.dingtalk_workflow import Process
from tests.waiting import PATIENCE, eventually

GROUP = "cid-releases"
PHONES = {"carol": "13800000003", "erin": "13800000005"}
KNOWN = {name: {"phone": PHONES[name]} if name in PHONES else {"dingtalk": name} for name in PEOPLE}
"""Everybody's accounts: by the mobile number that DingTalk confirms, or by the user id."""
VERBS = {
    **dict.fromkeys(("Done", "Run", "Let it go on"), "execute"),
    "Check again": "recheck",
    "Cancel plan": "cancel",
    "Handle": "show",
}
"""The verbs of buttons with another label; a card template has one button for each verb."""
FORM = "PROC-RELEASE"
PUBLIC_URL = "https://fabu.example.com"
ANSWERS = {"text", "markdown", "sampleText", "sampleMarkdown"}


@dataclass(frozen=True)
class Member(Person[CardT]):
    """A person who uses DingTalk, with or without cards."""

    ding: DingTalkSimulator
    id: str

    @property
    def simulator(self) -> DingTalkSimulator:
        """The simulated DingTalk."""
        return self.ding

    @property
    def sentences(self) -> list[str]:
        """The texts of the robot that only this person got, oldest first."""
        return [message.text for message in self.ding.robot_messages(self.id) if message.msg_key in ANSWERS]

    async def writes(self, words: str, channel: str = "") -> None:
        """Write to the robot: with a mention in a group, otherwise in a direct message."""
        assert (await self.ding.say(self.id, words, channel)).status == 200


@dataclass(frozen=True)
class User(Member[Card]):
    """A person who uses DingTalk with cards."""

    def read(self, card: Card) -> str:
        """Return the text of a card."""
        return text_of(card)

    def offers(self, card: Card, button: str) -> bool:
        """Return whether a card has a button."""
        return bool(self.ding.offers(card, verb_of(button)))

    async def says(self, words: str, channel: str = "") -> str:
        """Write to the robot and return its reply for this person alone: a message, or the private note on a card."""
        messages, cards = len(self.sentences), len(self.answers)
        await self.writes(words, channel)
        return (await self.until(lambda: self.sentences[messages:] or list(map(self.note, self.answers[cards:]))))[0]

    async def clicks(self, button: str, on: Card | None = None, *, item: str = "", text: str = "") -> str:
        """Click a button once the card shows the item, with `text` in its input; return the private note."""
        card = on or await self.card_with(button)
        verb = verb_of(button)
        await self.until(lambda: self.ding.offers(card, verb, item))
        answer = await self.ding.click(self.id, card, verb, text, item)
        assert answer.status == 200
        return self.note(card)

    def note(self, card: Card) -> str:
        """Return the private note on a card for this person."""
        return self.ding.vars_of(card, self.id).get("note", "")

    @property
    def answers(self) -> list[Card]:
        """The cards that reply to this person's messages, oldest first."""
        return [card for card in self.ding.cards(self.id) if card.out_track_id.startswith("reply-")]

    @property
    def cards(self) -> list[Card]:
        """The cards that only this person got, apart from replies, oldest first."""
        return [card for card in self.ding.cards(self.id) if not card.out_track_id.startswith("reply-")]


@dataclass(frozen=True)
class Organisation(Office[PersonT, CardT]):
    """One Fabu, one DingTalk, with or without cards, and the people who use both."""

    ding: DingTalkSimulator
    channel = GROUP

    def thread(self, plan: str = "#1 Payments 2.4") -> list[str]:
        """Return the lines about a plan in the group, as there are no threads."""
        texts = [message.text for message in self.ding.robot_messages(GROUP) if message.msg_key == "sampleText"]
        return [line for text in texts if text.startswith(f"{plan}\n") for line in text.splitlines()[1:]]


@dataclass(frozen=True)
class DingTalkOffice(Organisation[User, Card]):
    """One Fabu and one DingTalk with cards."""

    def person(self, name: str) -> User:
        """Return a person who uses DingTalk."""
        return User(self.ding, name)

    @property
    def channel_cards(self) -> list[Card]:
        """The plan cards in the group."""
        return self.ding.cards(GROUP)

    @property
    def lasting_cards(self) -> list[Card]:
        """The cards that are kept up to date, in the group and in direct chats."""
        return [*self.channel_cards, *(card for name in PEOPLE for card in self.person(name).cards)]

    async def form(self, number: int = 0) -> Process:
        """Wait until a form is submitted and linked to its plan; return the form."""
        form = await self.alice.until(lambda: next(iter(list(self.ding.workflow.processes.values())[number:]), None))
        await eventually(self.fabu.events, wanted=lambda events: events.count("form_linked") > number)
        return form


def text_of(card: Card) -> str:
    """Return the text of a card, with the positions of items as the other chats write them."""
    shown = "\n".join(value for name, value in card.params.items() if name not in FLAGS)
    return re.sub("【(.+?)】", r"\1 ", re.sub(r"(#\d+)【", r"\1 · 【", shown))


def narrow(text: str) -> str:
    """Return a text with ASCII characters in place of the look-alikes that markdown has of them."""
    return text.translate({ord(wide): chr(ord(wide) - 0xFEE0) for wide in "＼｀＊＿～［］＜＞＆＠：．＃／"})


def verb_of(button: str) -> str:
    """Return the verb of the button with a label."""
    return VERBS.get(button, button.lower())


def by_form(name: str, *approvers: str, **fields: Any) -> Json:
    """Return a stage that is decided in DingTalk's approval form."""
    return DINGTALK.stage(name, *approvers, channel="dingtalk_instance", **fields)


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


@asynccontextmanager
async def open_simulator() -> AsyncIterator[DingTalkSimulator]:
    """Run a DingTalk with an account for everybody, the group of releases, and the approval form."""
    async with DingTalkSimulator() as ding:
        for name in PEOPLE:
            ding.add_user(name, PHONES.get(name, ""))
        ding.add_group(GROUP, *PEOPLE)
        ding.workflow.add_form(FORM, "发布计划", "发布内容", "链接", "编号")
        yield ding


async def connect(ding: DingTalkSimulator, fabu: Fabu) -> DingTalkOffice:
    """Let DingTalk reach Fabu: over the Stream that Fabu opens, or over HTTP."""
    own = fabu.services.settings.dingtalk
    if own.mode == "stream":
        await ding.until(lambda: ding.gateway.sockets, PATIENCE)
        return DingTalkOffice(fabu, ding)
    ding.proxied[PUBLIC_URL] = fabu.url
    ding.console = Console(f"{fabu.url}/dingtalk/robot", f"{fabu.url}/dingtalk/events")
    if own.card_template_id:
        await ding.until(lambda: ding.calls_to("card.register"), PATIENCE)
    return DingTalkOffice(fabu, ding)


def seen(ding: DingTalkSimulator, chat: str) -> list[str]:
    """Return the texts that the robot has sent to a group or to a user, cards first."""
    return [*map(text_of, ding.cards(chat)), *(message.text for message in ding.robot_messages(chat))]


def remove(ding: DingTalkSimulator, posted: Posted) -> None:
    """Delete a card."""
    ding.remove_card(posted.message)


DINGTALK = Vendor(
    name="dingtalk",
    posting="card.create",
    simulator=open_simulator,
    section=section_for,
    people=KNOWN,
    account=str,
    connect=connect,
    seen=seen,
    remove=remove,
    threads=False,
    names_pause=False,
)
