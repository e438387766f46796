"""The vocabulary of scenarios in DingTalk without a card template: messages list commands, which people type."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.scenario.chats.dingtalk import (
    ANSWERS,
    GROUP,
    KNOWN,
    Member,
    Organisation,
    connect,
    narrow,
    open_simulator,
    remove,
    section_for,
    seen,
    verb_of,
)
from tests.scenario.chats.vocabulary import Vendor
from tests.scenario.office import PEOPLE, Fabu, Json
from tests.simulators.dingtalk import DingTalkSimulator, RobotMessage
from tests.waiting import eventually


@dataclass(frozen=True)
class Reader(Member[RobotMessage]):
    """A person who gets messages in the place of cards. Messages are never updated."""

    @property
    def cards(self) -> list[RobotMessage]:
        """The messages in the place of cards that only this person got, oldest first."""
        return _cards_in(self.ding, self.id)

    def read(self, card: RobotMessage) -> str:
        """Return the text of a message, with ASCII characters for the look-alikes in what people wrote."""
        return narrow(card.text)

    def offers(self, card: RobotMessage, button: str) -> bool:
        """Return whether a message has the command in the place of a button."""
        return any(command.startswith(verb_of(button)) for command in commands(card))

    async def says(self, words: str, channel: str = "") -> str:
        """Write to the robot and return the text of its reply."""
        return self.read(await self._gets(words, channel))

    async def clicks(self, button: str, on: RobotMessage | None = None, *, item: str = "", text: str = "") -> str:
        """Type the command in the place of a button, with `text` as the reason; return the reply."""
        message = on or await self.card_with(button)
        position = re.search(rf"(\d+)\. {item}", message.text) if item else None
        start = f"{verb_of(button)} 1 {position[1]}" if position else verb_of(button)
        command = next(command for command in commands(message) if command.startswith(start))
        return (await self.says(f"{command.removesuffix(' REASON')} {text}".rstrip())).partition("\n\n### ")[0]

    async def sees(self, *words: str) -> RobotMessage:
        """Wait until this person's newest message, or the reply to `show 1`, has all these words; return it."""
        return await self.looks(lambda: self.cards, *words)

    async def looks(self, at: Callable[[], list[RobotMessage]], *words: str) -> RobotMessage:
        """Wait until the last message of `at()`, or the reply to `show 1`, has all these words; return it."""

        async def look() -> list[RobotMessage]:
            seen = at()[-1:]
            if not any(self.shows(message, *words) for message in seen):
                seen = [await self._gets("show 1")]
            return [message for message in seen if self.shows(message, *words)]

        return (await eventually(look, wanted=bool))[0]

    async def _gets(self, words: str, channel: str = "") -> RobotMessage:
        before = len(self._answers)
        await self.writes(words, channel)
        return (await self.until(lambda: self._answers[before:]))[0]

    @property
    def _answers(self) -> list[RobotMessage]:
        return [message for message in self.ding.robot_messages(self.id) if message.msg_key in ANSWERS]


@dataclass(frozen=True)
class TextOffice(Organisation[Reader, RobotMessage]):
    """One Fabu and one DingTalk with messages in the place of cards."""

    def person(self, name: str) -> Reader:
        """Return a person who uses DingTalk."""
        return Reader(self.ding, name)

    @property
    def channel_cards(self) -> list[RobotMessage]:
        """The messages in the place of plan cards in the group."""
        return _cards_in(self.ding, GROUP)

    @property
    def lasting_cards(self) -> list[RobotMessage]:
        """The messages in the place of cards, in all places."""
        return [message for chat in (GROUP, *PEOPLE) for message in _cards_in(self.ding, chat)]

    async def channel_card(self, *words: str) -> RobotMessage:
        """Wait until the group's newest message, or the reply to `show 1`, has all these words; return the message."""
        return await self.alice.looks(lambda: self.channel_cards, *words)


def commands(message: RobotMessage) -> list[str]:
    """Return the commands in a message."""
    return re.findall("`([^`]+)`", message.text)


def _cards_in(ding: DingTalkSimulator, chat: str) -> list[RobotMessage]:
    return [message for message in ding.robot_messages(chat) if message.msg_key == "sampleActionCard"]


def _section_for(ding: DingTalkSimulator, **fields: Any) -> Json:
    return section_for(ding, **{"card_template_id": "", **fields})


async def _connect(ding: DingTalkSimulator, fabu: Fabu) -> TextOffice:
    await connect(ding, fabu)
    return TextOffice(fabu, ding)


DINGTALK_TEXT: Vendor[DingTalkSimulator, TextOffice] = Vendor(
    name="dingtalk",
    posting="robot.group",
    simulator=open_simulator,
    section=_section_for,
    people=KNOWN,
    account=str,
    connect=_connect,
    seen=seen,
    remove=remove,
    threads=False,
    keyed=False,
)
